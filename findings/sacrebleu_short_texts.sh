#!/usr/bin/env bash
# sacrebleu 2.6.0
# A corpus of hypotheses that equal their references scores BLEU 0, not 100, when every text is
# shorter than four words: no 4-gram exists, and by default BLEU then is 0, without a warning.
# effective_order=True mends it. Short answers, such as a colour or a title of three words, are hit.
# Seen:
#   default          BLEU = 0.00 100.0/100.0/100.0/0.0 (BP = 1.000 ratio = 1.000 hyp_len = 6 ref_len = 6)
#   effective order  BLEU = 100.00 100.0/100.0/100.0/0.0 (BP = 1.000 ratio = 1.000 hyp_len = 6 ref_len = 6)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sacrebleu==2.6.0

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

from sacrebleu.metrics import BLEU

titles = ["blue cotton shirt", "red ceramic mug"]
default = BLEU().corpus_score(titles, [titles])
effective = BLEU(effective_order=True).corpus_score(titles, [titles])
print("default         ", default)
print("effective order ", effective)
if default.score != 0 or round(effective.score) != 100:
    sys.exit(f"changed: identical short texts score {default.score} and {effective.score}")
PYTHON

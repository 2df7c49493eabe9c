#!/usr/bin/env bash
# rouge_score 0.1.2
# The default tokenizer keeps a-z and 0-9 only. A Russian or Japanese title compared with itself
# scores 0; a mug and a spoon that share the number 300 score 1.
# Seen:
#   0.0 Красная кружка | Красная кружка
#   0.0 赤いマグカップ | 赤いマグカップ
#   1.0 Кружка 300 | Ложка 300
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet rouge_score==0.1.2

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

from rouge_score.rouge_scorer import RougeScorer

pairs = [("Красная кружка", "Красная кружка"), ("赤いマグカップ", "赤いマグカップ"), ("Кружка 300", "Ложка 300")]
scorer = RougeScorer(["rougeL"])
scores = [float(scorer.score(*pair)["rougeL"].fmeasure) for pair in pairs]
for score, pair in zip(scores, pairs):
    print(score, " | ".join(pair))
if scores != [0, 0, 1]:
    sys.exit(f"changed: ROUGE-L is {scores}, not 0, 0 and 1")
PYTHON

#!/usr/bin/env bash
# rapidocr 3.10.0 with onnxruntime 1.32.0, pillow 13.0.0; the models come in the wheel
# The classifier of orientation, on by default, takes an upright 99 for an upside-down 66, and the
# answer has a confidence of 1. Recognition alone reads it rightly. A shop that checks the numbers on
# its packages gets a wrong one without a sign of doubt.
# The same default models have no letter of Cyrillic or Arabic: such print is left out, or comes out as
# Latin letters.
# Seen:
#   99 with the classifier: 66, without: 99
#   letters of the model: Latin yes, Cyrillic no, Arabic no
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet rapidocr==3.10.0 onnxruntime==1.32.0 pillow==13.0.0
# rapidocr asks for opencv with its windows; where there is no screen, the one without them does.
"$folder/venv/bin/pip" uninstall --quiet --yes opencv-python 2>/dev/null || true
"$folder/venv/bin/pip" install --quiet --force-reinstall --no-deps opencv-python-headless==5.0.0.93

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidocr import RapidOCR

image = Image.new("RGB", (480, 320), "white")
ImageDraw.Draw(image).text((240, 160), "99", fill="black", font=ImageFont.load_default(72), anchor="mm")
pixels = np.asarray(image)
engine = RapidOCR(params={"Global.log_level": "error"})
with_classifier, without = (list(engine(pixels, use_cls=on).txts) for on in (True, False))
print("99 with the classifier:", *with_classifier, "without:", *without)
letters = set(engine.text_rec.postprocess_op.character)
known = ["yes" if letter in letters else "no" for letter in ("A", "Ж", "ب")]
print("letters of the model:", ", ".join(map(" ".join, zip(("Latin", "Cyrillic", "Arabic"), known))))
if with_classifier != ["66"] or without != ["99"] or known != ["yes", "no", "no"]:
    sys.exit(f"changed: {with_classifier}, {without}, {known}")
PYTHON

#!/usr/bin/env bash
# pillow 13.0.0
# A grey PNG of 16 bits, as some scanners write it, isn't scaled to 8 bits by
# convert("L") or convert("RGB") but cut off at 255: an even ramp from black to white turns into pure
# black and white. A colour PNG of 16 bits is scaled.
# Seen:
#   I;16 ramp with 256 levels -> L with 2 levels, RGB with 2 levels
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0

cd "$folder"
venv/bin/python - <<'PYTHON'
import struct
import sys

from PIL import Image

levels = [level * 257 for level in range(256)]
Image.frombytes("I;16", (256, 1), struct.pack("<256H", *levels)).save("ramp.png")
with Image.open("ramp.png") as image:
    mode = image.mode
    num_grey = len(image.convert("L").getcolors())
    num_rgb = len(image.convert("RGB").getcolors())
print(f"{mode} ramp with 256 levels -> L with {num_grey} levels, RGB with {num_rgb} levels")
if (mode, num_grey, num_rgb) != ("I;16", 2, 2):
    sys.exit(f"changed: {mode} becomes {num_grey} and {num_rgb} levels")
PYTHON

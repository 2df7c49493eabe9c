#!/usr/bin/env bash
# openpyxl 3.1.5 with xlsxwriter 3.3.1 and pillow 12.0.0
# Loading a workbook and saving it, the usual way to add a column to a merchant's file, drops the computed
# value of every formula, so that importers and data libraries find empty cells until a spreadsheet
# program computes them again. A picture placed in a cell, a check box and a text box are dropped without a word,
# sparklines with a warning. keep_vba and rich_text don't change that.
# Seen:
#   price before 9, after None
#   dropped: xl/featurePropertyBag/featurePropertyBag.xml xl/media/image1.png xl/metadata.xml
#   text box before True, after False
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openpyxl==3.1.5 xlsxwriter==3.3.1 pillow==12.0.0

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import zipfile

import openpyxl
import xlsxwriter
from PIL import Image

Image.new("RGB", (8, 8), "red").save("photo.png")
book = xlsxwriter.Workbook("shop.xlsx")
sheet = book.add_worksheet()
sheet.write_row(0, 0, ["id", "price", "photo", "in stock"])
sheet.write_string(1, 0, "a")
sheet.write_formula(1, 1, "=2*4.5", None, 9)
sheet.embed_image(1, 2, "photo.png")
sheet.insert_checkbox(1, 3, True)
sheet.insert_textbox(3, 0, "prices are net")
book.close()

openpyxl.load_workbook("shop.xlsx").save("saved.xlsx")


def price(path):
    return openpyxl.load_workbook(path, data_only=True).active["B2"].value


def parts(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


before, after = parts("shop.xlsx"), parts("saved.xlsx")
kinds = ("media", "metadata", "featureProperty")
dropped = sorted(name for name in before.keys() - after.keys() if any(kind in name for kind in kinds))
boxes = [any(b"prices are net" in data for data in found.values()) for found in (before, after)]
print(f"price before {price('shop.xlsx')}, after {price('saved.xlsx')}")
print("dropped:", *dropped)
print(f"text box before {boxes[0]}, after {boxes[1]}")
if (price("shop.xlsx"), price("saved.xlsx")) != (9, None) or len(dropped) != 3 or boxes != [True, False]:
    sys.exit("changed: something of these survives")
PYTHON

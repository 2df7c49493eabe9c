#!/usr/bin/env bash
# openpyxl 3.1.5, pandas 3.1.1 with python-calamine 0.9.1 and xlsxwriter 3.3.1
# A workbook stores a carriage return within a text as _x000D_, and Excel shows a line break. openpyxl, and
# pandas with its default engine, hand out the seven letters, which then stand in descriptions and
# prompts; the calamine engine decodes them.
# Seen:
#   openpyxl 'Cotton_x000D_\nMade in Italy'
#   pandas (openpyxl) 'Cotton_x000D_\nMade in Italy'
#   pandas (calamine) 'Cotton\r\nMade in Italy'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openpyxl==3.1.5 pandas==3.1.1 xlsxwriter==3.3.1 python-calamine==0.9.1

cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys

import openpyxl
import pandas
import xlsxwriter

book = xlsxwriter.Workbook("shop.xlsx")
book.add_worksheet().write_column(0, 0, ["description", "Cotton\r\nMade in Italy"])
book.close()

seen = {
    "openpyxl": openpyxl.load_workbook("shop.xlsx").active["A2"].value,
    "pandas (openpyxl)": pandas.read_excel("shop.xlsx", engine="openpyxl")["description"][0],
    "pandas (calamine)": pandas.read_excel("shop.xlsx", engine="calamine")["description"][0],
}
for name, text in seen.items():
    print(name, repr(text))
if [*seen.values()] != ["Cotton_x000D_\nMade in Italy"] * 2 + ["Cotton\r\nMade in Italy"]:
    sys.exit("changed: the escape is read otherwise")
PYTHON

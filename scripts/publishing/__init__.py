"""What `scripts/publish.py` writes, and what it holds the documentation against.

bench_pages.py    docs/results/SUITE.json -> a page for each suite of PumBench, and the table of headlines
field_tables.py   docs/results/product-fields.json -> the tables of README and model card, and the checkpoint's own figures
picture.py        the README's picture: the demo's report, photographed by Chromium
revisions.py      which nano a figure is of
"""

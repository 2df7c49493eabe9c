"""The README's picture: the report of `make demo`, photographed by Chromium.

The PNG says in its text chunks which nano it shows and what that said, so that a test can ask nano again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from publishing.revisions import shipped_revision
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import UsageError

NUM_SHOWN = 4
"""Products that the picture shows whole."""
SIZE_PX = (1400, 1400)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
REVISION, RECORDS = "nano", "records"


def take_picture(out_png: Path) -> None:
    """Run the demo and photograph the top of its report. Raises `UsageError` where no browser is installed."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise UsageError(f"the picture needs Chromium, and none of {', '.join(BROWSERS)} is installed")
    demo = Path(__file__).resolve().parents[1] / "demo.py"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, str(demo), "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}"]
        size = f"--window-size={SIZE_PX[0]},{SIZE_PX[1]}"
        page = (folder / "report.html").resolve().as_uri()
        shot = folder / "shot.png"
        subprocess.run([browser, *options, size, f"--screenshot={shot}", page], check=True, capture_output=True)
        lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()[:NUM_SHOWN]
        stamp(shot, out_png, map(Understanding.model_validate_json, lines))


def stamp(source: Path, out_png: Path, records: Iterable[Understanding] = ()) -> None:
    """Copy a picture and write into it which nano it is of, and what that said."""
    info = PngInfo()
    info.add_text(REVISION, shipped_revision())
    shown = [summarize(record) for record in records]
    if shown:
        info.add_text(RECORDS, json.dumps(shown))
    with Image.open(source) as image:
        image.convert("RGB").save(out_png, optimize=True, pnginfo=info)


def summarize(record: Understanding) -> dict[str, Any]:
    """What a record says, without its confidences, whose last digits depend on the machine."""
    return {
        "id": record.id,
        "caption": record.caption.text if record.caption else None,
        "category": [*(record.category.path or ())] if record.category else None,
        "attributes": {field.name: field.value for field in record.attributes or () if field.status == "filled"},
    }


def pictured_revision(path: Path) -> str | None:
    with Image.open(path) as image:
        return image.info.get(REVISION)


def pictured_records(path: Path) -> list[dict[str, Any]]:
    with Image.open(path) as image:
        return list(json.loads(image.info.get(RECORDS, "[]")))

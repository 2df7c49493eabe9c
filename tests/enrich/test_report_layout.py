"""The report in a real browser, where one is installed: nothing on it is wider than a phone."""

from __future__ import annotations

import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from PIL import Image

from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.understanding import AnswerField, AttributeField, CategoryField, Evidence, ModelInfo, Understanding
from pumgpt.enrich.report import ReportWriter

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PHONE_PX = 390
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 2


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium to lay out the page")
def test_the_report_fits_a_phone(tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    product = Product("id-" + "7" * 80, images=(ImageRef(path="a.jpg"),), title=LONG)
    evidence = Evidence(image=0, kind="occlusion", grid=[[0.5, 0.0], [0.0, 0.0]])
    found = Understanding(
        id=product.id,
        category=CategoryField(
            path=[LONG, LONG, "Shirts"], suggestion=[LONG], status="conflict", confidence=1, evidence=evidence
        ),
        attributes=[
            AttributeField(name=LONG, value=[LONG, "Blue"], status="filled", confidence=0.5, evidence=evidence),
            AttributeField(name=LONG + "b", value=None, status="abstained", confidence=0.5),
        ],
        answers=[AnswerField(question=LONG + "?", answer=LONG, status="filled", confidence=0.5)],
        model=ModelInfo(name=LONG, revision="r1"),
        warnings=["https://example.org/" + "a" * 120],
    )
    with ReportWriter(page, LONG) as report:
        report.add(product, [Image.new("RGB", (900, 200), "navy")], found)
        report.finish()
    assert widest_px(page) <= PHONE_PX
    page.write_text('<div style="width:500px">wide</div>', encoding="utf-8")
    assert widest_px(page) >= 500, "the frame must see what is too wide"


def widest_px(page: Path) -> int:
    """How wide the page is when it is laid out in a frame as wide as a phone."""
    # Headless windows can't be as narrow as a phone, but a frame can.
    frame = page.with_name("frame.html")
    frame.write_text(
        f"""<body><iframe id="phone" src="{page.name}" width="{PHONE_PX}" height="844" style="border:0"></iframe><script>
        onload = () => {{ document.title = phone.contentDocument.scrollingElement.scrollWidth }}</script>""",
        encoding="utf-8",
    )
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [
        f"--user-data-dir={page.parent / 'browser'}",
        "--virtual-time-budget=5000",
        "--dump-dom",
        frame.as_uri(),
    ]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return int(unescape(dom).partition("<title>")[2].partition("</title>")[0])

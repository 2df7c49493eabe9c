from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_experts import BrokenExpert, LastWord, NewExpert, PaintExpert, WordExpert

from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.cli.main import main
from pumgpt.curation.cascade import Cascade
from pumgpt.curation.experts import registry
from pumgpt.curation.experts.base import Case, ExpertOptions, claims_of
from pumgpt.curation.verdict import Claim, Verdict
from pumgpt.errors import UsageError


def product(title: str | None, colour: str, paint: str | None = None) -> Product:
    buffer = io.BytesIO()
    if paint is not None:
        Image.new("RGB", (8, 8), paint).save(buffer, "PNG")
    images = (ImageRef(data=buffer.getvalue()),) if paint else ()
    return Product("1", images, title, attributes={"colour": colour, "year": "2012"})


class Opening:
    """Opens photos and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, product: Product) -> tuple[Image.Image, ...]:
        self.count += 1
        return tuple(open_photo(ref) for ref in product.images)


def case(product: Product) -> Case:
    return Case(product, claims_of(product), Opening())


def test_a_dear_expert_is_asked_only_what_the_cheap_ones_left_open() -> None:
    paint = PaintExpert()
    cascade = Cascade([paint, WordExpert()], LastWord())
    (fused_verdicts,), calls = cascade.judge([case(product("Red shirt", "Red", "red"))])
    assert paint.asked == [Claim("year", "2012")]
    assert (calls.asked, calls.spared) == ({"text": 2, "similarity": 1}, {"text": 0, "similarity": 1})
    assert [fused.expert for fused in fused_verdicts] == ["text", "text"]


def test_text_that_does_not_say_a_value_leaves_it_to_the_photo() -> None:
    cascade = Cascade([PaintExpert(), WordExpert()], LastWord())
    (fused_verdicts,), _ = cascade.judge([case(product("Shirt", "Red", "blue"))])
    assert (fused_verdicts[0].verdict, fused_verdicts[0].expert) == (Verdict.CONTRADICTED, "similarity")
    assert [vote.expert for vote in fused_verdicts[0].votes] == ["text", "similarity"]


def test_without_a_photo_the_photo_experts_are_not_asked() -> None:
    paint = PaintExpert()
    cascade = Cascade([paint, WordExpert()], LastWord())
    (fused_verdicts,), calls = cascade.judge([case(product("Shirt", "Red"))])
    assert paint.asked == []
    assert calls.asked["similarity"] == calls.spared["similarity"] == 0
    assert all(fused.verdict is Verdict.NOT_INFERABLE for fused in fused_verdicts)


def test_photos_are_opened_once_whoever_looks_and_not_at_all_where_nobody_does() -> None:
    second = PaintExpert()
    second.name, second.cost = "vlm", 0.2
    for title, times in (("Shirt", 1), ("Red 2012", 0)):
        opening, shirt = Opening(), product(title, "Red", "red")
        cascade = Cascade([PaintExpert(), second, WordExpert()], LastWord())
        cascade.judge([Case(shirt, claims_of(shirt), opening)])
        assert opening.count == times


def test_where_nobody_can_say_anything_there_is_a_ruling_all_the_same() -> None:
    (fused_verdicts,), _ = Cascade([WordExpert()], LastWord()).judge([case(product(None, "Red"))])
    assert [(fused.verdict, fused.expert, fused.votes) for fused in fused_verdicts] == [
        (Verdict.NOT_INFERABLE, "none", ())
    ] * 2


def test_an_expert_that_fails_is_counted_and_the_others_decide() -> None:
    shirts = [case(product("Red shirt", "Red"))]
    (alone,), _ = Cascade([WordExpert()], LastWord()).judge(shirts)
    (fused_verdicts,), calls = Cascade([BrokenExpert(), WordExpert()], LastWord()).judge(shirts)
    assert fused_verdicts == alone
    assert calls.failed == {"judge": 1}
    assert "refuses" in calls.errors["judge"]


@given(st.lists(st.tuples(st.sampled_from(["Red", "Blue shirt", "shirt"]), st.sampled_from(["Red", "Blue"]))))
def test_one_ruling_a_claim_in_order_however_rows_are_batched(rows: list[tuple[str, str]]) -> None:
    cases = [case(product(title, colour)) for title, colour in rows]
    cascade = Cascade([WordExpert()], LastWord())
    together, _ = cascade.judge(cases)
    assert together == [cascade.judge([one])[0][0] for one in cases]
    assert [[fused.claim for fused in row] for row in together] == [list(one.claims) for one in cases]


@pytest.mark.parametrize(("margin", "asked"), [(0.0, 0), (0.44, 0), (0.46, 1)])
def test_the_margin_says_what_is_settled(margin: float, asked: int) -> None:
    paint = PaintExpert()
    shirt = Product("1", product("", "Red", "red").images, "Red shirt", attributes={"colour": "Red"})
    Cascade([paint, WordExpert()], LastWord(), margin=margin).judge([case(shirt)])
    assert len(paint.asked) == asked


def test_a_new_expert_is_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of the registry is all that the command needs: it finds, asks, and fuses the expert."""
    monkeypatch.setitem(registry.EXPERTS, "paint", "small_experts:NewExpert")
    (tmp_path / "in.jsonl").write_text(
        '{"id": 1, "image": "a.jpg", "attributes": {"colour": "Red"}}\n', encoding="utf-8"
    )
    arguments = ["curate", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), "--experts", "text,paint"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.stderr
    (verdict,) = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["verdicts"]
    assert (verdict["verdict"], verdict["expert"]) == ("supported", "paint")
    assert verdict["score"] == pytest.approx(1 / (1 + 2 / 9**0.9), abs=1e-4)  # its log-odds, times its trust


def test_an_expert_without_its_modules_is_refused_and_left_out_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.EXPERTS, "paint", "small_experts:NewExpert")
    assert "paint" in registry.choose_experts(None, ExpertOptions())
    monkeypatch.setattr(NewExpert, "modules", ("no_such_module",))
    assert "paint" not in registry.choose_experts(None, ExpertOptions())
    with pytest.raises(UsageError, match=r"'paint': no_such_module is not installed; pip install 'pumgpt\[paint\]'"):
        registry.choose_experts(["paint"], ExpertOptions())


def test_the_fingerprint_has_the_options_of_the_chosen_experts_alone() -> None:
    one, other = ExpertOptions(model="a", judge="b"), ExpertOptions(model="c", judge="d")
    assert registry.fingerprint(["text"], one) == registry.fingerprint(["text"], other)
    assert registry.fingerprint(["vlm"], one) != registry.fingerprint(["vlm"], other)

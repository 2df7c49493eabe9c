"""The figures and pictures of the documentation are what `scripts/publish.py` writes, and are of the nano that ships."""

from __future__ import annotations

import importlib
import io
import json
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image
from small_suites import bench, load, write_shop

from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.load import load_backend
from pumgpt.bench.baselines.backends import Majority
from pumgpt.bench.reporting.results import to_document, write_results
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.enrich.job import enrich
from pumgpt.model.card import SHIPPED, revision_of
from pumgpt.samples import write_catalog
from pumgpt.samples.seeds import DEMO
from pumgpt.understand.plan import make_plan

ROOT = Path(__file__).resolve().parents[2]
OLDER = "6dded5ef1364"
CHECKPOINT = Path("src") / "pumgpt" / "checkpoints" / "nano"


def publish(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """As the command line does, without its start."""
    words = [*map(str, arguments)]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = importlib.import_module("publish").main(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of everything that is published, to be changed."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "README.md", folder)
    (folder / CHECKPOINT).mkdir(parents=True)
    shutil.copy(ROOT / CHECKPOINT / "pumgpt.json", folder / CHECKPOINT)
    return folder


@pytest.fixture(autouse=True)
def publishing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The programs of `scripts`, as they find each other when they are run."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("publishing")


def replace(path: Path, old: str, new: str) -> str:
    """Returns the text as it was."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text


def test_everything_is_up_to_date() -> None:
    result = publish("--check")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("page", "figure"),
    [
        ("docs/pumbench.md", "0.933 [0.841, 0.974]"),
        ("docs/results/samples.md", "0.933 [0.841, 0.974]"),
        ("README.md", "0.871 [0.857, 0.884]"),
        ("docs/model_card.md", "0.025 [0.007, 0.086]"),
        ("docs/results/product-fields.md", "0.025 [0.007, 0.086]"),
        (f"{CHECKPOINT}/pumgpt.json", "[0.871, 0.857, 0.884, 2507]"),
    ],
)
def test_a_changed_figure_is_found_and_mended(root: Path, page: str, figure: str) -> None:
    if page.endswith(".json"):
        document = json.loads((root / page).read_text(encoding="utf-8"))
        right = (root / page).read_text(encoding="utf-8")
        assert document["quality"]["fashion, image only"]["category"] == json.loads(figure)
        document["quality"]["fashion, image only"]["category"][0] = 0.999
        (root / page).write_text(json.dumps(document), encoding="utf-8")
    else:
        right = replace(root / page, figure, "0.999 [0.841, 0.974]")
    found = publish("--check", "--root", root)
    assert found.returncode == 1
    assert page in found.stderr
    assert publish("--root", root).returncode == 0
    assert (root / page).read_text(encoding="utf-8") == right


def test_what_the_readme_says_in_words_agrees_with_its_figures() -> None:
    fields = json.loads((ROOT / "docs" / "results" / "product-fields.json").read_text(encoding="utf-8"))
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    packshots = {
        name: column["category"] for name, column in fields["grocery-iconic"]["conditions"]["image only"].items()
    }
    share, *_, products = packshots["every field filled"]["whole path"]
    precision, *_, filled = packshots["default precision"]["precision"]
    assert precision == 0
    assert f"own {products} packshots of the very same products it names {share * products:.0f} right" in text
    assert f"of the {filled} that it fills by default, none" in text
    everyday = fields["open-domain"]["conditions"]["image only"]["default precision"][
        "category of photos of no product"
    ]
    share, *_, photos = everyday["coverage"]
    sure, *_ = everyday["confidence above 0.9"]
    assert f"Of {photos} everyday photos {share * photos:.0f} are filled nevertheless" in text
    assert f"{['none', 'one', 'two', 'three'][round(sure * photos)]} of them at a confidence above 0.9" in text
    implicit = json.loads((ROOT / "docs" / "results" / "implicitave.json").read_text(encoding="utf-8"))
    score = next(score for score in implicit["scores"]["image only"] if score["slot"] == "attribute_qa")
    assert f"[{score['values']['nano'][0] * score['n']:.0f} of {score['n']}]" in text


def test_figures_of_other_weights_fail_the_check(root: Path) -> None:
    shipped = revision_of(SHIPPED / "nano")
    replace(root / "docs" / "results" / "product-fields.json", shipped, OLDER)
    assert publish("--root", root).returncode == 0
    found = publish("--check", "--root", root)
    assert found.returncode == 1
    assert f"fashion is not of nano {shipped}" in found.stderr


def test_a_suite_of_other_weights_says_so_on_its_page(root: Path) -> None:
    shipped = revision_of(SHIPPED / "nano")
    replace(root / "docs" / "results" / "samples.json", shipped, OLDER)
    assert "docs/results/samples.md" in publish("--check", "--root", root).stderr
    assert publish("--root", root).returncode == 0
    page = (root / "docs" / "results" / "samples.md").read_text(encoding="utf-8")
    assert f"Measured with nano `{OLDER}`; the one that ships is `{shipped}`." in page
    assert "samples" in (root / "docs" / "pumbench.md").read_text(encoding="utf-8").split(OLDER)[1][:200]


@pytest.mark.parametrize("name", ["result.png", "reliability.png"])
def test_a_picture_of_other_weights_fails_the_check(root: Path, name: str) -> None:
    Image.new("RGB", (8, 8)).save(root / "docs" / "images" / name)
    assert f"docs/images/{name}: is not of nano" in publish("--check", "--root", root).stderr


def test_text_names_the_revision_of_its_figures(publishing: ModuleType) -> None:
    revisions = importlib.import_module(f"{publishing.__name__}.revisions")

    def faults(text: str) -> list[str]:
        return list(revisions.check_page("page.md", text, ["0123456789ab"], frozenset({"remember"})))

    command = "## Memory\n`python experiments/remember/run.py`: 0.455"
    assert faults(f"{command}, nano `0123456789ab`.\n## More\n") == []
    assert "page.md:2" in faults(f"{command}.\n## More\nnano `0123456789ab`\n")[0]
    assert "page.md:1" in faults("0.455 with the previous nano")[0]
    assert "table of revisions" in faults("nano `ffffffffffff`")[0]
    assert faults("`python experiments/curation_titles/run.py`: 0.965") == []
    assert revisions.experiments_with_nano(ROOT / "experiments") >= {"remember", "curation_photos", "curation_pays"}


@pytest.mark.slow
def test_the_picture_shows_what_nano_says(tmp_path: Path, publishing: ModuleType) -> None:
    picture = importlib.import_module(f"{publishing.__name__}.picture")
    backend = load_backend("nano")
    catalog = write_catalog(tmp_path, DEMO[: picture.NUM_SHOWN])
    enrich(read_catalog(catalog), tmp_path / "out.jsonl", backend, make_plan(backend))
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[: picture.NUM_SHOWN]
    said = [picture.summarize(picture.Understanding.model_validate_json(line)) for line in lines]
    assert said == picture.pictured_records(ROOT / "docs" / "images" / "result.png"), (
        "nano says something else now: python scripts/publish.py --picture"
    )


def write_shop_results(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir(parents=True, exist_ok=True)
    shop = write_shop(tmp_path / "shop")
    result = bench(shop, FakeBackend(), Majority(load(shop)[2]), folder=tmp_path / "answers")
    run = {"models": {"fake": {"seconds_per_product": 0.12345}, "majority": {"seconds_per_product": 0.5}}}
    write_results(to_document(result, run), tmp_path / "results.json")
    return tmp_path / "results.json"


def test_new_results_get_a_page_and_rows_in_the_headline_table(root: Path, tmp_path: Path) -> None:
    path = write_shop_results(tmp_path)
    published = publish(path, "--root", root)
    assert published.returncode == 0, published.stderr
    page = (root / "docs" / "results" / "shop.md").read_text(encoding="utf-8")
    scores = json.loads(path.read_text(encoding="utf-8"))["scores"]["image only"]["category"]["accuracy"]["majority"]
    cell = f"{scores['value']:.3f} [{scores['low']:.3f}, {scores['high']:.3f}]"
    assert f"Category (category: accuracy) | {scores['count']} |" in page and cell in page
    assert "| fake | `fake` |" in page and "| 0.123 |" in page
    front = (root / "docs" / "pumbench.md").read_text(encoding="utf-8")
    assert cell in next(line for line in front.splitlines() if "results/shop.md" in line)


def test_models_that_are_not_asked_again_keep_their_columns(root: Path, tmp_path: Path) -> None:
    path = write_shop_results(tmp_path)
    assert publish(path, "--root", root).returncode == 0
    page = root / "docs" / "results" / "shop.md"
    before = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| Category (")]
    document = json.loads(path.read_text(encoding="utf-8"))
    document["models"] = [model for model in document["models"] if model["name"] == "fake"]
    document["comparisons"] = []
    for slots in document["scores"].values():
        for metrics in slots.values():
            for models in metrics.values():
                models.pop("majority", None)
    path.write_text(json.dumps(document), encoding="utf-8")
    assert publish(path, "--root", root).returncode == 0
    again = page.read_text(encoding="utf-8")
    assert [line for line in again.splitlines() if line.startswith("| Category (")] == before
    assert "| majority | `majority` |" in again
    # Of other products, the old columns would not be comparable.
    document["suite"]["data_hash"] = "0" * 16
    path.write_text(json.dumps(document), encoding="utf-8")
    assert publish(path, "--root", root).returncode == 0
    assert "majority" not in page.read_text(encoding="utf-8")


def test_results_of_other_weights_are_refused(root: Path, tmp_path: Path) -> None:
    path = write_shop_results(tmp_path)
    text = path.read_text(encoding="utf-8").replace('"name": "fake"', '"name": "nano"')
    path.write_text(text, encoding="utf-8")
    refused = publish(path, "--root", root)
    assert refused.returncode == 1
    assert "measure again" in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert not (root / "docs" / "results" / "shop.json").exists()


def test_a_broken_file_of_figures_is_named(root: Path) -> None:
    (root / "docs" / "results" / "samples.json").write_text('{"suite": "samples"}', encoding="utf-8")
    result = publish("--check", "--root", root)
    assert result.returncode == 1
    assert "samples.json: version:" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def measured(value: float, low: float, high: float) -> dict[str, float | int]:
    return {"value": value, "low": low, "high": high, "count": 18}


def test_altered_photos_and_unlearned_kinds_get_sections_of_the_page(root: Path, tmp_path: Path) -> None:
    path = write_shop_results(tmp_path)
    document = json.loads(path.read_text(encoding="utf-8"))
    plain = {"gender": {"accuracy": {"fake": measured(0.9, 0.8, 1.0)}}}
    change = {"fake": measured(-0.4, -0.6, -0.2)}
    grey = {"gender": {"accuracy": {"fake": measured(0.5, 0.3, 0.7)}, "accuracy, change": change}}
    document["photo_sample"] = ["1", "2"]
    document["photo_conditions"] = {"as it is": plain, "in grey": grey}
    shares = {"filled": measured(0.25, 0.1, 0.4), "wrong": measured(0.125, 0.05, 0.3)}
    claim = {"product": "1", "value": ["Toys"], "confidence": 0.9, "right": False, "shows": ["words of a photo"]}
    document["unlearned_kinds"] = {"fake": {"scores": {"all photos": {"any field": shares}}, "claims": [claim]}}
    path.write_text(json.dumps(document), encoding="utf-8")
    published = publish(path, "--root", root)
    assert published.returncode == 0, published.stderr
    page = (root / "docs" / "results" / "shop.md").read_text(encoding="utf-8")
    assert "## The same photo, otherwise\n\n2 products." in page and "### fake: gender" in page
    assert "| as it is | 0.900 [0.800, 1.000] |" in page
    assert "| in grey | 0.500 (-0.400 [-0.600, -0.200]) |" in page
    assert "| fake | all photos | any field | 0.250 [0.100, 0.400] | 0.125 [0.050, 0.300] |" in page
    assert "words of a photo" not in (root / "docs" / "results" / "shop.json").read_text(encoding="utf-8")


def test_fields_that_a_suite_does_not_count_are_published_nowhere(root: Path) -> None:
    path = root / "docs" / "results" / "product-fields.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    columns = document["fashion"]["conditions"]["image only"]["every field filled"]
    columns["season"] = {"accuracy": [0.4321, 0.4123, 0.4567, 2507]}
    path.write_text(json.dumps(document), encoding="utf-8")
    assert publish("--root", root).returncode == 0
    for page in ("docs/results/product-fields.md", f"{CHECKPOINT}/pumgpt.json", "README.md"):
        assert "0.432" not in (root / page).read_text(encoding="utf-8")

"""What Python users import: there, documented, typed, and cheap until it is used."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from tests.test_architecture import HEAVY

import pumgpt
from pumgpt import api
from pumgpt.samples import seeds, write_catalog


@pytest.mark.parametrize("module", [pumgpt, api], ids=["pumgpt", "pumgpt.api"])
def test_every_public_name_is_there_and_documented(module: object) -> None:
    names = module.__all__
    assert sorted(set(names)) == sorted(names)
    for name in names:
        found = getattr(module, name)
        if name != "__version__":
            assert inspect.getdoc(found), f"{name} has no docstring"


def test_the_top_of_the_package_has_what_the_api_has() -> None:
    """But `enrich`, which is a package there."""
    assert set(api.__all__) - {"enrich"} <= set(pumgpt.__all__) <= set(dir(pumgpt))
    assert all(getattr(pumgpt, name) is getattr(api, name) for name in api.__all__ if name != "enrich")
    with pytest.raises(AttributeError, match="no attribute 'dream'"):
        pumgpt.dream  # noqa: B018


def test_load_says_what_it_returns() -> None:
    assert typing.get_type_hints(pumgpt.load)["return"] is api.Model
    assert typing.get_type_hints(pumgpt.Model.understand)["return"] is pumgpt.Understanding


def test_mypy_knows_what_load_returns(tmp_path: Path) -> None:
    package = Path(pumgpt.__file__).parent
    assert (package / "py.typed").is_file()
    script = tmp_path / "script.py"
    script.write_text("import pumgpt\nreveal_type(pumgpt.load('nano'))\n", encoding="utf-8")
    # Without following imports this takes a second instead of a minute, and `Model` is in `api.py`.
    options = ["--follow-imports=skip", "--config-file=", f"--cache-dir={tmp_path}"]
    sources = [str(script), str(package / "__init__.py"), str(package / "api.py")]
    command = [sys.executable, "-m", "mypy", *options, *sources]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert 'Revealed type is "pumgpt.api.Model"' in printed


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import json, sys, pumgpt; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert not {*HEAVY, "pydantic", "PIL", "numpy"} & set(loaded)
    records = code.replace(
        "import json, sys, pumgpt;", "import json, sys; from pumgpt import Product, Understanding, load;"
    )
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", records], capture_output=True, text=True, check=True).stdout
    )
    assert not {"torch", "transformers"} & set(loaded)


def test_a_catalogue_is_enriched_from_python(tmp_path: Path) -> None:
    write_catalog(tmp_path / "catalog", seeds.TESTS[:4], size_px=48)
    done: list[int] = []
    summary = api.enrich(
        tmp_path / "catalog" / "catalog.csv",
        tmp_path / "filled.jsonl",
        model="fake",
        tasks=["caption"],
        limit=3,
        progress=lambda summary: done.append(summary.rows),
    )
    assert (summary.rows, summary.rejected, done[-1]) == (3, 0, 3)
    rows = [json.loads(line) for line in (tmp_path / "filled.jsonl").read_text(encoding="utf-8").splitlines()]
    # Nothing vouches for what the fake says, so the captions are left out; nothing else was asked for.
    assert [row["caption"]["status"] for row in rows] == ["abstained"] * 3
    assert all(row.keys() == {"id", "caption", "model", "warnings"} for row in rows)


def test_what_is_wrong_is_said_before_a_model_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(api.CatalogError, match=r"absent\.csv"):
        api.enrich(tmp_path / "absent.csv", tmp_path / "filled.csv", model="no such model")
    (tmp_path / "in.csv").write_text("id,title\n1,Shirt\n", encoding="utf-8")
    with pytest.raises(api.UsageError, match="--category-attributes needs"):
        api.enrich(tmp_path / "in.csv", tmp_path / "filled.csv", model="no such model", category_attributes=True)
    with pytest.raises(api.ModelError, match="no such model or folder"):
        api.load("absent")

"""A catalogue of which no row has a photo or a text is refused before any work, by every command that works on one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from pumgpt.cli.main import main
from pumgpt.errors import CatalogError
from pumgpt.training.data.products import read_file

_COMMANDS = {
    "enrich": ["OUT.csv", "--model", "fake"],
    "curate": ["OUT.jsonl", "--experts", "text"],
    "convert": ["OUT.jsonl", "--to", "llava"],
    "shards": ["OUT"],
    "remember": ["OUT"],
    "duplicates": [],
}


@pytest.fixture(params=["in.csv", "in.jsonl", "in.parquet", "in"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    if path.suffix == ".csv":
        path.write_text("id,price\n1,2\n2,3\n")
    elif path.suffix == ".jsonl":
        path.write_text('{"id": 1, "price": 2}\n{"id": 2, "price": 3}\n')
    else:
        file = path if path.suffix else path / "a.parquet"
        file.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"id": [1, 2], "price": [2, 3]}), file)
    return path


@pytest.mark.parametrize("command", _COMMANDS)
def test_it_is_refused_in_one_line(source: Path, command: str) -> None:
    pytest.importorskip("imagehash")
    out = source.with_name("out")
    options = [option.replace("OUT", str(out)) for option in _COMMANDS[command]]
    done = CliRunner().invoke(main, [command, str(source), *options])
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert f"{source}: none of its 2 rows has a photo or a text" in line and "(it has: id, price)" in line
    assert [path for path in source.parent.iterdir() if path != source] == []


def test_training_refuses_it_too(source: Path) -> None:
    with pytest.raises(CatalogError, match="none of its 2 rows has a photo or a text"):
        next(read_file(source))

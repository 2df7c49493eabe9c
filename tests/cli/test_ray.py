"""`--engine ray`: the same files as without it. One Ray for the whole module, on two of this machine's cores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pumgpt.cli.main import main
from pumgpt.cli.options import check_engine
from pumgpt.errors import UsageError
from pumgpt.jobs.ray import Numbered, run_on_ray
from pumgpt.samples import draw_sample

CURATED = ("--experts", "text,statistics")


@pytest.fixture(scope="module")
def two_cores() -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="Ray is an extra")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000)
    try:
        yield
    finally:
        ray.shutdown()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty drawn products, one row that can't be read and one whose photo can't."""
    folder = tmp_path_factory.mktemp("shop")
    lines = []
    for number in range(40):
        photo, product = draw_sample(number, 96)
        photo.save(folder / f"{number}.jpg")
        row = {"id": str(number), "image": f"{number}.jpg", "title": product.title or f"Thing {number}"}
        lines.append(json.dumps(row | {"attributes": dict(product.attributes or {})}))
    lines[7] = "{broken"
    (folder / "11.jpg").write_bytes(b"no photo")
    (folder / "in.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def run(*words: object) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    return done


@pytest.mark.parametrize(("command", "options"), [("curate", CURATED), ("enrich", ("--tasks", "category"))])
def test_ray_writes_what_the_local_engine_writes(
    command: str, options: tuple[str, ...], shop: Path, tmp_path: Path, two_cores: None
) -> None:
    """Also where it goes on after a run that stopped in the middle of a batch."""
    run(command, shop / "in.jsonl", tmp_path / "local.jsonl", *options)
    run(command, shop / "in.jsonl", tmp_path / "ray.jsonl", *options, "--engine", "ray", "--workers", 2, "--limit", 21)
    assert len((tmp_path / "ray.jsonl").read_text().splitlines()) < 21
    run(command, shop / "in.jsonl", tmp_path / "ray.jsonl", *options, "--engine", "ray", "--workers", 2)
    for ending in ("jsonl", "rejected.jsonl"):
        assert (tmp_path / f"ray.{ending}").read_bytes() == (tmp_path / f"local.{ending}").read_bytes()


def test_results_come_in_order_and_errors_as_they_are(two_cores: None) -> None:
    def make() -> Callable[[int], int]:
        def square(number: int) -> int:
            if number > 40:
                raise UsageError(f"no square of {number}")
            return number**2

        return square

    assert list(run_on_ray(make, range(3, 40), 2)) == [number**2 for number in range(3, 40)]
    assert list(run_on_ray(make, range(0), 2)) == []
    with pytest.raises(UsageError, match="no square of 41"):
        list(run_on_ray(make, range(41, 42), 1))


def test_a_stream_is_read_once_in_rising_order() -> None:
    readings = []

    def read() -> Iterator[tuple[int, str]]:
        readings.append(1)
        return iter([(number, str(number)) for number in range(2, 9)])

    numbered = Numbered(read)
    assert [numbered[number] for number in (2, 3, 7)] == ["2", "3", "7"] and len(readings) == 1
    assert numbered[4] == "4" and len(readings) == 2
    with pytest.raises(KeyError):
        numbered[9]


def test_without_ray_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pumgpt.cli.options.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'pumgpt\[ray\]'"):
        check_engine("ray", None)


def test_workers_belong_to_ray() -> None:
    done = CliRunner().invoke(main, ["curate", "in.jsonl", "out.jsonl", "--workers", "2"])
    assert done.exit_code == 2 and "--workers belongs to --engine ray" in done.stderr

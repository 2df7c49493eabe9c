"""Settings of libraries for the tests of catalogues."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def quiet_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` with a cache of its own, and without progress bars."""
    import datasets  # not for every test of catalogues: it takes a second

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()

"""What a bad day does to pulling from Akeneo and pushing to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from akeneo_server import CREDENTIALS, Gate
from akeneo_shop import CONFIG, filled, pull, record_file, run

from pumgpt.catalog.photos.hosts import DownloadLimits
from pumgpt.connectors.akeneo.client import AkeneoClient
from pumgpt.connectors.akeneo.config import Credentials
from pumgpt.errors import PhotoError


def test_an_interrupted_pull_goes_on_and_ends_the_same(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.seed("/products", *({"identifier": f"p{number:03}"} for number in range(105)))
    whole = pull(config, tmp_path / "whole")
    akeneo.faults = [("products.*search_after=p", 403, {})]
    broken = run("akeneo", "pull", config, tmp_path / "shop")
    assert broken.exit_code == 1 and "refused with status 403" in broken.stderr
    akeneo.asked.clear()
    assert pull(config, tmp_path / "shop") == whole
    assert len([path for path in akeneo.asked if "/products?" in path]) == 1, "the first page isn't asked for again"
    assert (tmp_path / "shop" / "products.jsonl").read_bytes() == (tmp_path / "whole" / "products.jsonl").read_bytes()


def test_a_finished_pull_is_made_anew(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    pull(config, tmp_path / "shop")
    akeneo.seed("/products", {"identifier": "new"})
    akeneo.asked.clear()
    assert "new" in pull(config, tmp_path / "shop")
    assert [path for path in akeneo.asked if "media-files" in path and "missing" not in path] == []


def test_an_expired_token_is_renewed_in_the_middle(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.requests_per_token = 4
    pull(config, tmp_path / "shop")
    assert akeneo.grants[0] == "password" and len(akeneo.grants) > 3
    assert set(akeneo.grants[1:]) == {"refresh_token"}


def test_a_busy_server_is_asked_again(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [
        ("/attributes", 429, {"Retry-After": "0"}),
        ("/products", 503, {}),
        ("media-files", 500, {}),
        ("oauth", 502, {}),
    ]
    assert len(pull(config, tmp_path / "shop")["shirt-1"]["images"]) == 2
    records = record_file(tmp_path / "f.jsonl", {"id": "bare/2", "attributes": [filled("Colour", "Red")]})
    akeneo.faults = [("/products$", 500, {})]
    assert run("akeneo", "push", records, config).exit_code == 0
    assert akeneo.stored("/products-uuid?limit=100") is not None and len(akeneo.sent) == 1


def test_a_server_that_wants_a_long_pause_is_not_waited_for(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [("/channels", 429, {"Retry-After": "7200"})]
    result = run("akeneo", "pull", config, tmp_path / "shop")
    assert result.exit_code == 1 and "busy or broken (status 429); run the same command again later" in result.stderr


def test_a_server_that_is_down_costs_no_photo(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [("media-files", 429, {"Retry-After": "7200"})]
    assert run("akeneo", "pull", config, tmp_path / "shop").exit_code == 1
    assert len(pull(config, tmp_path / "shop")["shirt-1"]["images"]) == 2


def test_a_photo_that_its_server_always_fails_on_is_missing(akeneo: Gate, tmp_path: Path) -> None:
    akeneo.faults = [("media-files", 500, {})] * 2
    credentials = Credentials.from_environment("AKENEO", CREDENTIALS)
    limits = DownloadLimits(attempts=2, backoff_s=0.01)
    with AkeneoClient(akeneo.url, credentials, limits) as client, pytest.raises(PhotoError, match="status 500"):
        client.download("1/2/ab_front.png", tmp_path / "photo.png")


def test_only_the_configured_host_is_asked(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [("/channels", 302, {"Location": "http://127.0.0.1:1/elsewhere"})]
    result = run("akeneo", "pull", config, tmp_path / "shop")
    assert result.exit_code == 1 and "leads elsewhere (status 302)" in result.stderr


def test_a_page_that_is_no_json_is_named(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [("/channels", 200, {})]
    result = run("akeneo", "pull", config, tmp_path / "shop")
    assert result.exit_code == 1 and "answers with text/html, no JSON; check 'url'" in result.stderr


def test_no_message_holds_a_secret(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    result = run("akeneo", "pull", config, tmp_path / "shop", AKENEO_PASSWORD="wr0ng-secret")
    assert result.exit_code == 2 and "gives no token for these credentials (status 422)" in result.stderr
    assert "wr0ng-secret" not in result.output and CREDENTIALS["AKENEO_CLIENT_SECRET"] not in result.output
    result = run("akeneo", "pull", config, tmp_path / "shop", AKENEO_CLIENT_SECRET="")
    assert result.exit_code == 2 and "lacks AKENEO_CLIENT_SECRET" in result.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("locale: fr_FR", "channel 'ecommerce' has no locale 'fr_FR'; it has en_US, de_DE"),
        ("channel: mobile", "has no channel 'mobile'; it has ecommerce"),
        ("title: headline", "has no attribute 'headline'; it has back_view, color"),
        ("attributes: [length]", "attribute 'length' is of type pim_catalog_metric, which isn't filled"),
    ],
)
def test_a_wrong_configuration_is_named(akeneo: Gate, tmp_path: Path, line: str, said: str) -> None:
    kept = [own for own in CONFIG.format(url=akeneo.url).splitlines() if not own.startswith(line.split(":")[0])]
    path = tmp_path / "akeneo.yaml"
    path.write_text("\n".join([*kept, line]), encoding="utf-8")
    result = run("akeneo", "pull", path, tmp_path / "shop")
    assert result.exit_code == 2 and said in result.stderr


@pytest.mark.parametrize(("size", "said"), [(2_000, "has more than 0.001 MB"), (0, "is empty")])
def test_a_photo_is_there_whole_or_not_at_all(akeneo: Gate, tmp_path: Path, size: int, said: str) -> None:
    akeneo.photos["a/b c#.png"] = bytes(size)
    credentials = Credentials.from_environment("AKENEO", CREDENTIALS)
    with AkeneoClient(akeneo.url, credentials, DownloadLimits(max_bytes=1_000)) as client:
        with pytest.raises(PhotoError, match=said):
            client.download("a/b c#.png", tmp_path / "photo.png")
        assert list(tmp_path.iterdir()) == []
        akeneo.photos["a/b c#.png"] = bytes(1_000)
        client.download("a/b c#.png", tmp_path / "photo.png")
    assert (tmp_path / "photo.png").read_bytes() == bytes(1_000)

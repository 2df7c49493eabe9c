"""The configuration of `pumgpt akeneo`, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumgpt.connectors.akeneo.config import AkeneoConfig, Credentials
from pumgpt.errors import PumGPTError, UsageError

REST = "channel: ecommerce\nlocale: no_NO\n"


def load(tmp_path: Path, text: str, *, allow_http: bool = False) -> AkeneoConfig:
    path = tmp_path / "akeneo.yaml"
    path.write_text(text, encoding="utf-8")
    return AkeneoConfig.load(path, allow_http=allow_http)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://shop.example/", "https://shop.example"),
        ("https://shop.example/pim/api/rest/v1/", "https://shop.example/pim"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_addresses(tmp_path: Path, url: str, read: str) -> None:
    assert load(tmp_path, f"url: '{url}'\n{REST}").url == read


def test_the_password_goes_unencrypted_only_where_it_is_allowed(tmp_path: Path) -> None:
    text = f"url: http://10.0.0.5\n{REST}"
    with pytest.raises(UsageError, match="unencrypted; write https://, or pass --allow-http"):
        load(tmp_path, text)
    assert load(tmp_path, text, allow_http=True).url == "http://10.0.0.5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"url: shop.example\n{REST}", "url: .*write it as https://"),
        (f"url: https://me:pa55@shop.example\n{REST}", "url: .*take name and password out of it"),
        ("url: https://shop.example\nchannel: a\n", "locale: Field required"),
        (f"url: https://shop.example\npassword: pa55\n{REST}", "password: Extra inputs"),
        ("url: [", "can't be read as YAML"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PumGPTError, match=said) as caught:
        load(tmp_path, text)
    assert "pa55" not in str(caught.value) and "\n" not in str(caught.value)


def test_values_stay_as_they_are_written(tmp_path: Path) -> None:
    config = load(tmp_path, "url: https://shop.example\nchannel: 007\nlocale: no\nphotos: picture\n")
    assert (config.channel, config.locale, config.photos) == ("007", "no", ("picture",))


def test_credentials_keep_their_secrets() -> None:
    names = ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD")
    mine = Credentials.from_environment("SHOP", {f"SHOP_{name}": name.lower() for name in names})
    assert "client_secret'" not in repr(mine) and "'password'" not in repr(mine) and mine.password == "password"
    with pytest.raises(UsageError, match="lacks SHOP_USERNAME, SHOP_PASSWORD"):
        Credentials.from_environment("SHOP", {"SHOP_CLIENT_ID": "a", "SHOP_CLIENT_SECRET": "b"})

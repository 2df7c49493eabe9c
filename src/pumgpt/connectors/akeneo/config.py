"""Which Akeneo is talked to, for which channel and locale, and with whose credentials.

    url: https://shop.cloud.akeneo.com
    channel: ecommerce
    locale: en_US
    title: name                      # an attribute's code; by default what each family has as its label
    description: text              # by default the attribute `description`, where there is one
    photos: [picture]                # by default every attribute of type image
    attributes: [color, material]    # to fill; by default every select attribute that has options
    credentials: AKENEO              # the prefix of the environment variables below

Credentials never stand in the file: they are AKENEO_CLIENT_ID, AKENEO_CLIENT_SECRET, AKENEO_USERNAME and
AKENEO_PASSWORD in the environment, as the page of a connection in Akeneo shows them.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from pumgpt.catalog.vocabulary.text_files import read_text
from pumgpt.errors import SchemaError, UsageError

_API = "/api/rest/v1"


class AkeneoConfig(BaseModel):
    """The file that `pumgpt akeneo` is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    channel: str
    locale: str
    title: str | None = None
    description: str | None = None
    photos: tuple[str, ...] | None = None
    attributes: tuple[str, ...] | None = None
    credentials: str = "AKENEO"

    @field_validator("photos", "attributes", mode="before")
    @classmethod
    def _as_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("url")
    @classmethod
    def _checked(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write it as https://shop.cloud.akeneo.com")
        if "@" in parts.netloc:
            raise ValueError("take name and password out of it; they belong into the environment")
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix(_API)}"

    @classmethod
    def load(cls, path: Path, *, allow_http: bool = False) -> AkeneoConfig:
        """Read the file. Raises `SchemaError` that names the place, `UsageError` for http:// to another machine."""
        text = read_text(path)
        try:
            # BaseLoader leaves scalars as they are written: Norwegian is `no`, and a channel may be called 007.
            config = cls.model_validate(yaml.load(text, Loader=yaml.BaseLoader))
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise SchemaError(f"{path}: {where}: {first['msg']}; see docs/examples/akeneo.yaml") from error
        except yaml.YAMLError as error:
            raise SchemaError(f"{path}: can't be read as YAML: {' '.join(str(error).split())}") from error
        if not allow_http and not _is_private_enough(config.url):
            raise UsageError(
                f"{path}: {config.url} would send the password unencrypted; write https://, or pass --allow-http"
            )
        return config


@dataclass(frozen=True, slots=True)
class Credentials:
    """What Akeneo's password grant asks for. The secrets are kept out of `repr`."""

    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)

    @classmethod
    def from_environment(cls, prefix: str, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises `UsageError` that names the variables that aren't set."""
        names = [f"{prefix}_{name}" for name in ("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD")]
        missing = [name for name in names if not environment.get(name)]
        if missing:
            raise UsageError(
                f"the environment lacks {', '.join(missing)}; a connection's page in Akeneo (Connect > Connection "
                "settings) shows their values"
            )
        return cls(*(environment[name] for name in names))


def _is_private_enough(url: str) -> bool:
    """Whether nobody can listen: TLS, or this very machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

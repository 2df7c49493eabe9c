"""`pumgpt akeneo`: products out of Akeneo's REST API, and what was filled back into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

import click

from pumgpt.cli.options import FILE, json_option

if TYPE_CHECKING:
    from pumgpt.connectors.akeneo.push import Change, Refusal

http_option = click.option(
    "--allow-http", is_flag=True, help="Send the credentials unencrypted to another machine's http:// address."
)


@click.group("akeneo")
def command() -> None:
    """Fill a shop that lives in Akeneo, over its REST API.

    CONFIG names the server, channel and locale (docs/examples/akeneo.yaml). Credentials come from the environment:
    AKENEO_CLIENT_ID, AKENEO_CLIENT_SECRET, AKENEO_USERNAME, AKENEO_PASSWORD.
    """


@command.command("pull")
@click.argument("config_path", type=FILE, metavar="CONFIG")
@click.argument("folder", type=FILE, metavar="FOLDER")
@click.option("--restart", is_flag=True, help="Begin anew where a run was interrupted.")
@http_option
@json_option
def pull_command(config_path: Path, folder: Path, restart: bool, allow_http: bool, as_json: bool) -> int:
    """Write all products to FOLDER: products.jsonl with photos/, and schema.yaml and taxonomy.csv for
    `pumgpt enrich FOLDER/products.jsonl FOLDER/filled.jsonl --schema FOLDER/schema.yaml --taxonomy FOLDER/taxonomy.csv`.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    from pumgpt.cli.console import print_json, say
    from pumgpt.cli.outcome import STOPPED
    from pumgpt.cli.progress import RowsBar
    from pumgpt.connectors.akeneo.client import AkeneoClient
    from pumgpt.connectors.akeneo.config import AkeneoConfig, Credentials
    from pumgpt.connectors.akeneo.pull import PRODUCTS, pull
    from pumgpt.jobs.journal import rejected_path

    config = AkeneoConfig.load(config_path, allow_http=allow_http)
    credentials = Credentials.from_environment(config.credentials)
    with AkeneoClient(config.url, credentials) as client, RowsBar("pull", None) as bar:
        summary = pull(
            client,
            config,
            folder,
            restart=restart,
            warn=say,
            progress=lambda done: bar.update(done.done, done.resumed, done.rejected),
        )
    for warning in summary.warnings:
        say(warning)
    if as_json:
        print_json(summary.to_json())
    else:
        say(f"{summary.rows:,} products with {summary.photos:,} photos in {folder}")
        if summary.rejected:
            say(f"{summary.rejected:,} were set aside; {rejected_path(folder / PRODUCTS)} says why")
    if summary.stopped:
        say(f"stopped after {summary.done} products; the same command goes on")
        return STOPPED
    return 0


@command.command("push")
@click.argument("filled", type=FILE, metavar="FILLED")
@click.argument("config_path", type=FILE, metavar="CONFIG")
@click.option("--dry-run", is_flag=True, help="Print what would be sent, one JSON line a product, and send nothing.")
@click.option("--overwrite-values", is_flag=True, help="Replace values that the shop has by now.")
@http_option
@json_option
def push_command(
    filled: Path, config_path: Path, dry_run: bool, overwrite_values: bool, allow_http: bool, as_json: bool
) -> int:
    """Write what `pumgpt enrich` filled in FILLED (JSON lines) into Akeneo, where it has no value yet.

    Lines that Akeneo refuses go to FILLED.refused.jsonl (FILLED without its ending), and the exit code is 1.
    """
    from pumgpt.cli.console import print_json, say
    from pumgpt.cli.progress import RowsBar
    from pumgpt.connectors.akeneo.client import AkeneoClient
    from pumgpt.connectors.akeneo.config import AkeneoConfig, Credentials
    from pumgpt.connectors.akeneo.push import push
    from pumgpt.errors import UsageError

    if dry_run and as_json:
        raise UsageError("--dry-run prints the changes themselves as JSON; leave --json out")

    def show(change: Change) -> None:
        click.echo(json.dumps(change.line, ensure_ascii=False))

    config = AkeneoConfig.load(config_path, allow_http=allow_http)
    credentials = Credentials.from_environment(config.credentials)
    report = _RefusalFile(filled.with_name(f"{filled.stem}.refused.jsonl"))
    with AkeneoClient(config.url, credentials) as client, RowsBar("push", None) as bar, report:
        summary = push(
            client,
            config,
            filled,
            overwrite=overwrite_values,
            dry_run=show if dry_run else None,
            refused=report.add,
            progress=lambda done: bar.update(done.rows, 0, done.refused),
        )
    if as_json:
        print_json(summary.to_json())
    else:
        verb = "would be sent" if dry_run else "were sent"
        say(f"{summary.filled.total():,} values of {summary.changed:,} products and models {verb}")
        for reason, count in summary.skipped.most_common():
            say(f"{count:,} values were left out: {reason}")
    if summary.refused:
        say(f"{summary.refused:,} lines were refused; {report.path} says why")
    return 1 if summary.refused else 0


class _RefusalFile:
    """Refused lines on disk. A file of an earlier run goes away, and one without a line isn't written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, refusal: Refusal) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        self._file.write(json.dumps(refusal._asdict(), ensure_ascii=False) + "\n")

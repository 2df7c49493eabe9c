"""The `pumgpt` command: one file of this folder per command, and nothing heavy imported before a command runs."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any, NoReturn

import click

from pumgpt.errors import PumGPTError, UsageError

COMMANDS = {
    "ask": "pumgpt.cli.ask",
    "look": "pumgpt.cli.look",
    "enrich": "pumgpt.cli.enrich",
    "remember": "pumgpt.cli.remember",
    "curate": "pumgpt.cli.curate",
    "duplicates": "pumgpt.cli.duplicates",
    "taxonomy": "pumgpt.cli.taxonomy",
    "shards": "pumgpt.cli.shards",
    "convert": "pumgpt.cli.convert",
    "akeneo": "pumgpt.cli.akeneo",
    "train": "pumgpt.cli.train",
    "bench": "pumgpt.cli.bench",
    "info": "pumgpt.cli.info",
}
"""Name of each command, in the order of the help, and the module that holds it as `command`."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""

BROKEN_PIPE = 1
"""Exit code where the reader of our output went away; click has the same."""


class Commands(click.Group):
    """The group of commands. Every error that we raise on purpose ends as one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in COMMANDS.items() if importlib.util.find_spec(module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = 2
        except click.ClickException as error:
            code = _fail(error.format_message(), error.exit_code)
        except UsageError as error:
            code = _fail(str(error), 2)
        except PumGPTError as error:
            code = _fail(str(error), 1)
        except BrokenPipeError:
            code = _leave_quietly()
        except OSError as error:
            code = _fail(f"{error.filename or 'the system'}: {error.strerror or error}", 1)
        except (click.Abort, KeyboardInterrupt):
            code = _fail("stopped", INTERRUPTED)
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> int:
    click.echo(f"pumgpt: error: {' '.join(message.split())}", err=True)
    return code


def _leave_quietly() -> int:
    """The reader went away (`pumgpt ... | head`): without this Python complains once more while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pumgpt", message="%(prog)s %(version)s")
def main() -> None:
    """A product photo in, a structured record out: caption, category, attributes, each with a confidence."""

"""The command ``streamliner``: finds the subcommand, runs it, and turns errors into one sentence and an exit status.

Nothing heavy is imported before a subcommand asks for it, so that ``--help`` is instant. Exit status: 0 done, 2 bad
usage or bad input with everything as it was, 1 the run failed, 130 interrupted.
"""

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

COMMANDS = {
    "publish": "Turn exports into a chronicle: the main job.",
    "parse": "Read an export into a Parquet file of messages.",
    "windows": "Cut messages into windows.",
    "candidates": "List the links and attachments worth enriching.",
    "retry": "Put what failed for good back in the queue.",
    "report": "Show what the last run did and cost.",
    "ledger": "Show what happened to an archive, entry by entry.",
    "serve": "Show the site on this machine.",
    "settings": "Show every setting and where its value came from.",
}
"""Name and short help of each command here; its code is ``flows.commands.<name>:command``."""

PLUGINS = "streamliner.commands"
"""Entry-point group by which the layers above (deployments) add commands."""


def _plugins() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {plugin.name: plugin for plugin in entry_points(group=PLUGINS)}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(_plugins())]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            found: click.Command = import_module(f"flows.commands.{name}").command
            return found
        plugin = _plugins().get(name)
        return plugin.load() if plugin else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        plugins = dict.fromkeys(_plugins(), "Set up pools, limits and deployments.")
        with formatter.section("Commands"):
            formatter.write_dl(list((COMMANDS | plugins).items()))


def _version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"streamliner {version('streamliner')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def cli() -> None:
    """Turn chat archives into a chronicle: a private, searchable site of posts.

    \b
    streamliner publish "WhatsApp Chat with Family.zip" --archive family
    streamliner serve family
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    _open_streams()
    gc.set_threshold(50_000, 20, 100)  # a command lives for seconds: collecting while it imports costs a tenth of it
    # Arrow's own pool keeps some 60 MB of what is free; it is chosen when the library is loaded
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        status = cli.main(arguments, prog_name="streamliner", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.ClickException as error:
        _fail(_one_line(error.format_message()), 2)
    except (KeyboardInterrupt, click.Abort) as error:
        said = str(error.__cause__ or error)  # click wraps the first in the second
        _fail(said or "Interrupted. The same command goes on where it stopped.", 130)
    except BrokenPipeError:
        sys.stdout = None  # type: ignore[assignment]  # the reader left; there is nobody to flush to
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last resort of the command line
        from stages.errors import StreamlinerError

        if isinstance(error, StreamlinerError):
            _fail(_one_line(str(error)), error.exit_code)
        # the text of an unforeseen error may quote the chat: its place is told, its words are not
        at = traceback.extract_tb(error.__traceback__)[-1]
        _fail(
            f"Streamliner failed unexpectedly: {type(error).__name__} in {Path(at.filename).name} line {at.lineno}. "
            "What was done is kept; please report this.",
            1,
        )


def _open_streams() -> None:
    """A service may start a command with its streams closed: what is opened first would be taken for one of them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open as long as the process


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fail(sentence: str, status: int) -> NoReturn:
    click.echo(f"streamliner: {sentence}", err=True)
    sys.exit(status)

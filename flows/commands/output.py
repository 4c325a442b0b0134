"""Results for a person and for a program: a table or one JSON object, on standard output alone."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click


def print_json(value: Any) -> None:
    """One JSON object, as UTF-8 whatever the terminal's locale."""
    import json

    sys.stdout.flush()
    sys.stdout.buffer.write(json.dumps(value, indent=2, ensure_ascii=False, default=str).encode() + b"\n")
    sys.stdout.buffer.flush()


def print_table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[int] = ()) -> None:
    """A plain table; columns in ``right`` are aligned to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, name in enumerate(head):
        table.add_column(name, justify="right" if position in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    width = None if sys.stdout.isatty() else 250  # a file or a pipe has no edge to fold at
    Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=width).print(table)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
format_option = click.option(
    "--format", "platform", metavar="NAME",
    help="Platform of the export (whatsapp, telegram, slack, discord, signal, csv, parquet, jsonl, or a plug-in's).",
)  # fmt: skip
map_option = click.option(
    "--map", "mapping", metavar="FIELD=COLUMN,…", help="Read a table: ts=Date,author=Who,text=Body, where not plain."
)
chat_option = click.option("--chat", metavar="CHAT", help="One chat of an export of several: its number, id or name.")
alias_option = click.option(
    "--alias", "aliases", multiple=True, metavar="OLD=NEW", help="A person who was renamed between two exports."
)
direct_option = click.option(
    "--direct-messages", is_flag=True, default=None, help="Take a workspace's direct messages too."
)
config_option = click.option("--config", type=click.Path(), help="Settings file instead of the archive's own.")


def settings_for(config: str | None, archive: str | None = None, options: dict[str, Any] | None = None) -> Any:
    """The settings, with warnings on standard error. Raises :class:`stages.errors.BadInput`."""
    from pathlib import Path

    from stages.settings import load_settings

    loaded = load_settings(Path(archive) if archive else None, Path(config) if config else None, options)
    for warning in loaded.warnings:
        click.echo(warning, err=True)
    return loaded

"""``streamliner candidates``: the links and attachments that are worth enriching."""

from pathlib import Path
from typing import Any

import click

from flows.commands.output import config_option, json_option, print_json, print_table, settings_for

_SHOWN = 60


@click.command(name="candidates")
@click.argument("messages", type=click.Path(), metavar="FILE.parquet")
@click.option("--out", type=click.Path(), help="Parquet file to write.")
@config_option
@json_option
def command(messages: str, out: str | None, config: str | None, as_json: bool) -> None:
    """List every distinct link and attachment with its first message and how many messages speak of it.

    The list is whole. What publishing would not take up is counted by kind and by the setting that limits it.
    """
    from stages.enrich.candidates import find_candidates
    from stages.enrich.limits import Limits, as_rows, left_out_sentences, limit_candidates
    from stages.parquet import messages_file, output_file, write_parquet

    source = Path(messages)
    settings = settings_for(config).settings
    target = None if out is None else output_file(out, source)
    found = find_candidates(messages_file(source))
    limited = as_rows(limit_candidates(found, Limits.of(settings), lambda: _windows(source, settings))[1])
    if target is not None:
        write_parquet(found, target)
    if as_json:
        shown = {"candidates": found.to_pylist()} if not out else {"candidates": found.num_rows, "out": out}
        print_json({**shown, "left_out": limited})
        return
    columns = ("kind", "value", "first_seq", "n_messages")
    rows = [[row[name] for name in columns] for row in found.slice(0, _SHOWN).to_pylist()]
    print_table(columns, rows, right=(2, 3))
    if found.num_rows > _SHOWN:
        click.echo(f"… and {found.num_rows - _SHOWN:,} more")
    click.echo(f"{found.num_rows:,} candidates")
    for sentence in left_out_sentences(limited):
        click.echo(sentence)


def _windows(source: Path, settings: Any) -> Any:
    from stages.windows.archive import window_spec
    from stages.windows.plan import plan_windows

    return plan_windows(source, window_spec(settings.windows, settings.archive.timezone))

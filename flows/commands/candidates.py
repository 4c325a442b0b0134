"""``streamliner candidates``: the links and attachments that are worth enriching."""

import click

from flows.commands.output import json_option, print_json, print_table


@click.command(name="candidates")
@click.argument("messages", type=click.Path(), metavar="FILE.parquet")
@click.option("--out", type=click.Path(), help="Parquet file to write.")
@json_option
def command(messages: str, out: str | None, as_json: bool) -> None:
    """List every distinct link and attachment with its first message and how many messages speak of it."""
    from pathlib import Path

    from stages.enrich.candidates import find_candidates
    from stages.parquet import messages_file, output_file, write_parquet

    target = None if out is None else output_file(out, Path(messages))
    found = find_candidates(messages_file(Path(messages)))
    if target is not None:
        write_parquet(found, target)
    if as_json:
        print_json({"candidates": found.to_pylist()} if not out else {"candidates": found.num_rows, "out": out})
        return
    shown = ("kind", "value", "first_seq", "n_messages")
    rows = [[row[name] for name in shown] for row in found.slice(0, 60).to_pylist()]
    print_table(shown, rows, right=(2, 3))
    if found.num_rows > 60:
        click.echo(f"… and {found.num_rows - 60:,} more")
    click.echo(f"{found.num_rows:,} candidates")

"""``streamliner windows``: messages are cut into windows."""

from typing import Any

import click

from flows.commands.output import config_option, json_option, print_json, print_table, settings_for
from flows.commands.publish import UNITS


@click.command(name="windows")
@click.argument("messages", type=click.Path(), metavar="FILE.parquet")
@click.option("--out", type=click.Path(), help="Parquet file to write.")
@click.option("--unit", type=click.Choice(UNITS), help="What a window is measured in.")
@click.option("--size", type=float, help="Size of a window in its unit.")
@click.option("--overlap", help="Fraction of a window that is read again, 0 to 0.5.")
@click.option("--max-span", help="Longest time a window may span, for example 5h or 2d.")
@click.option("--align", type=click.Choice(["first", "calendar"]), help="Where hours and days begin.")
@click.option("--timezone", help="IANA time zone of calendar days and hours.")
@click.option("--weigh", help="bytes:LIMIT or tokens:LIMIT, cuts long sessions.")
@config_option
@json_option
def command(messages: str, out: str | None, config: str | None, as_json: bool, **asked: Any) -> None:
    """Cut messages into windows and print them."""
    from pathlib import Path

    from stages.parquet import messages_file, write_parquet
    from stages.windows.archive import window_spec
    from stages.windows.plan import plan_windows

    options = {f"windows.{name}": value for name, value in asked.items() if name != "timezone"}
    loaded = settings_for(config, None, options | {"archive.timezone": asked["timezone"]})
    spec = window_spec(loaded.settings.windows, loaded.settings.archive.timezone)
    plan = plan_windows(messages_file(Path(messages)), spec)
    if out:
        write_parquet(plan, Path(out))
    if as_json:
        print_json({"windows": plan.to_pylist()} if not out else {"windows": plan.num_rows, "out": out})
        return
    shown = ("window_index", "start_seq", "end_seq", "start_ts", "end_ts", "n_messages", "n_bytes")
    rows = [[_plain(row[name]) for name in shown] for row in plan.slice(0, 60).to_pylist()]
    print_table(shown, rows, right=(0, 1, 2, 5, 6))
    if plan.num_rows > 60:
        click.echo(f"… and {plan.num_rows - 60:,} more")
    click.echo(f"{plan.num_rows:,} windows")


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "year") else value

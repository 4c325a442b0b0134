"""``streamliner report``: what the last run did and cost."""

import click

from flows.commands.output import json_option, print_json, print_table


@click.command(name="report")
@click.argument("archive", type=click.Path())
@json_option
def command(archive: str, as_json: bool) -> None:
    """Show the last run of an archive, from its metrics."""
    import json
    from pathlib import Path

    from stages.errors import BadInput
    from stages.metrics import TABLE_HEAD, as_table
    from stages.settings import load_settings

    folder = Path(archive)
    path = folder / load_settings(folder).settings.performance.metrics_file
    if not path.is_file():
        raise BadInput(f"There is no report in {folder}; `streamliner publish EXPORT --archive {folder}` makes one.")
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({type(error).__name__}); the next run writes it anew.") from None
    if as_json:
        print_json(report)
        return
    names = ("run_id", "status", "messages", "windows", "posts_written", "posts_total", "model_calls", "fetches")
    rows = [(name, report[name]) for name in (*names, "dead_letters")]
    cost = report["cost_usd"]
    print_table(("run", "value"), [*rows, ("cost_usd", "unknown" if cost is None else cost)])
    click.echo()
    print_table(TABLE_HEAD, as_table(report["operations"]), right=(1, 2, 3, 4, 5))

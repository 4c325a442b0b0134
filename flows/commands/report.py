"""``streamliner report``: what the last run did and cost."""

from pathlib import Path

import click

from flows.commands.output import json_option, print_json, print_table


@click.command(name="report")
@click.argument("archive", type=click.Path())
@click.option("--dead", is_flag=True, help="List what was given up, and why; this reads the archive itself.")
@json_option
def command(archive: str, dead: bool, as_json: bool) -> None:
    """Show the last run of an archive, from its metrics."""
    from flows.stored import readable

    with readable(archive, "archive.duckdb" if dead else "metrics/", "streamliner.toml") as folder:
        if dead:
            _dead(folder, archive, as_json)
        else:
            _last_run(folder, as_json)


def _last_run(folder: Path, as_json: bool) -> None:
    """The table of a run and of its operations, or all of it as JSON."""
    import json

    from stages.errors import BadInput
    from stages.metrics import TABLE_HEAD, as_table
    from stages.settings import load_settings

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
    more = ("retries", "enriched", "links_waiting", "dead_letters", "tokens_in", "tokens_out")
    rows = [(name, report[name]) for name in (*names, *more) if name in report]
    rows += [(f"  {reason}", number) for reason, number in report.get("dead_letter_reasons", {}).items()]
    breakers = report.get("breakers", {"hosts": {}, "provider": None})
    rows += [(f"breaker of {host}", state) for host, state in breakers["hosts"].items()]
    if breakers["provider"]:
        rows.append(("breaker of the provider", breakers["provider"]))
    cost = report["cost_usd"]
    print_table(("run", "value"), [*rows, ("cost_usd", "unknown" if cost is None else cost)])
    click.echo()
    print_table(TABLE_HEAD, as_table(report["operations"]), right=(1, 2, 3, 4, 5))


def _dead(folder: Path, archive: str, as_json: bool) -> None:
    """What was given up, in the order of the chat: links and files, each with its class and reason."""
    from dataclasses import asdict

    from stages.archive.store import read_archive
    from stages.enrich.store import TaskStore

    with read_archive(folder) as opened:
        letters = TaskStore(opened.cursor()).dead_letters()
    if as_json:
        print_json([asdict(letter) for letter in letters])
        return
    if not letters:
        click.echo("Nothing was given up.")
        return
    rows = [(letter.kind, letter.value, letter.attempts, letter.error_class, letter.reason) for letter in letters]
    print_table(("kind", "what", "tries", "class", "reason"), rows, right=(2,))
    click.echo(f"`streamliner retry {archive}` queues them again.")

"""``streamliner retry``: dead letters go back to the queue."""

import click

from flows.commands.output import json_option, print_json


@click.command(name="retry")
@click.argument("archive", type=click.Path())
@json_option
def command(archive: str, as_json: bool) -> None:
    """Put what failed for good back in the queue; the next publish tries it again."""
    from flows.stored import worked_on
    from stages.archive.store import hold_archive, open_archive, read_archive
    from stages.enrich.store import TaskStore
    from stages.write.outcomes import forget_failures

    with worked_on(archive, run_id="retry") as folder:
        with read_archive(folder):
            pass  # refuses what is no archive before anything is locked
        with hold_archive(folder), open_archive(folder) as opened:
            tasks = TaskStore(opened.cursor()).retry_dead()
            windows = forget_failures(opened)
    if as_json:
        print_json({"tasks": tasks, "windows": windows})
        return
    click.echo(
        f"{tasks} enrichments and {windows} windows are waiting again; "
        f"`streamliner publish --archive {archive}` tries them."
    )

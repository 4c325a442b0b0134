"""``streamliner retry``: dead letters go back to the queue."""

import click

from flows.commands.output import json_option, print_json


@click.command(name="retry")
@click.argument("archive", type=click.Path())
@json_option
def command(archive: str, as_json: bool) -> None:
    """Put what failed for good back in the queue; the next publish tries it again."""
    from flows.retrying import put_back
    from flows.stored import worked_on

    with worked_on(archive, run_id="retry") as folder:
        waiting = put_back(folder)
    if as_json:
        print_json(waiting)
        return
    click.echo(
        f"{waiting['tasks']} enrichments and {waiting['windows']} windows are waiting again; "
        f"`streamliner publish --archive {archive}` tries them."
    )

"""``streamliner settings``: every setting, its value, and where that came from."""

import click

from flows.commands.output import config_option, json_option, print_json, print_table, settings_for


@click.command(name="settings")
@click.argument("archive", required=False, type=click.Path())
@config_option
@json_option
def command(archive: str | None, config: str | None, as_json: bool) -> None:
    """Show every setting. A secret shows only whether it is set."""
    from stages.settings import describe

    loaded = settings_for(config, archive)
    rows = list(describe(loaded))
    if as_json:
        print_json({name: {"value": value, "from": origin, "about": about} for name, value, origin, about in rows})
        return
    print_table(("setting", "value", "from", "what it is"), rows)
    click.echo(f"Settings file: {loaded.file or 'none'}")

"""``streamliner deploy``: the layer that the command line learns from outside, as an entry point."""

import click

from flows.commands.output import json_option, print_json, print_table


@click.command(name="deploy")
@click.option(
    "--pool-type",
    type=click.Choice(["docker", "process", "kubernetes"]),
    default="docker",
    show_default=True,
    help="What runs start in.",
)
@click.option("--build/--no-build", default=True, help="Build the image first (the default where a pool needs one).")
@click.option("--dry-run", is_flag=True, help="Show what differs from what is wanted, and send nothing.")
@click.option("--destroy", is_flag=True, help="Take away what was deployed; runs and archives are kept.")
@json_option
def command(pool_type: str, build: bool, dry_run: bool, destroy: bool, as_json: bool) -> None:
    """Make the work pool, the limits and the deployments on the Prefect server; again, and nothing changes."""
    from deployments.bootstrap import deploy

    rows = deploy(pool_type, build, dry_run, destroy, lambda line: click.echo(line, err=True))  # type: ignore[arg-type]
    if as_json:
        print_json([dict(zip(("kind", "name", "action"), row, strict=True)) for row in rows])
    else:
        print_table(("what", "name", "done"), rows)

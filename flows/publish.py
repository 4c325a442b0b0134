"""The deployable flow ``publish``: one archive from its exports, with everything that the dashboard shows of it."""

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows.pipeline import prepare
from flows.pipeline import publish as publish_archive
from flows.progress import Progress
from flows.request import PublishRequest
from flows.runner import PrefectRunner
from tasks.artifacts import publish_performance
from tasks.slots import slots_of_the_run

PUBLISHED: ContextVar[dict[str, Any]] = ContextVar("published")
"""Gets the report of a publication that is complete: a server that is lost at the very end takes the flow's answer
along."""


def named(what: str) -> Callable[[], str]:
    """The name of a flow run: what it does, and the archive of its request."""

    def run_name() -> str:
        request = flow_run.parameters["request"]
        archive = request["archive"] if isinstance(request, dict) else request.archive
        return f"{what} {Path(archive).name}"

    return run_name


@flow(
    name="publish",
    description=(
        "Publishes one chat archive: parses waiting exports, enriches links and media, writes posts, swaps the site in."
        " A retry goes on where the run stopped: nothing that is done is done or paid for again."
    ),
    flow_run_name=named("publish"),
    task_runner=ThreadPoolTaskRunner(max_workers=4),  # type: ignore[arg-type]
    persist_result=False,
)
def publish(request: PublishRequest) -> dict[str, Any]:
    """Run the pipeline as tasks of this flow run; a failed run leaves its metrics too."""
    logger = get_run_logger()
    progress = Progress(enabled=False)
    with slots_of_the_run(Path(request.archive)) as slots:
        run = prepare(request, PrefectRunner(slots), progress, run_id=str(flow_run.id))
        try:
            report = publish_archive(run)
            PUBLISHED.get({}).update(report)
        finally:
            publish_performance(run.report())
    logger.info(
        "%s posts written, %s in all, from %s messages in %.1f s",
        report["posts_written"],
        report["posts_total"],
        report["messages"],
        report["seconds"],
    )
    return report

"""The deployable flow ``retry-failed``: what an archive has given up is tried again, and nothing else."""

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict, Field

from flows.publish import named, publish
from flows.request import PublishRequest
from flows.retrying import put_back


class RetryRequest(BaseModel):
    """Try the dead letters of one archive again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    archive: str = Field(description="Folder of the archive, as the place where the work runs sees it.", min_length=1)
    limit_cost: float | None = Field(default=None, description="Most US dollars that new calls may cost.", ge=0)
    config: str | None = Field(default=None, description="Settings file, as the place where the work runs sees it.")
    publish: bool = Field(default=True, description="Publish afterwards; else the next publication tries them.")


@flow(
    name="retry-failed",
    description=(
        "Puts the dead letters of one archive (links, files, windows) back in the queue, then publishes it: only what"
        " had failed is asked for again. A retry goes on where the run stopped."
    ),
    flow_run_name=named("retry"),
    persist_result=False,
)
def retry_failed(request: RetryRequest) -> dict[str, Any]:
    """Put back, and publish as a flow run below this one; returns how many, and that run's report."""
    waiting: dict[str, Any] = put_back(Path(request.archive))
    get_run_logger().info("%s enrichments and %s windows are waiting again", waiting["tasks"], waiting["windows"])
    if request.publish and any(waiting.values()):
        again = PublishRequest(archive=request.archive, limit_cost=request.limit_cost, config=request.config)
        return waiting | {"report": publish(again)}
    return waiting

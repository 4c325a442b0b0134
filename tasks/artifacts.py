"""What a run leaves on the dashboard. An artifact that cannot be made is logged and never fails the work."""

from collections.abc import Mapping
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger

from stages.metrics import as_markdown

PERFORMANCE = "performance-metrics"


def publish_performance(report: Mapping[str, Any]) -> None:
    """The artifact ``performance-metrics`` of this flow run: a table of operations, a chart, the counts. No names."""
    try:
        create_markdown_artifact(
            key=PERFORMANCE, markdown=as_markdown(report), description="What each operation of this run cost."
        )
    except Exception as error:  # noqa: BLE001 - a dashboard that is away must not cost the person their chronicle
        get_run_logger().warning("The performance-metrics artifact could not be made: %s", type(error).__name__)

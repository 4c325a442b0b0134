"""What a run leaves on the dashboard. An artifact that cannot be made is logged and never fails the work."""

import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger

from stages.metrics import as_markdown
from tasks.patience import patient

PERFORMANCE = "performance-metrics"
PROGRESS: Final = "progress"
_PAUSE: Final = 2.0
"""Seconds between two updates; each costs the run some tens of milliseconds."""
_LONG_PAUSE: Final = 30.0
"""Seconds that a server is left alone that did not answer; each question to it costs the run a few."""


def publish_performance(report: Mapping[str, Any]) -> None:
    """The artifact ``performance-metrics`` of this flow run: a table of operations, a chart, the counts. No names."""
    try:
        with patient(1):
            create_markdown_artifact(
                key=PERFORMANCE, markdown=as_markdown(report), description="What each operation of this run cost."
            )
    except Exception as error:  # noqa: BLE001 - a dashboard that is away must not cost the person their chronicle
        get_run_logger().warning("The performance-metrics artifact could not be made: %s", type(error).__name__)


class ProgressArtifact:
    """The artifact ``progress`` of a flow run: made once, then updated in place, whatever step is going on."""

    def __init__(self) -> None:
        self._id: UUID | None = None
        self._away = False
        self._step = ""
        self._done = self._total = 0
        self._told = 0.0

    def begin(self, step: str, total: int) -> None:
        """Tell of a step of so many items from here on."""
        self._step, self._done, self._total = step, 0, total
        self._tell()

    def advance(self, items: int) -> None:
        """So many items more have ended."""
        self._done += items
        if self._done >= self._total or time.monotonic() - self._told >= (_LONG_PAUSE if self._away else _PAUSE):
            self._tell()

    def _tell(self) -> None:
        percent = 100.0 * self._done / self._total if self._total else 100.0
        words = f"{self._step}: {self._done:,} of {self._total:,} items"
        try:
            with patient(1):
                if self._id is None:
                    made = create_progress_artifact(percent, key=PROGRESS, description=words)
                    self._id = made if isinstance(made, UUID) else None
                else:
                    update_progress_artifact(self._id, percent, description=words)
            self._away = False
        except Exception as error:  # noqa: BLE001 - a dashboard that is away must not cost the person their chronicle
            self._away = True
            get_run_logger().warning("The progress artifact could not be kept: %s", type(error).__name__)
        self._told = time.monotonic()

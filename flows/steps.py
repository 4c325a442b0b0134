"""The steps of the pipelines: each names one stage function and the task that wraps it.

Both are looked up when a step first runs, so that a direct run never imports Prefect and no run imports a stage
that it does not reach.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Step:
    """``name`` is what people read in metrics and dashboards; the others are ``module:function``. ``waits``: batches
    wait for others more than they work, and bound what they do at once by themselves."""

    name: str
    stage: str
    task: str
    limit: str | None = None
    waits: bool = False

    def load_stage(self) -> Callable[..., Any]:
        return _load(self.stage)

    def load_task(self) -> Any:
        return _load(self.task)


def _load(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


PARSE = Step("parse", "stages.ingest.export:parse_export", "tasks.ingest:parse_export")
PARSE_APART = Step("parse", "stages.ingest.apart:parse_apart", "tasks.ingest:parse_apart")
MERGE = Step("merge", "stages.archive.merge:merge_export", "tasks.archive:merge_export")
CANDIDATES = Step("candidates", "stages.enrich.queue:enqueue_candidates", "tasks.enrich:enqueue_candidates")
ENRICH = Step(
    "enrich", "stages.enrich.batch:enrich_batch", "tasks.enrich:enrich_batch", limit="streamliner-enrich", waits=True
)
PLAN = Step("windows", "stages.write.selection:plan_archive", "tasks.windows:plan_windows")
WRITE = Step("write", "stages.write.batch:write_batch", "tasks.write:write_batch", limit="streamliner-write")
SITE = Step("site", "stages.site.publication:publish_chronicle", "tasks.site:publish_chronicle")

ALL = (PARSE, PARSE_APART, MERGE, CANDIDATES, ENRICH, PLAN, WRITE, SITE)

"""Merging a parsed export into the archive, as a task."""

from stages.archive import merge
from tasks.wrapping import stage_task

merge_export = stage_task(
    merge.merge_export,
    name="merge",
    description="Adds the messages that the archive does not have, in one transaction. Again: adds nothing.",
)

"""Reading an export, as a task."""

from stages.ingest import apart, export
from tasks.wrapping import stage_task

parse_export = stage_task(
    export.parse_export,
    name="parse",
    description="Reads one export into pseudonymous messages on the archive's scratch disk. Safe to run again.",
)

parse_apart = stage_task(
    apart.parse_apart,
    name="parse",
    description="Reads one of several exports in a process of its own. Safe to run again.",
)

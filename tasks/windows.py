"""Planning the windows of an archive, as a task. What it plans is handed on by :mod:`stages.windows.batches`: a task
that is mapped over batches is told which messages to read and never given them."""

from stages.write import selection
from tasks.wrapping import stage_task

plan_windows = stage_task(
    selection.plan_archive,
    name="windows",
    description="Cuts the conversation into windows and says which of them want a post. Again: the same.",
)

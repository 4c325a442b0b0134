"""Planning the windows of an archive, as a task."""

from stages.write import selection
from tasks.wrapping import stage_task

plan_archive = stage_task(
    selection.plan_archive,
    name="windows",
    description="Cuts the conversation into windows and says which of them want a post. Again: the same.",
)

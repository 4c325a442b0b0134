"""Writing posts from windows, as a task that is mapped over batches of windows."""

from stages.write import batch
from tasks.wrapping import stage_task

write_batch = stage_task(
    batch.write_batch,
    name="write",
    description="Writes the posts of one batch of windows; a window whose calls fail for good comes back as failed.",
    retries=2,
    limit="streamliner-write",
    slots=batch.slots_of,
)

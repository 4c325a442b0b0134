"""Finding and enriching candidates, as tasks. Enrichment is mapped over batches."""

from stages.enrich import batch, queue
from tasks.wrapping import stage_task

enqueue_candidates = stage_task(
    queue.enqueue_candidates,
    name="candidates",
    description="Queues every link and attachment once. Again: queues what is new.",
)

enrich_batch = stage_task(
    batch.enrich_batch,
    name="enrich",
    description="Enriches one batch of links and attachments; items that fail come back with their reason.",
    retries=2,
    limit="streamliner-enrich",
    calls=batch.slots_of,
)

"""Making and publishing the site, as a task."""

from stages.site import publication
from tasks.wrapping import stage_task

publish_chronicle = stage_task(
    publication.publish_chronicle,
    name="site",
    description="Renders posts and pages beside the old ones, checks them for leaks, and swaps them in at once.",
)

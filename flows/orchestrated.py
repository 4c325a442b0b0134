"""From the command line to a flow run: exports are staged under their fingerprint, then the flow runs here.

The flow run, its tasks and its artifacts are recorded by the Prefect server of ``PREFECT_API_URL``; the work is done
by this process, as a worker's container would do it.
"""

import gc
import logging
import os
import sys
from pathlib import Path
from typing import Any

from flows.private import drop_private, without_private
from flows.request import PublishRequest
from stages.archive.inbox import stage_export, take_export
from stages.archive.store import check_folder
from stages.errors import BadInput, StreamlinerError


def publish_as_flow_run(request: PublishRequest) -> dict[str, Any]:
    """Publish as a recorded flow run and return its report.

    Raises :class:`BadInput` when there is no server, :class:`StreamlinerError` when it was lost before the end, and
    what the pipeline raises.
    """
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "false")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    # the sentence for the person is ours; the server gets every log line
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
    logging.raiseExceptions = False  # a line that cannot be shipped is no news for a person
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from tasks.limits import ensure_limits, require_server

    require_server()
    folder = Path(request.archive).resolve()
    check_folder(folder)
    exports = [take_export(Path(name)) for name in request.exports]
    made = [path for path in (folder / "inbox", folder, *folder.parents) if not path.exists()]
    staged = [export for export in exports if not (folder / "inbox" / export.inbox_id).exists()]
    try:
        ids = tuple(stage_export(export, folder) for export in exports)
        ensure_limits()
        request = without_private(request, folder / "inbox")
        return _run(request.model_copy(update={"exports": ids, "archive": str(folder)}))
    except BadInput:
        # bad input leaves nothing behind
        drop_private(folder / "inbox")
        for export in staged:
            (folder / "inbox" / export.inbox_id).unlink(missing_ok=True)
        for path in made:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        raise


def _run(request: PublishRequest) -> dict[str, Any]:
    import httpx

    from flows.publish import PUBLISHED, publish

    gc.freeze()  # what was imported stays: to look through it, now and at the end, takes a third of a second
    published: dict[str, Any] = {}
    before = PUBLISHED.set(published)
    try:
        report: dict[str, Any] = publish(request)
        return report
    except httpx.HTTPError as error:
        if published:
            print("The Prefect server was lost at the end; the publication is complete.", file=sys.stderr)
            return published
        raise StreamlinerError(
            f"The Prefect server was lost ({type(error).__name__}); what was done is kept, and the same command goes "
            "on where this one stopped."
        ) from error
    finally:
        PUBLISHED.reset(before)

"""The global concurrency limits that batches hold on the server, and the server itself.

``deployments`` sets their sizes for a fleet. A run from a command line makes those that are missing, so that a first
run on a new server needs no preparation; one that exists is never changed here.
"""

from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import get_current_settings

from stages.errors import BadInput

LIMITS: Final = {"streamliner-enrich": 8, "streamliner-write": 32}
"""Name -> slots for all runs together: batches of enrichment, model calls in flight."""


def require_server() -> str:
    """The address of the Prefect API. Raises :class:`BadInput` where none is configured or none answers."""
    url = get_current_settings().api.url
    if not url:
        raise BadInput("There is no Prefect server to run on; set PREFECT_API_URL, or publish without --prefect.")
    with get_client(sync_client=True) as client:
        problem = client.api_healthcheck()
    if problem is not None:
        raise BadInput(
            f"No Prefect server answers at {url} ({type(problem).__name__}); start it or unset PREFECT_API_URL."
        )
    return str(url)


def ensure_limits() -> None:
    """Make the limits that do not exist yet. One request each when all are there."""
    with get_client(sync_client=True) as client:
        for name, slots in LIMITS.items():
            try:
                client.read_global_concurrency_limit_by_name(name)
            except ObjectNotFound:
                try:
                    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=slots))
                except ObjectAlreadyExists:
                    continue  # another run made it meanwhile

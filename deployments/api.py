"""The Prefect server as a deployment needs it: found and asked, every failure told in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    DeploymentUpdate,
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, get_current_settings, temporary_settings

from deployments.wanted import Fields
from stages.errors import BadInput, StreamlinerError


class Server:
    """What is there, as plain fields, and the calls that change it. Reading changes no ``updated`` stamp."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client

    def pool(self, name: str) -> Fields | None:
        try:
            found = self._client.read_work_pool(name).model_dump(mode="json")
        except ObjectNotFound:
            return None
        return {key: found[key] for key in ("type", "description", "base_job_template")}

    def create_pool(self, name: str, fields: Fields) -> None:
        self._client.create_work_pool(WorkPoolCreate(name=name, **fields))

    def update_pool(self, name: str, changes: Fields) -> None:
        self._client.update_work_pool(name, WorkPoolUpdate(**changes))

    def delete_pool(self, name: str) -> None:
        self._client.delete_work_pool(name)

    def limit(self, name: str) -> Fields | None:
        try:
            found = self._client.read_global_concurrency_limit_by_name(name).model_dump(mode="json")
        except ObjectNotFound:
            return None
        return {key: found[key] for key in ("limit", "active", "slot_decay_per_second")}

    def create_limit(self, name: str, fields: Fields) -> None:
        self._client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, **fields))

    def update_limit(self, name: str, changes: Fields) -> None:
        self._client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(**changes))

    def delete_limit(self, name: str) -> None:
        self._client.delete_global_concurrency_limit_by_name(name)

    def deployment(self, name: str) -> Fields | None:
        """A deployment's fields by the names that creating it takes; ``name`` is ``flow/deployment``."""
        try:
            found = self._client.read_deployment_by_name(name).model_dump(mode="json")
        except ObjectNotFound:
            return None
        limit = found.pop("global_concurrency_limit", None)
        return {**found, "concurrency_limit": limit["limit"] if limit else None}

    def create_deployment(self, name: str, fields: Fields) -> None:
        flow, _, own = name.partition("/")
        self._client.create_deployment(flow_id=self._client.create_flow_from_name(flow), name=own, **fields)

    def update_deployment(self, name: str, changes: Fields) -> None:
        found = self._client.read_deployment_by_name(name)
        self._client.update_deployment(found.id, DeploymentUpdate(**changes))

    def delete_deployment(self, name: str) -> None:
        self._client.delete_deployment(self._client.read_deployment_by_name(name).id)


@contextmanager
def connect() -> Iterator[Server]:
    """The server that ``PREFECT_API_URL`` (or the profile) names. Raises :class:`BadInput` with what to do."""
    address = get_current_settings().api.url
    if not address:
        raise BadInput("There is no Prefect server to deploy to: set PREFECT_API_URL, or log in to Prefect Cloud.")
    with _in_one_sentence(address):
        # one that is away is told at once; one that is busy is asked again, as Prefect's client does
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as client:
            problem = client.api_healthcheck()
        if isinstance(problem, httpx.TransportError):
            raise problem
        with get_client(sync_client=True) as client:
            client.read_work_pools(limit=1)
            yield Server(client)


@contextmanager
def _in_one_sentence(address: str) -> Iterator[None]:
    try:
        yield
    except PrefectHTTPStatusError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise BadInput(
                f"The Prefect server at {address} refuses the key; set PREFECT_API_KEY (Prefect Cloud) or "
                "PREFECT_API_AUTH_STRING (a server of your own)."
            ) from None
        if status == 404:
            raise BadInput(f"{address} is not the address of a Prefect API; one of your own ends in /api.") from None
        raise StreamlinerError(
            f"The Prefect server at {address} answered {status} to {error.request.method} {error.request.url.path}: "
            f"{_detail(error.response)}"
        ) from None
    except httpx.HTTPError as error:
        raise BadInput(
            f"No Prefect server answers at {address} ({type(error).__name__}); start it or correct PREFECT_API_URL."
        ) from None


def _detail(response: httpx.Response) -> str:
    try:
        body: Any = response.json()
    except ValueError:
        return "no reason given"
    return " ".join(str(body.get("detail", body) if isinstance(body, dict) else body).split())[:300]

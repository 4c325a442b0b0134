"""What a run holds of the global concurrency limits on the server, batch by batch.

Prefect's own ``concurrency()`` lacks three things that we need. It tells nobody the lease, so that what a killed run
held is lost until the lease runs out; it raises when the server is away at the moment of giving back, which would cost
a batch that is done; and its client waits two seconds and more where a server on SQLite is busy for a moment (503),
which is the rule where one batch follows another. The requests and the events are Prefect's.
"""

import contextvars
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse
from prefect.concurrency._events import emit_concurrency_acquisition_events, emit_concurrency_release_events
from prefect.logging import get_run_logger

from stages.errors import StreamlinerError
from tasks.patience import patient

Value = TypeVar("Value")

LEASES: Final = ".leases"
"""The folder of an archive that holds an empty file for each lease of its run, named by the lease."""

LEASE_SECONDS: Final = 60
"""How long a server waits for a sign of life before it takes slots back; the shortest that it accepts."""

PATIENCE_SECONDS: Final = 60.0
"""How long a server may be away when slots are asked for."""

_RENEWAL_SECONDS: Final = LEASE_SECONDS / 3
_BUSY: Final = (408, 429, 502, 503)
_TAKEN: Final = 423
_LONGEST_WAIT: Final = 10.0


class _BusyError(httpx.HTTPError):
    """The server asks for patience: its client would sleep over it, however little there is to wait."""


class NoSlotsError(StreamlinerError):
    """The server lends no slots of a limit: what needs them was not begun, and lost no attempt."""


class Slots:
    """The slots of one run, for batches in any thread; a context manager.

    Leases are written down in the archive's ``folder``: a run that is killed cannot give them back, so the next run of
    the archive does (:meth:`give_back`). Without a folder they come back after ``LEASE_SECONDS`` and the server's next
    look, 15 seconds apart.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder / LEASES if folder else None
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._refused: dict[str, NoSlotsError] = {}
        self._held: set[UUID] = set()
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None
        self._open = threading.Lock()
        self._client: SyncPrefectClient | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join()
        if self._client is not None:
            self._client.__exit__(None, None, None)
            self._client = None

    def give_back(self) -> None:
        """Give back what a dead run of the archive holds; only who holds the archive may call it. A lease that the
        server does not know any more is given back already; a server that is away is found out by what comes next."""
        if self._folder is None or not self._folder.is_dir():
            return
        with suppress(httpx.HTTPError, OSError):
            for file in self._folder.iterdir():
                self._ask(_returning(UUID(file.name)), 5.0)
                file.unlink(missing_ok=True)
        self._tidy()

    @contextmanager
    def hold(self, name: str, slots: int) -> Iterator[None]:
        """A block that holds so many slots of a limit; waits until they are free.

        Raises :class:`NoSlotsError` where the limit does not exist or is smaller, or the server is away for more than
        ``PATIENCE_SECONDS``; whoever waits behind is then told at once. A server that is lost later ends nothing: what
        the block does is worth more than a limit that nobody watches. Cost: three requests, and one for each third of
        ``LEASE_SECONDS``.
        """
        with self._turns[name]:  # one asks at a time; those behind would not be sooner
            if name in self._refused:
                raise NoSlotsError(str(self._refused[name]))
            try:
                lent = self._ask(lambda client: _borrow(client, name, slots), PATIENCE_SECONDS)
                if not lent.limits:
                    raise NoSlotsError(
                        f"There is no limit {name!r} on the Prefect server; `streamliner deploy` makes it."
                    )
            except NoSlotsError as error:
                self._refused[name] = error
                raise
            except httpx.HTTPError as error:
                self._refused[name] = NoSlotsError(_why(name, slots, error))
                raise self._refused[name] from error
            self._keep(lent.lease_id)
        events = emit_concurrency_acquisition_events(lent.limits, slots)
        try:
            yield
        finally:
            self._return(lent.lease_id)
            emit_concurrency_release_events(lent.limits, slots, events)

    def _keep(self, lease: UUID) -> None:
        self._held.add(lease)
        if self._folder is not None:
            with suppress(OSError):
                self._folder.mkdir(exist_ok=True)
                (self._folder / str(lease)).touch()
        if self._renewing is None:
            # in the context of this run, whose client it uses
            renew = contextvars.copy_context().run
            self._renewing = threading.Thread(target=renew, args=(self._renew,), name="leases", daemon=True)
            self._renewing.start()

    def _return(self, lease: UUID) -> None:
        self._held.discard(lease)
        try:
            self._ask(_returning(lease), 0.0 if self._refused else 5.0)
        except Exception as error:  # noqa: BLE001 - what was done is done; the lease runs out by itself
            get_run_logger().warning("Slots could not be given back and run out: %s", type(error).__name__)
            return
        if self._folder is not None:
            (self._folder / str(lease)).unlink(missing_ok=True)
            self._tidy()

    def _renew(self) -> None:
        while not self._ended.wait(_RENEWAL_SECONDS):
            for lease in tuple(self._held):
                # what fails is left to the next time: a lease lasts for three
                with suppress(Exception):
                    self._ask(_renewing(lease), 5.0)

    def _ask(self, call: Callable[[SyncPrefectClient], Value], patience: float) -> Value:
        """Call until it succeeds: for ever while slots are taken, so many seconds while the server is busy or away."""
        wait, since = 0.05, time.monotonic()
        while True:
            try:
                with self._open:
                    if self._client is None:
                        self._client = get_client({"event_hooks": {"response": [_raise_busy]}}, sync_client=True)
                        self._client.__enter__()
                with patient(0):
                    return call(self._client)
            except httpx.HTTPStatusError as error:
                if error.response.status_code != _TAKEN:
                    raise
                time.sleep(min(_LONGEST_WAIT, float(error.response.headers.get("Retry-After", 1))))
                wait, since = 0.05, time.monotonic()
            except httpx.HTTPError:
                if time.monotonic() - since >= patience:
                    raise
                time.sleep(random.uniform(0, wait))
                wait = min(2 * wait, 2.0)

    def _tidy(self) -> None:
        if self._folder is not None:
            with suppress(OSError):  # others are held, or none ever was
                self._folder.rmdir()


_NOBODYS: Final = Slots()
_OF_THE_RUN: contextvars.ContextVar[Slots] = contextvars.ContextVar("slots")


@contextmanager
def slots_of_the_run(folder: Path) -> Iterator[Slots]:
    """A block whose tasks hold their slots in the name of this archive."""
    with Slots(folder) as slots:
        before = _OF_THE_RUN.set(slots)
        try:
            yield slots
        finally:
            _OF_THE_RUN.reset(before)


def current_slots() -> Slots:
    """Those of the run, or nobody's where a task runs elsewhere."""
    return _OF_THE_RUN.get(_NOBODYS)


def _borrow(client: SyncPrefectClient, name: str, slots: int) -> ConcurrencyLimitWithLeaseResponse:
    answer = client.increment_concurrency_slots_with_lease([name], slots, "concurrency", LEASE_SECONDS)
    return ConcurrencyLimitWithLeaseResponse.model_validate(answer.json())


def _returning(lease: UUID) -> Callable[[SyncPrefectClient], object]:
    return lambda client: client.release_concurrency_slots_with_lease(lease)


def _renewing(lease: UUID) -> Callable[[SyncPrefectClient], object]:
    return lambda client: client.renew_concurrency_lease(lease, LEASE_SECONDS)


def _raise_busy(answer: httpx.Response) -> None:
    if answer.status_code in _BUSY:
        raise _BusyError(f"HTTP status {answer.status_code}")


def _why(name: str, slots: int, error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        if error.response.status_code == 422:
            return f"The limit {name!r} on the Prefect server has fewer than the {slots} slots that a batch needs."
        return f"The Prefect server lends no slots of {name!r} ({error.response.status_code})."
    return f"The Prefect server does not answer any more ({type(error).__name__}); what was done is kept."

"""Archives and exports given by address: turned into folders and files of this machine for the length of a command.

A path stays what it is, and costs nothing. An archive in a store is checked out under its lease and put back when the
work is over, also after a failure, whose work is worth keeping; after :class:`BadInput` nothing was changed and
nothing is put back. What a person reads names the address, never the folder in between.
"""

import json
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flows.request import PublishRequest
from stages.archive.storage import is_remote, local_path, parse_address
from stages.errors import BadInput, StreamlinerError

if TYPE_CHECKING:
    from stages.archive.storage.manifest import Manifest
    from stages.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stored:
    """A request in terms of this machine. ``url`` is the archive's address where it lies in a store, else None."""

    request: PublishRequest
    run_id: str
    url: str | None = None

    def told(self, report: dict[str, Any]) -> dict[str, Any]:
        """The report as a person may read it: ``site`` is where the site is in the store."""
        if self.url is not None and report.get("site"):
            return report | {"site": f"{self.url}/site/index.html"}
        return report


@contextmanager
def stored(
    request: PublishRequest, *, run_id: str | None = None, locked: bool = False, say: Say = lambda _sentence: None
) -> Iterator[Stored]:
    """Have the request's archive and exports on this machine, and put the archive back afterwards.

    ``locked`` says that the caller holds a lock of its own on this archive, for stores that cannot hold a lease. When
    the lease is lost, the main thread is interrupted and :class:`LeaseLost` raised at the end. Raises
    :class:`BadInput` where the store cannot be used or another run works on the archive, with nothing changed.
    """
    run_id = run_id or uuid.uuid4().hex
    with ExitStack() as stack:
        url = parse_address(request.archive).url if is_remote(request.archive) else None
        if url is None:
            folder = local_path(request.archive)
        elif request.dry_run:
            begun = ("archive.duckdb", "streamliner.toml", "inbox/")
            folder = stack.enter_context(readable(request.archive, *begun, config=request.config, or_empty=True))
        else:
            settings = _settings(request.config, None)
            folder = stack.enter_context(worked_on(request.archive, settings, run_id=run_id, locked=locked, say=say))
        exports = request.exports
        if any(is_remote(export) for export in exports):
            settings = _settings(request.config, None if url else folder)
            exports = tuple(stack.enter_context(_fetched(exports, settings)))
        elif any("://" in export for export in exports):
            exports = tuple(str(local_path(export)) for export in exports)
        if url is not None or exports != request.exports or str(folder) != request.archive:
            request = request.model_copy(update={"archive": str(folder), "exports": exports})
        yield Stored(request, run_id, url)


@contextmanager
def worked_on(
    archive: str,
    settings: "Settings | None" = None,
    *,
    run_id: str,
    locked: bool = False,
    say: Say = lambda _sentence: None,
) -> Iterator[Path]:
    """The folder of an archive that is changed; one in a store is held by its lease and put back at the end."""
    if not is_remote(archive):
        yield local_path(archive)
        return
    from stages.archive.storage.checkout import Checkout, check_out
    from stages.archive.store import DATABASE

    address = parse_address(archive)
    settings = settings or _settings(None, None)

    def put_back(checkout: Checkout) -> None:
        if (checkout.folder / DATABASE).is_file():
            _tell_site(checkout.folder, checkout.url)
            with _undisturbed(checkout.url, say):
                checkout.put_back()

    working = threading.Event()

    def lost() -> None:
        if working.is_set():  # whoever puts back finds out by himself
            _interrupt_main()

    with (
        _polite(),
        check_out(address, settings, run_id=run_id, locked=locked, on_lost=lost) as checkout,
        _named(str(checkout.folder), address.url),
    ):
        if checkout.resumed:
            say(f"A run that was stopped left its work on {address.url} here; this one goes on with it.")
        try:
            working.set()
            try:
                yield checkout.folder
            finally:
                working.clear()
        except BadInput:
            raise
        except BaseException as error:
            try:
                put_back(checkout)
            except StreamlinerError as failed:
                raise failed from error
            raise
        else:
            put_back(checkout)


@contextmanager
def readable(archive: str, *wanted: str, config: str | None = None, or_empty: bool = False) -> Iterator[Path]:
    """The folder of an archive that is only read; of one in a store what begins like one of ``wanted``, which may be
    ``site``: the published site with its link. Raises :class:`BadInput` where there is none, unless ``or_empty``."""
    if not is_remote(archive):
        yield local_path(archive)
        return
    from stages.archive.storage.checkout import read_out

    address = parse_address(archive)

    def part(manifest: "Manifest") -> "Manifest":
        begins = tuple(f"{manifest.links.get('site')}/" if name == "site" else name for name in wanted)
        return manifest.only(lambda path: path.startswith(begins) or (path == "site" and "site" in wanted))

    with (
        _polite(),
        read_out(address, _settings(config, None), part, or_empty=or_empty) as folder,
        _named(str(folder), address.url),
    ):
        yield folder


@contextmanager
def _fetched(exports: tuple[str, ...], settings: "Settings") -> Iterator[list[str]]:
    """Exports as files of this machine, those of a store in a folder that goes with the block."""
    from stages.archive.storage.exports import fetch_exports
    from stages.archive.storage.scratch import scratch_root

    with TemporaryDirectory(prefix="exports-", dir=scratch_root(settings)) as folder, _named(f"{folder}/", ""):
        here: list[str] = []
        for export in exports:
            if is_remote(export):
                here += [str(path) for path in fetch_exports(export, settings, Path(folder))]
            else:
                here.append(str(local_path(export)))
        yield here


def _settings(config: str | None, archive: Path | None) -> "Settings":
    """The settings by which a store is reached: they cannot come from the archive that lies in it."""
    from stages.settings import load_settings

    return load_settings(archive, Path(config) if config else None).settings


def _tell_site(folder: Path, url: str) -> None:
    """The last run's report goes with the archive: it names the site's address and not a folder that is gone."""
    path = folder / "metrics" / "performance.json"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(report, dict) and str(report.get("site", "")).startswith(str(folder)):
            report["site"] = f"{url}/site/index.html"
            path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except (OSError, ValueError):
        return  # a report is no reason to fail


@contextmanager
def _named(here: str, there: str) -> Iterator[None]:
    """Sentences name what a person knows, not where it lies meanwhile; but for work that waits there."""
    try:
        yield
    except StreamlinerError as error:
        text = str(error)
        if here not in text or "waits in" in text:
            raise
        raise type(error)(text.replace(here, there)) from None


def _interrupt_main() -> None:
    """End what the main thread does as Ctrl-C would: a signal of its own wakes it wherever it waits."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@contextmanager
def _polite() -> Iterator[None]:
    """A polite end is an interruption, so that leases are given back and folders removed."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _undisturbed(url: str, say: Say) -> Iterator[None]:
    """What was done is put back although a person wants an end; asked a second time, it is given up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []

    def hear(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt(f"Interrupted while {url} was put back; the same command goes on where it stopped.")
        asked.append(number)
        say(f"What was done is being put back to {url}; interrupt once more to give that up.")

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

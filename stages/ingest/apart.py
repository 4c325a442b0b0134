"""One export read in a process of its own, so that several are read at once; the result does not depend on it.

The child is started afresh (spawn), which costs about half a second of imports; worth it for exports of some size.
"""

import multiprocessing
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol

from stages.errors import StreamlinerError
from stages.ingest.export import ParseReport, parse_export

_LOOK_SECONDS: Final = 0.2


class Stop(Protocol):
    """What says that reading is to end: an event, or anything with its question."""

    def is_set(self) -> bool: ...


def parse_apart(path: Path, out: Path, *, stopped: Stop | None = None, **arguments: Any) -> ParseReport:
    """:func:`stages.ingest.export.parse_export` in a child process; call it from a thread of its own.

    When ``stopped`` says so the child is ended and :class:`StreamlinerError` raised. Raises what the child raises, and
    :class:`StreamlinerError` when it ended without a word (killed, or out of memory).
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sender, path, out, arguments), daemon=True)
    child.start()
    sender.close()
    try:
        while not receiver.poll(_LOOK_SECONDS):
            if stopped is not None and stopped.is_set():
                raise StreamlinerError("Reading was stopped.")
        result = receiver.recv()
    except EOFError:
        child.join()
        raise StreamlinerError(
            f"Reading {path} ended unexpectedly (exit status {child.exitcode}); it may have run out of memory. "
            "Set STREAMLINER_PERFORMANCE__MAX_WORKERS=1 to read one export at a time."
        ) from None
    finally:
        receiver.close()
        if child.is_alive():
            child.terminate()
        child.join()
        # what a child that was ended left behind
        for left in out.parent.glob(f".{out.name}.{child.pid}.*"):
            _remove(left)
    if isinstance(result, BaseException):
        raise result
    report: ParseReport = result
    return report


def _child(sender: Connection, path: Path, out: Path, arguments: dict[str, Any]) -> None:
    # the parent is the one who is interrupted, and ends its children
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        result: ParseReport | Exception = parse_export(path, out, **arguments)
    except StreamlinerError as error:
        result = error
    except Exception as error:  # noqa: BLE001 - its text may quote the chat, and its traceback does not travel
        result = StreamlinerError(f"Reading {path} failed unexpectedly: {type(error).__name__}.")
    sender.send(result)
    sender.close()


def _remove(left: Path) -> None:
    if left.is_dir():
        for inner in left.iterdir():
            inner.unlink(missing_ok=True)
        left.rmdir()
    else:
        left.unlink(missing_ok=True)

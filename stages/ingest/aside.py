"""A second process that conceals messages while this one reads on; for exports that take seconds.

It is started afresh and knows nothing but what it is sent through a pipe; names and texts stay in the memory of both
processes. What comes back is what this process would have made, so the result does not depend on who made it.
"""

import gc
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, cast

import numpy as np
import pyarrow as pa

from stages.archive.records import NameRecord
from stages.errors import StreamlinerError
from stages.ingest.conceal import Concealed, Concealer, Nothing, Open, Privacy

_START: Final = (
    "import json, os, signal, sys\n"
    "os.environ.setdefault('ARROW_DEFAULT_MEMORY_POOL', 'system')\n"
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "sys.path[:] = json.loads(sys.stdin.buffer.readline())\n"
    "from stages.ingest.aside import serve\n"
    "serve()\n"
)
_WORTH_BYTES: Final = 24 << 20
_PIPE_BYTES: Final = 1 << 20
_HEAD: Final = 9
_TAKEN, _DONE, _FAILED = b"t", b"d", b"f"


@dataclass(frozen=True)
class Setup:
    """What concealing depends on. ``hides`` is false where names and texts stay as they are."""

    key: bytes
    prefix: str
    hides: bool
    names: Sequence[str]
    known: Sequence[NameRecord]
    region: str | None

    def privacy(self) -> Privacy:
        """What hides names."""
        if not self.hides:
            return Nothing()
        from stages.privacy.guard import Guard

        return cast(Privacy, Guard.build(self.key, self.names, known=self.known, region=self.region))


@dataclass(frozen=True)
class Learnt:
    """What the second process has seen: its records, whom it met in texts alone (see ``Guard.late``), its memory."""

    records: list[NameRecord] = field(default_factory=list)
    late: Mapping[str, str] = field(default_factory=dict)
    peak_rss_mb: float = 0.0


def is_worth_it(size: int) -> bool:
    """Whether a second process pays for text of ``size`` bytes: there is a second core, and this is no such process
    itself."""
    import multiprocessing

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return size >= _WORTH_BYTES and cores > 1 and multiprocessing.parent_process() is None


class Aside:
    """The second process. Start it early (it takes a third of a second), :meth:`begin` when the names are known."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._into = cast(BinaryIO, self._child.stdin)
        self._out = cast(BinaryIO, self._child.stdout)
        for stream in (self._into, self._out):
            _widen(stream)
        self._carrier = ThreadPoolExecutor(1)
        self._waiting: list[Future[Any]] = []
        self._send(json.dumps(sys.path).encode() + b"\n")

    def begin(self, setup: Setup) -> None:
        """Say what concealing depends on."""
        body = pickle.dumps(setup)
        self._carrier.submit(self._send, _head(_TAKEN, body), body).result()

    @property
    def load(self) -> int:
        """How many batches it has not answered yet."""
        self._waiting = [future for future in self._waiting if not future.done()]
        return len(self._waiting)

    def conceal(self, messages: Open) -> "Future[Concealed]":
        """Have a batch concealed. The future raises :class:`StreamlinerError` when the process fails."""
        future = self._carrier.submit(self._ask, messages)
        self._waiting.append(future)
        return future

    def finish(self) -> Learnt:
        """End it once everything is answered, and hear what it has seen."""
        learnt: Learnt = self._carrier.submit(self._exchange, _DONE, b"").result()
        return learnt

    def close(self) -> None:
        """End it whatever it does."""
        if self._child.poll() is None:
            self._child.kill()
        self._carrier.shutdown(wait=True, cancel_futures=True)
        for stream in (self._into, self._out):
            # what was not sent is not needed any more
            with suppress(OSError):
                stream.close()
        self._child.wait()

    def _ask(self, messages: Open) -> Concealed:
        result: Concealed = self._exchange(_TAKEN, _packed(messages))
        return result

    def _exchange(self, kind: bytes, body: Any) -> Any:
        self._send(_head(kind, body), body)
        try:
            answer, data = _receive(self._out)
        except EOFError:
            raise _ended() from None
        if answer == _FAILED:
            raise StreamlinerError(f"Hiding names in a second process failed: {bytes(data).decode()}.")
        return pickle.loads(data) if kind == _DONE else _concealed(data)

    def _send(self, *parts: Any) -> None:
        try:
            for part in parts:
                self._into.write(part)
            self._into.flush()
        except (BrokenPipeError, ValueError):
            raise _ended() from None


def serve() -> None:
    """The second process's work: conceals what comes in until there is no more."""
    from stages.ingest.memory import frugal

    pa.set_cpu_count(1)
    # texts hold no cycles
    gc.set_threshold(100_000, 20, 50)
    with frugal():
        _serve()


def _serve() -> None:
    from stages.metrics import peak_rss_mb

    into = sys.stdin.buffer
    # whatever writes to standard output by mistake must not reach the pipe
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        _, data = _receive(into)
        setup: Setup = pickle.loads(data)
        privacy = setup.privacy()
        concealer = Concealer(privacy, setup.key, setup.prefix)
        while True:
            kind, data = _receive(into)
            if kind == _DONE:
                learnt = Learnt(privacy.records(), privacy.late(), peak_rss_mb())
                body = pickle.dumps(learnt)
                out.write(_head(_DONE, body) + body)
                break
            body = _answer(concealer.conceal(_messages(data)))
            out.write(_head(_TAKEN, body) + body)
            out.flush()
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001 - its text may quote the chat, and its traceback does not travel
        body = type(error).__name__.encode()
        out.write(_head(_FAILED, body) + body)
    out.flush()


def _widen(stream: BinaryIO) -> None:
    """A pipe takes a megabyte at a time where the system has it so; a sixteenth of that is only slower."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _ended() -> StreamlinerError:
    return StreamlinerError(
        "A second process that hides names ended unexpectedly; it may have run out of memory. "
        "Set STREAMLINER_PERFORMANCE__PARALLEL_PROCESSING=false to do without."
    )


def _head(kind: bytes, body: Any) -> bytes:
    return kind + len(body).to_bytes(8, "little")


def _receive(stream: BinaryIO) -> tuple[bytes, pa.Buffer]:
    """A frame's kind and body. Raises EOFError where the stream ends."""
    head = stream.read(_HEAD)
    if len(head) < _HEAD:
        raise EOFError
    body = pa.allocate_buffer(int.from_bytes(head[1:], "little"))
    view = memoryview(body).cast("B")
    at = 0
    while at < len(view):
        got = cast(Any, stream).readinto(view[at:])
        if not got:
            raise EOFError
        at += got
    return head[:1], body


def _written(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _packed(messages: Open) -> pa.Buffer:
    columns = {"local": pa.array(messages.local), "signers": messages.signers, "wordings": messages.wordings}
    if messages.texts is not messages.wordings:
        columns["texts"] = messages.texts
    batch = pa.RecordBatch.from_pydict(columns)
    return _written(batch.replace_schema_metadata({"chat": messages.chat}))


def _messages(data: pa.Buffer) -> Open:
    batch = pa.ipc.open_stream(data).read_next_batch()
    wordings = batch.column("wordings")
    return Open(
        batch.schema.metadata[b"chat"].decode(),
        batch.column("local").to_numpy(),
        batch.column("signers"),
        wordings,
        batch.column("texts") if "texts" in batch.schema.names else wordings,
    )


def _answer(concealed: Concealed) -> bytes:
    changed = pa.RecordBatch.from_pydict({"rows": pa.array(concealed.rows), "texts": concealed.texts})
    return b"".join((len(concealed.digests).to_bytes(8, "little"), concealed.digests, _written(changed)))


def _concealed(data: pa.Buffer) -> Concealed:
    size = int.from_bytes(memoryview(data)[:8], "little")
    batch = pa.ipc.open_stream(data.slice(8 + size)).read_next_batch()
    return Concealed(
        data.slice(8, size).to_pybytes(), np.asarray(batch.column("rows").to_numpy(), np.int64), batch.column("texts")
    )

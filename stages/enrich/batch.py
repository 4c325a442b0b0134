"""One batch of enrichment: links are read, pictures, sound and film stored, other files described by what is certain.

No archive: tasks come in, results and failures go out, and no single item ever stops the others. Links are read beside
the files of the batch, by :class:`stages.enrich.links.LinkReader`; without one they are recorded as they stand. Models
are asked about pictures and sound beside both, by :class:`stages.enrich.teller.Teller`; without one nobody is asked.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, TypeAlias

from stages.archive.records import Attachment, Enrichment, Failure
from stages.enrich.content import store_content
from stages.enrich.documents import TITLED, document_title
from stages.enrich.kinds import UNKNOWN, FileKind, file_kind
from stages.enrich.lengths import media_seconds
from stages.enrich.links import Conceal, LinkReader
from stages.enrich.media import UnusablePictureError, store_picture
from stages.enrich.outcomes import Outcome, recorded
from stages.enrich.store import Task
from stages.enrich.teller import Teller, calls_of, is_stored
from stages.errors import BadInput, StreamlinerError
from stages.resilience.errors import RefusedError
from stages.settings import EnrichSettings

OpenMember: TypeAlias = Callable[..., BinaryIO]
"""``open_member(path, member, *, limit)``: a stream of one entry of a ZIP, or :class:`BadInput`."""

SCRATCH: Final = ".work"
"""Where files are written before they are renamed: the archive's own scratch folder, beside ``media/``."""

NOTHING_KNOWN: Final[Mapping[str, Enrichment]] = MappingProxyType({})

_MEGABYTE: Final = 1_000_000
_STOPPED: Final = "The run was stopped before this file was taken in; it waits for the next one."


@dataclass(frozen=True)
class Room:
    """Batches wait beside each other for sites and models; files take memory and a processor, so the files of few
    batches are taken in at once: of as many as ``places`` lets in. Once ``stopped`` is set, what was not taken in waits
    for the next run."""

    places: threading.Semaphore
    stopped: threading.Event


@dataclass
class BatchResult:
    """What became of a batch: every task is in one of the two lists, in the order of the tasks.

    A failure of class ``refused`` was never tried and waits. ``calls`` were sent to a model for ``cost_usd`` (None
    where the price is unknown).
    """

    done: list[Enrichment] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    calls: int = 0
    cost_usd: float | None = 0.0

    def spend(self, calls: int, cost_usd: float | None) -> None:
        """Count calls; a cost that nobody knows makes the sum unknown."""
        self.calls += calls
        self.cost_usd = None if self.cost_usd is None or cost_usd is None else self.cost_usd + cost_usd


class _RefusedError(StreamlinerError):
    """This one item cannot be done; the sentence is its reason."""

    def __init__(self, reason: str, error_class: str = "permanent") -> None:
        super().__init__(reason)
        self.error_class = error_class


def enrich_batch(
    tasks: Sequence[Task],
    *,
    media_dir: Path,
    attachments: Mapping[str, Attachment],
    exports: Mapping[str, Path],
    settings: EnrichSettings,
    links: LinkReader | None = None,
    conceal: Conceal | None = None,
    teller: Teller | None = None,
    known: Mapping[str, Enrichment] = NOTHING_KNOWN,
    begin: Callable[[Sequence[str]], None] | None = None,
    room: "Room | None" = None,
    open_member: OpenMember | None = None,
) -> BatchResult:
    """Enrich each task. ``attachments`` are by name, ``exports`` are the ZIPs by the id that attachments give.

    ``conceal`` hides the chat's people in what documents say of themselves; without it they say nothing. ``known``:
    results by key of which what was stored is used as it is, where it is still there; their exports are not opened.
    A link that nobody reads stays as it is known. ``begin`` is told the keys when the work on them begins.
    ``room`` is what batches that run beside each other share.

    Raises :class:`StreamlinerError` only where the whole run must end: ``media_dir`` cannot be written.
    """
    if open_member is None:
        from stages.ingest.zips import open_known_member

        open_member = open_known_member
    urls = [task for task in tasks if task.kind == "url"]
    if begin is not None and urls:
        begin([task.key for task in urls])
    reading = links.begin(urls) if links is not None and urls else None
    outcomes: dict[str, Outcome] = {}
    result = BatchResult()
    source = _Source(attachments, exports, settings.file_max_mb * _MEGABYTE, open_member)

    def take_in(task: Task) -> Outcome:
        had = known.get(task.key)
        if had is not None and is_stored(had, media_dir):
            return had
        if room is not None and room.stopped.is_set():
            return Failure(task.key, RefusedError.error_class, _STOPPED)
        return _attempt(task, source, media_dir, settings, conceal)

    files = [task for task in tasks if task.kind != "url"]

    @contextmanager
    def entered() -> Iterator[None]:
        with room.places if room is not None else nullcontext():
            if begin is not None:
                begin([task.key for task in files])
            yield

    try:
        if reading is None:
            outcomes |= {task.key: known.get(task.key) or recorded(task) for task in urls}
        if teller is not None and any(teller.tells(task.kind) for task in files):
            asyncio.run(_told(files, entered(), take_in, teller, outcomes, result))
        elif files:
            with entered():
                outcomes |= {task.key: take_in(task) for task in files}
        if reading is not None:
            read = reading.result()
            outcomes |= {outcome.key: outcome for outcome in read.outcomes}
            result.spend(read.calls, read.cost_usd)
    except BaseException:
        if reading is not None:
            reading.cancel()
        raise
    for task in tasks:
        outcome = outcomes[task.key]
        if isinstance(outcome, Enrichment):
            result.done.append(outcome)
        else:
            result.failed.append(outcome)
    return result


async def _told(
    tasks: Sequence[Task],
    entered: AbstractContextManager[None],
    take_in: Callable[[Task], Outcome],
    teller: Teller,
    outcomes: dict[str, Outcome],
    result: BatchResult,
) -> None:
    """Take in one file after the other, and ask about each as soon as it is there, while the next is taken in."""
    batch = teller.begin()
    asking: list[asyncio.Task[Outcome]] = []
    with ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, entered)
        for task in tasks:
            outcome = await asyncio.to_thread(take_in, task)
            outcomes[task.key] = outcome
            if isinstance(outcome, Enrichment) and teller.tells(outcome.kind):
                asking.append(asyncio.create_task(batch.tell(task, outcome)))
    outcomes |= {outcome.key: outcome for outcome in await asyncio.gather(*asking)}
    result.spend(batch.calls, batch.cost_usd)


def _attempt(
    task: Task, source: "_Source", media_dir: Path, settings: EnrichSettings, conceal: Conceal | None
) -> Outcome:
    try:
        return _file(task, source, media_dir, settings, conceal)
    except _RefusedError as error:
        return Failure(task.key, error.error_class, str(error))
    except UnusablePictureError as error:
        return Failure(task.key, "permanent", str(error))
    except MemoryError:
        return Failure(task.key, "transient", "There was not enough memory for this file.")


@dataclass(frozen=True)
class _Source:
    attachments: Mapping[str, Attachment]
    exports: Mapping[str, Path]
    limit: int
    open_member: OpenMember

    def attachment(self, name: str) -> Attachment:
        attachment = self.attachments.get(name)
        if attachment is None:
            raise _RefusedError("The chat speaks of this file, but the export does not hold it.")
        return attachment

    @contextmanager
    def stream(self, attachment: Attachment) -> Iterator[BinaryIO]:
        """The attachment's bytes; whatever goes wrong with them is a reason that names nobody."""
        if attachment.size > self.limit:
            raise _RefusedError(
                f"The file has {attachment.size / _MEGABYTE:.0f} MB and the limit is "
                f"{self.limit // _MEGABYTE} MB (enrich.file_max_mb)."
            )
        export = self.exports.get(attachment.export)
        if export is None or not export.is_file():
            raise _RefusedError("The export that holds this file is not at hand; publish it again.", "transient")
        try:
            with self.open_member(export, attachment.member, limit=self.limit) as stream:
                yield stream
        except (BadInput, OSError):
            # the sentence may name the export, whose name is a person's
            raise _RefusedError(
                "The export's copy of this file is damaged, encrypted or larger than it states."
            ) from None


def _file(
    task: Task, source: _Source, media_dir: Path, settings: EnrichSettings, conceal: Conceal | None
) -> Enrichment:
    attachment = source.attachment(task.value)
    known = file_kind(task.value)
    if known.kind == "image":
        return _seen(task, known, attachment, source, media_dir, settings)
    if known.kind in ("audio", "video") and 0 < attachment.size <= source.limit:
        return _heard(task, known, attachment, source, media_dir)
    told = Enrichment(task.key, task.kind, task.value, alt=known.alt, mime=known.mime, bytes=attachment.size)
    if known.kind == "document" and known is not UNKNOWN:
        return replace(told, title=_title(known, attachment, source, conceal) or task.value)
    return told


def _seen(
    task: Task, known: FileKind, attachment: Attachment, source: _Source, media_dir: Path, settings: EnrichSettings
) -> Enrichment:
    """A picture: made anew in the sizes that the site shows, without anything but what is to be seen."""
    with source.stream(attachment) as stream:
        data = stream.read()
    picture = store_picture(
        data,
        media_dir,
        media_dir.parent / SCRATCH,
        widths=settings.picture_sizes,
        max_pixels=settings.picture_max_pixels,
    )
    return Enrichment(
        task.key,
        task.kind,
        task.value,
        alt=f"{known.alt}, first frame of an animation" if picture.animated else known.alt,
        mime=picture.mime,
        width=picture.width,
        height=picture.height,
        bytes=len(data),
        sha256=picture.sha256,
        files=picture.files,
        sizes=picture.sizes,
        preview=picture.preview,
        look=picture.look,
    )


def _heard(task: Task, known: FileKind, attachment: Attachment, source: _Source, media_dir: Path) -> Enrichment:
    """Sound or film: its bytes are kept and nothing of it is published; ``files`` is what the site shows."""
    ending = task.value.rpartition(".")[2].lower()
    with source.stream(attachment) as stream:
        stored = store_content(stream, media_dir, media_dir.parent / SCRATCH, ending)
    seconds = media_seconds(media_dir / stored.name, known.mime)
    return Enrichment(
        task.key,
        task.kind,
        task.value,
        alt=known.alt if seconds is None else _lasting(known.alt, seconds),
        mime=known.mime,
        bytes=stored.size,
        sha256=stored.sha256,
        seconds=seconds,
    )


def _title(known: FileKind, attachment: Attachment, source: _Source, conceal: Conceal | None) -> str | None:
    """What a document calls itself, where it does and nobody is named by it. Its bytes are not kept."""
    if conceal is None or known.mime not in TITLED:
        return None
    try:
        with source.stream(attachment) as stream:
            title = document_title(stream, known.mime)
    except _RefusedError:
        return None  # its name is all that is needed
    return conceal(title) if title else None


def _lasting(alt: str, seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{alt}, {minutes}:{rest:02d}"


def slots_of(tasks: Sequence[Task], *, teller: Teller | None = None, **_: Any) -> int:
    """How many calls to models the batch has in flight at most."""
    return 0 if teller is None else calls_of(tasks, teller.settings)

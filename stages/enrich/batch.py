"""One batch of enrichment: links are recorded, pictures, sound and film stored, other files described by what is
certain of them.

No network, no archive: tasks come in, results and failures go out, and no single item ever stops the others.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from stages.archive.records import Attachment, Enrichment, Failure
from stages.enrich.content import store_content
from stages.enrich.kinds import UNKNOWN, FileKind, file_kind
from stages.enrich.media import UnusablePictureError, store_picture
from stages.enrich.store import Task
from stages.enrich.voice import OpusLength
from stages.errors import BadInput, StreamlinerError
from stages.settings import EnrichSettings

OpenMember = Callable[..., BinaryIO]
"""``open_member(path, member, *, limit)``: a stream of one entry of a ZIP, or :class:`BadInput`."""

SCRATCH: Final = ".work"
"""Where files are written before they are renamed: the archive's own scratch folder, beside ``media/``."""

_TITLE_LENGTH: Final = 120
_MEGABYTE: Final = 1_000_000


@dataclass
class BatchResult:
    """What became of a batch: every task is in one of the two lists, in the order of the tasks."""

    done: list[Enrichment] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


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
    open_member: OpenMember | None = None,
) -> BatchResult:
    """Enrich each task. ``attachments`` are by name, ``exports`` are the ZIPs by the id that attachments give.

    Raises :class:`StreamlinerError` only where the whole run must end: ``media_dir`` cannot be written.
    """
    if open_member is None:
        from stages.ingest.zips import open_known_member

        open_member = open_known_member
    result = BatchResult()
    for task in tasks:
        try:
            if task.kind == "url":
                result.done.append(_link(task))
            else:
                source = _Source(attachments, exports, settings.file_max_mb * _MEGABYTE, open_member)
                result.done.append(_file(task, source, media_dir, settings))
        except _RefusedError as error:
            result.failed.append(Failure(task.key, error.error_class, str(error)))
        except UnusablePictureError as error:
            result.failed.append(Failure(task.key, "permanent", str(error)))
        except MemoryError:
            result.failed.append(Failure(task.key, "transient", "There was not enough memory for this file."))
    return result


def _link(task: Task) -> Enrichment:
    """A link as it is written: host and path say where it leads, nothing is claimed of what is there."""
    address = task.value.partition("://")[2] or task.value
    host, slash, path = address.partition("#")[0].partition("?")[0].partition("/")
    host = host.rpartition("@")[2].lower()
    title = f"{host}{slash}{path}".rstrip("/")
    if len(title) > _TITLE_LENGTH:
        title = title[: _TITLE_LENGTH - 1] + "…"
    return Enrichment(task.key, task.kind, task.value, title=title)


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


def _file(task: Task, source: _Source, media_dir: Path, settings: EnrichSettings) -> Enrichment:
    attachment = source.attachment(task.value)
    known = file_kind(task.value)
    if known.kind == "image":
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
        )
    if known.kind in ("audio", "video") and 0 < attachment.size <= source.limit:
        return _heard(task, known, attachment, source, media_dir)
    return Enrichment(
        task.key,
        task.kind,
        task.value,
        title=task.value if known.kind == "document" and known is not UNKNOWN else None,
        alt=known.alt,
        mime=known.mime,
        bytes=attachment.size,
    )


def _heard(task: Task, known: FileKind, attachment: Attachment, source: _Source, media_dir: Path) -> Enrichment:
    """Sound or film: its bytes are kept and nothing of it is published; ``files`` is what the site shows."""
    length = OpusLength() if known.mime == "audio/ogg" else None
    ending = task.value.rpartition(".")[2].lower()
    with source.stream(attachment) as stream:
        stored = store_content(
            stream, media_dir, media_dir.parent / SCRATCH, ending, watch=length.feed if length else None
        )
    seconds = length.seconds() if length else None
    return Enrichment(
        task.key,
        task.kind,
        task.value,
        alt=known.alt if seconds is None else _lasting(known.alt, seconds),
        mime=known.mime,
        bytes=stored.size,
        sha256=stored.sha256,
    )


def _lasting(alt: str, seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{alt}, {minutes}:{rest:02d}"

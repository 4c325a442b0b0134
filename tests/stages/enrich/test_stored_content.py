"""Sound and film of an export: kept whole under names of their content, in blocks, and never published by it."""

import hashlib
import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stages.archive.records import Attachment
from stages.enrich.batch import enrich_batch
from stages.enrich.content import store_content
from stages.enrich.kinds import file_kind
from stages.enrich.media import store_picture
from stages.enrich.store import Task
from stages.errors import BadInput, StreamlinerError
from stages.settings import EnrichSettings
from tests.stages.enrich.pictures import encoded, photograph

NAMES = ["clip.mp4", "clip (2).MP4", "../../evil.mov", "PTT-20240102-WA0001.opus", "song.m4a"]


def enrich(tmp_path: Path, files: dict[str, bytes], **options: Any) -> Any:
    export = tmp_path / "export.zip"
    with zipfile.ZipFile(export, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return enrich_batch(
        [Task(name, file_kind(name).kind, name, 0, 1, 1) for name in files],
        media_dir=tmp_path / "archive" / "media",
        attachments={name: Attachment(name, "x", at, len(body)) for at, (name, body) in enumerate(files.items())},
        exports={"x": export},
        settings=EnrichSettings(**options),
    )


def kept(tmp_path: Path) -> dict[str, bytes]:
    folder = tmp_path / "archive"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_sound_and_film_are_kept_under_a_name_of_their_content(tmp_path: Path, name: str) -> None:
    body = bytes(range(256)) * 9_000
    (known,) = enrich(tmp_path, {name: body}).done
    sha256 = hashlib.sha256(body).hexdigest()
    assert (known.sha256, known.bytes) == (sha256, len(body))
    assert kept(tmp_path) == {f"media/{sha256[:32]}.{name.rpartition('.')[2].lower()}": body}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_not_published_by_it(tmp_path: Path, name: str) -> None:
    (known,) = enrich(tmp_path, {name: b"12345"}).done
    assert known.files == ()


def test_a_forwarded_file_is_kept_once_and_never_touched_again(tmp_path: Path) -> None:
    enrich(tmp_path, {"a.mp4": b"film", "b.mp4": b"film"})
    (file,) = (tmp_path / "archive" / "media").iterdir()
    before = file.stat()
    enrich(tmp_path, {"c.mp4": b"film"})
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("name", ["card.vcf", "plan.pdf", "notes.txt", "unknown.xyz", "noextension"])
def test_documents_which_hold_names_and_numbers_are_not_kept(tmp_path: Path, name: str) -> None:
    (known,) = enrich(tmp_path, {name: b"TEL:+351912345678"}).done
    assert (known.bytes, known.sha256) == (17, None)
    assert not (tmp_path / "archive").exists()


def test_a_film_over_the_limit_and_an_empty_one_are_described_alone(tmp_path: Path) -> None:
    result = enrich(tmp_path, {"big.mp4": bytes(1_500_000), "empty.mp4": b""}, file_max_mb=1)
    assert [(known.value, known.bytes) for known in result.done] == [("big.mp4", 1_500_000), ("empty.mp4", 0)]
    assert not (tmp_path / "archive").exists()


def test_a_damaged_film_is_one_failure_and_leaves_nothing(tmp_path: Path) -> None:
    export = tmp_path / "Maria.zip"
    with zipfile.ZipFile(export, "w") as archive:
        archive.writestr("a.mp4", bytes(3 << 20))
        archive.writestr("b.mp4", b"whole")
    data = bytearray(export.read_bytes())
    data[2 << 20] ^= 1
    export.write_bytes(data)
    result = enrich_batch(
        [Task(name, "video", name, 0, 1, 1) for name in ("a.mp4", "b.mp4")],
        media_dir=tmp_path / "archive" / "media",
        attachments={name: Attachment(name, "x", at, 3 << 20) for at, name in enumerate(("a.mp4", "b.mp4"))},
        exports={"x": export},
        settings=EnrichSettings(),
    )
    assert [(failure.key, failure.error_class) for failure in result.failed] == [("a.mp4", "permanent")]
    assert "Maria" not in result.failed[0].reason
    assert list(kept(tmp_path).values()) == [b"whole"]


def test_memory_does_not_grow_with_a_film(tmp_path: Path) -> None:
    class Long(io.RawIOBase):
        left = 64 << 20

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            n = min(len(buffer), self.left)
            self.left -= n
            return n

    tracemalloc.start()
    try:
        stored = store_content(io.BufferedReader(Long()), tmp_path / "m", tmp_path / "s", "mp4")  # type: ignore[type-var]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stored.size == 64 << 20
    assert peak < 8 << 20


@pytest.mark.parametrize("where", ["media", ".work"])
def test_a_folder_that_cannot_be_written_ends_the_run(tmp_path: Path, where: str) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / where).write_bytes(b"")
    with pytest.raises(StreamlinerError, match="cannot be written") as raised:
        enrich(tmp_path, {"a.mp4": b"film"})
    assert not isinstance(raised.value, BadInput)
    assert set(kept(tmp_path)) == {where}


@pytest.mark.parametrize("name", ["media", "scratch"])
def test_a_folder_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no folder")
    folders = {"media_dir": tmp_path / "media", "scratch": tmp_path / "scratch"}
    said = "The media folder cannot be written: [A-Z].*; the next run goes on."
    with pytest.raises(StreamlinerError, match=said):
        store_content(io.BytesIO(b"film"), **folders, ending="mp4")
    with pytest.raises(StreamlinerError, match=said):
        store_picture(encoded(photograph(1, (64, 48))), **folders, widths=(64,), max_pixels=10_000)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [name]

"""A batch of enrichment: every item is answered, none stops the others, nothing is claimed that is not known."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from PIL import Image

from stages.archive.records import Attachment
from stages.enrich.batch import BatchResult, enrich_batch
from stages.enrich.kinds import file_kind
from stages.enrich.store import Task
from stages.errors import BadInput, StreamlinerError
from stages.settings import EnrichSettings

Run = Callable[..., BatchResult]


def picture(size: tuple[int, int] = (800, 600)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (10, 200, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


def task(value: str, kind: str | None = None) -> Task:
    return Task(f"key of {value}", kind or file_kind(value).kind, value, 0, 1, 1)


def read_member(path: Path, member: int, *, limit: int) -> BinaryIO:
    with zipfile.ZipFile(path) as archive:
        data = archive.read(archive.infolist()[member])
    if len(data) > limit:
        raise BadInput(f"Entry {member} of {path} is too long.")
    return io.BytesIO(data)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(values, files)``: enrich attachments whose bytes lie in a ZIP."""

    def go(tasks: list[Task], files: dict[str, bytes] | None = None, **settings: Any) -> BatchResult:
        export = tmp_path / "WhatsApp Chat with Maria.zip"
        attachments = {}
        with zipfile.ZipFile(export, "w") as archive:
            for member, (name, data) in enumerate((files or {}).items()):
                archive.writestr(f"{member}.bin", data)
                attachments[name] = Attachment(name, "export-1", member, len(data))
        return enrich_batch(
            tasks,
            media_dir=tmp_path / "archive" / "media",
            attachments=attachments,
            exports={"export-1": export},
            settings=EnrichSettings(**settings),
            open_member=read_member,
        )

    return go


@pytest.mark.parametrize(
    ("link", "title"),
    [
        ("https://Example.com/A_(b)?q=secret#top", "example.com/A_(b)"),
        ("https://example.com/", "example.com"),
        ("https://example.com", "example.com"),
        ("https://example.com?token=secret", "example.com"),
        ("WWW.Example.com/a/b/", "www.example.com/a/b"),
        ("http://user:secret@example.com:8080/a", "example.com:8080/a"),
        ("https://example.com/@user/a", "example.com/@user/a"),
        ("https://пример.рф/дом", "пример.рф/дом"),
        ("https://example.com/" + "a" * 500, "example.com/" + "a" * 107 + "…"),
    ],
)
def test_a_link_is_recorded_by_host_and_path_and_nothing_is_claimed(run: Run, link: str, title: str) -> None:
    (known,) = run([task(link, "url")]).done
    assert (known.kind, known.value, known.title, known.fetched) == ("url", link, title, False)
    assert (known.text, known.alt, known.mime, known.files) == (None, None, None, ())


def test_a_picture_is_measured_and_stored(run: Run, tmp_path: Path) -> None:
    (known,) = run([task("foto da praia.jpg")], {"foto da praia.jpg": picture((1300, 650))}, picture_sizes=(640,)).done
    assert (known.width, known.height, known.mime, known.alt) == (640, 320, "image/jpeg", "Picture")
    assert known.bytes == len(picture((1300, 650)))
    assert [file.name for file in (tmp_path / "archive" / "media").iterdir()] == list(known.files)
    assert known.files == (f"{(known.sha256 or '')[:32]}-640.jpg",)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        *known.files,
        "WhatsApp Chat with Maria.zip",
    }


def test_a_picture_has_the_size_of_each_file_a_preview_and_a_look(run: Run) -> None:
    buffer = io.BytesIO()
    Image.effect_mandelbrot((1300, 650), (-2, -1, 1, 1), 60).convert("RGB").save(buffer, "JPEG")
    (known,) = run([task("a.jpg")], {"a.jpg": buffer.getvalue()}, picture_sizes=(1000, 640)).done
    assert known.sizes == ((1000, 500), (640, 320))
    assert len(known.files) == 2
    assert (known.preview or "").startswith("data:image/webp;base64,")
    assert re.fullmatch("[0-9a-f]{16}", known.look or "")


def test_the_same_picture_under_two_names_is_stored_once(run: Run, tmp_path: Path) -> None:
    result = run([task("a.jpg"), task("b.jpg")], {"a.jpg": picture(), "b.jpg": picture()})
    assert result.done[0].files == result.done[1].files
    assert len(list((tmp_path / "archive" / "media").iterdir())) == len(result.done[0].files)


@pytest.mark.parametrize(
    ("name", "mime", "alt", "title"),
    [
        ("clip.mp4", "video/mp4", "Video", None),
        ("song.MP3", "audio/mpeg", "Audio", None),
        ("PTT-1.opus", "audio/ogg", "Voice note", None),
        ("Orçamento 2026.pdf", "application/pdf", "PDF document", "Orçamento 2026.pdf"),
        ("x.vcf", "text/vcard", "Contact card", "x.vcf"),
        ("strange.xyz", "application/octet-stream", "File", None),
    ],
)
def test_other_files_are_described_by_what_is_certain(
    run: Run, tmp_path: Path, name: str, mime: str, alt: str, title: str | None
) -> None:
    (known,) = run([task(name)], {name: b"12345"}).done
    assert (known.mime, known.alt, known.title, known.bytes, known.files) == (mime, alt, title, 5, ())
    kept = {path.read_bytes() for path in (tmp_path / "archive").rglob("*") if path.is_file()}
    assert kept == ({b"12345"} if known.kind in ("audio", "video") else set())


def test_a_voice_note_says_how_long_it_is(run: Run) -> None:
    head = b"OggS\x00\x02" + bytes(8) + b"\x01\0\0\0" + bytes(8) + b"\x01\x13OpusHead\x01\x01" + bytes(9)
    last = b"OggS\x00\x04" + (48_000 * 62).to_bytes(8, "little") + b"\x01\0\0\0" + bytes(8) + b"\x01\x01x"
    (known,) = run([task("PTT-1.opus")], {"PTT-1.opus": head + last}).done
    assert (known.alt, known.seconds) == ("Voice note, 1:02", 62.0)


def document(title: str) -> bytes:
    """A text document that calls itself so."""
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></cp:coreProperties>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("docProps/core.xml", core)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "conceal", "title"),
    [
        (document("Budget of Maria"), lambda text: text.replace("Maria", "Quiet Heron"), "Budget of Quiet Heron"),
        (document("Budget of Maria"), None, "B.docx"),
        (document(""), str.upper, "B.docx"),
        (b"damaged", str.upper, "B.docx"),
    ],
    ids=["concealed", "cannot be concealed", "has none", "is no document"],
)
def test_a_document_has_its_own_title_where_nobody_is_named_by_it(
    tmp_path: Path, content: bytes, conceal: Callable[[str], str] | None, title: str
) -> None:
    export = tmp_path / "e.zip"
    with zipfile.ZipFile(export, "w") as archive:
        archive.writestr("B.docx", content)
    result = enrich_batch(
        [task("B.docx")],
        media_dir=tmp_path / "media",
        attachments={"B.docx": Attachment("B.docx", "x", 0, len(content))},
        exports={"x": export},
        settings=EnrichSettings(),
        conceal=conceal,
    )
    assert [(known.title, known.alt, known.files) for known in result.done] == [(title, "Text document", ())]
    assert not list(tmp_path.glob("media/*"))


def test_a_bad_item_never_stops_the_others(run: Run) -> None:
    files = {
        "good.jpg": picture(),
        "bad.jpg": b"no picture",
        "big.jpg": picture((2000, 2000)),
        "cut.jpg": picture()[:900],
    }
    names = ["bad.jpg", "missing.jpg", "good.jpg", "big.jpg", "cut.jpg", "missing.pdf"]
    result = run([task(name) for name in names] + [task("www.example.com", "url")], files, picture_max_pixels=1_000_000)
    assert [known.value for known in result.done] == ["good.jpg", "www.example.com"]
    assert {failure.key: failure.reason for failure in result.failed} == {
        "key of bad.jpg": "The file is named like a picture but is not one that can be read.",
        "key of missing.jpg": "The chat speaks of this file, but the export does not hold it.",
        "key of big.jpg": "The picture has more than 1000000 pixels (enrich.picture_max_pixels) and was not opened.",
        "key of cut.jpg": "The picture is cut off.",
        "key of missing.pdf": "The chat speaks of this file, but the export does not hold it.",
    }
    assert {failure.error_class for failure in result.failed} == {"permanent"}


def test_a_file_over_the_limit_is_refused_unread(run: Run) -> None:
    result = run([task("a.jpg"), task("a.mp4")], {"a.jpg": bytes(1_500_000), "a.mp4": bytes(1_500_000)}, file_max_mb=1)
    assert [known.value for known in result.done] == ["a.mp4"]
    assert [failure.reason for failure in result.failed] == [
        "The file has 2 MB and the limit is 1 MB (enrich.file_max_mb)."
    ]


def test_an_export_that_is_not_at_hand_waits(tmp_path: Path) -> None:
    result = enrich_batch(
        [task("a.jpg")],
        media_dir=tmp_path / "media",
        attachments={"a.jpg": Attachment("a.jpg", "elsewhere", 0, 5)},
        exports={},
        settings=EnrichSettings(),
        open_member=read_member,
    )
    assert [(failure.error_class, failure.key) for failure in result.failed] == [("transient", "key of a.jpg")]


@pytest.mark.parametrize(
    "error", [BadInput("The ZIP of Maria is encrypted."), OSError(5, "Input/output error", "Maria.zip")]
)
def test_what_cannot_be_read_from_the_export_says_so_without_its_name(tmp_path: Path, error: Exception) -> None:
    def broken(path: Path, member: int, *, limit: int) -> BinaryIO:
        raise error

    (tmp_path / "Maria.zip").write_bytes(b"")
    result = enrich_batch(
        [task("a.jpg")],
        media_dir=tmp_path / "media",
        attachments={"a.jpg": Attachment("a.jpg", "x", 0, 5)},
        exports={"x": tmp_path / "Maria.zip"},
        settings=EnrichSettings(),
        open_member=broken,
    )
    (failure,) = result.failed
    assert failure.error_class == "permanent"
    assert "Maria" not in failure.reason
    assert "damaged" in failure.reason


def test_a_media_folder_that_cannot_be_written_ends_the_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "media").write_bytes(b"")
    with pytest.raises(StreamlinerError, match="cannot be written"):
        run([task("a.jpg")], {"a.jpg": picture()})


def test_attachments_are_read_from_a_real_export(tmp_path: Path) -> None:
    export = tmp_path / "e.zip"
    with zipfile.ZipFile(export, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_chat.txt", "x")
        archive.writestr("a.jpg", picture())
        archive.writestr("a.jpg ", picture((50, 50)))
    result = enrich_batch(
        [task("a.jpg"), task("b.jpg")],
        media_dir=tmp_path / "media",
        attachments={"a.jpg": Attachment("a.jpg", "x", 2, 700), "b.jpg": Attachment("b.jpg", "x", 9, 700)},
        exports={"x": export},
        settings=EnrichSettings(),
    )
    assert [(known.width, known.height) for known in result.done] == [(50, 50)]
    assert [failure.error_class for failure in result.failed] == ["permanent"]

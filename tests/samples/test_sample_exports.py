"""The exports as files: grammar of both platforms, attachments, and the same bytes every time."""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from samples.bundle import write_samples
from samples.people import PEOPLE
from samples.pictures import PICTURES
from samples.sound import checksum, silence

ROOT = Path(__file__).parents[2]
Made = tuple[Path, dict[str, Any]]

_ANDROID = re.compile(r"(\d\d)/(\d\d)/(2026), (\d\d):(\d\d) - (?:([^:]+): )?(.*)", re.DOTALL)
_IOS = re.compile(r"\u200e?\[(\d\d)/(\d\d)/(2026), (\d\d):(\d\d):\d\d\] ([^:]+): (.*)", re.DOTALL)


def _text(folder: Path, name: str) -> str:
    with zipfile.ZipFile(folder / name) as archive:
        (member,) = [entry for entry in archive.namelist() if entry.endswith(".txt")]
        return archive.read(member).decode()


def _entries(text: str, header: re.Pattern[str], end: str) -> list[re.Match[str]]:
    """The text cut before every line that has the header's shape; the whole of it must be entries."""
    starts = [found.start() for found in re.finditer(r"^(?=\u200e?\[?\d\d/\d\d/2026, \d\d:\d\d)", text, re.MULTILINE)]
    assert starts[0] == 0
    entries = []
    for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
        assert text[start:stop].endswith(end)
        found = header.fullmatch(text[start : stop - len(end)])
        assert found, text[start:stop]
        entries.append(found)
    return entries


@pytest.fixture(scope="session")
def android(made: Made) -> list[re.Match[str]]:
    return _entries(_text(made[0], "sample-android.zip"), _ANDROID, "\n")


@pytest.fixture(scope="session")
def ios(made: Made) -> list[re.Match[str]]:
    return _entries(_text(made[0], "sample-ios.zip"), _IOS, "\r\n")


def test_every_entry_has_a_header_and_the_counts_are_those_of_the_facts(
    made: Made, android: list[re.Match[str]], ios: list[re.Match[str]]
) -> None:
    facts = made[1]
    assert len(android) == len(ios) == facts["entries"]
    assert sum(entry[6] is not None for entry in android) == facts["authored"]
    assert {entry[6] for entry in android if entry[6]} == {person["android"] for person in facts["people"]}
    assert {entry[6] for entry in ios} == {facts["group"], *(person["ios"] for person in facts["people"])}
    assert sum(entry[6] != facts["group"] for entry in ios) == facts["ios_authored"]
    for person in facts["people"]:
        assert sum(entry[6] == person["android"] for entry in android) == person["messages"]


def test_both_platforms_tell_the_same_conversation(android: list[re.Match[str]], ios: list[re.Match[str]]) -> None:
    names = {person.ios_name: person.name for person in PEOPLE.values()}
    plain = 0
    for left, right in zip(android, ios, strict=True):
        assert left.group(1, 2, 3, 4, 5) == right.group(1, 2, 3, 4, 5)
        assert left[6] == (None if right[7] == "\u200eMissed group voice call" else names.get(right[6]))
        if left[6] and "\u200e" not in left[7] + right[7] and "@" not in left[7] and left[7] != "<Media omitted>":
            assert left[7] == right[7]
            plain += 1
    assert plain > len(android) * 0.9


def test_only_ios_marks_what_the_app_wrote(ios: list[re.Match[str]], made: Made) -> None:
    for entry in ios:
        if entry[6] == made[1]["group"]:
            assert entry[7].startswith("\u200e")
        if entry[0].startswith("\u200e"):
            assert "<attached: " in entry[7] or entry[7].endswith(" omitted")


def test_phrases_of_both_platforms_occur(android: list[re.Match[str]], ios: list[re.Match[str]]) -> None:
    said = "\n".join(entry[7] for entry in android)
    for phrase in (
        "<Media omitted>",
        " (file attached)",
        "This message was deleted",
        "You deleted this message",
        " <This message was edited>",
        "POLL:\n",
        "location: https://maps.google.com/?q=38.4436,-7.3806",
        "Missed group voice call",
        "joined using a group link.",
        "@447700900142",
        "You added Luca Bertolino",
        "Luca Bertolino left",
    ):
        assert phrase in said, phrase
    typed = "\n".join(entry[7] for entry in ios)
    for phrase in ("image", "video", "audio", "sticker", "GIF"):
        assert f"\u200e{phrase} omitted" in typed
    assert "@\u2068\u202a+44\u00a07700\u00a0900142\u202c\u2069" in typed


@pytest.mark.parametrize("name", ["sample-android.zip", "sample-ios.zip", "sample-android-later.zip"])
def test_zips_are_sound_and_hold_what_the_text_names(made: Made, name: str) -> None:
    with zipfile.ZipFile(made[0] / name) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == sorted(names)
        assert len({entry.date_time for entry in archive.infolist()}) == 1
    text = _text(made[0], name)
    attached = re.findall(r"\u200e(.+) \(file attached\)|<attached: (.+)>", text)
    assert sorted(left or right for left, right in attached) == [each for each in names if not each.endswith(".txt")]
    if "later" not in name:
        assert made[1]["attachments"][name.removeprefix("sample-").removesuffix(".zip")] == sorted(
            left or right for left, right in attached
        )


def test_media_bear_the_names_that_each_platform_gives(made: Made) -> None:
    android, ios = made[1]["attachments"]["android"], made[1]["attachments"]["ios"]
    assert sum(bool(re.fullmatch(r"IMG-2026\d{4}-WA\d{4}\.jpg", name)) for name in android) == 5
    assert sum(bool(re.fullmatch(r"PTT-2026\d{4}-WA\d{4}\.opus", name)) for name in android) == 1
    stamp = r"2026(-\d\d){5}"
    assert sum(bool(re.fullmatch(rf"\d{{8}}-PHOTO-{stamp}\.jpg", name)) for name in ios) == 5
    assert sum(bool(re.fullmatch(rf"\d{{8}}-AUDIO-{stamp}\.opus", name)) for name in ios) == 1
    assert sum(name.endswith((".pdf", ".vcf")) for name in ios) == 2


def test_pictures_open_and_carry_what_publishing_must_remove(made: Made) -> None:
    turned = placed = 0
    sizes = set()
    with zipfile.ZipFile(made[0] / "sample-android.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".jpg"):
                with Image.open(io.BytesIO(archive.read(name))) as image:
                    image.load()
                    assert min(image.size) >= 800
                    sizes.add(image.getexif().get(0x0112, 1))
                    turned += image.getexif().get(0x0112, 1) != 1
                    placed += 1 in image.getexif().get_ifd(0x8825)
    assert turned == len(made[1]["attachments"]["turned"]) == 2
    assert placed == len(made[1]["attachments"]["with_place"]) == 3
    assert sizes == {1, 3, 6}


def test_a_turned_picture_is_upright_once_its_tag_is_obeyed() -> None:
    cat = PICTURES["cat"]
    with Image.open(io.BytesIO(cat.jpeg())) as stored:
        assert stored.size == (1200, 900)
        upright = ImageOps.exif_transpose(stored)
    drawn = cat.draw()
    assert upright.size == drawn.size
    assert max(ImageStat.Stat(ImageChops.difference(upright, drawn)).mean) < 6


def test_the_voice_note_is_a_valid_ogg_stream() -> None:
    data = silence(11)
    position, number, packets, granule = 0, 0, 0, 0
    while position < len(data):
        assert data[position : position + 4] == b"OggS"
        segments = data[position + 26]
        lacing = data[position + 27 : position + 27 + segments]
        size = 27 + segments + sum(lacing)
        page = data[position : position + size]
        blank = page[:22] + bytes(4) + page[26:]
        assert int.from_bytes(page[22:26], "little") == checksum(blank)
        assert int.from_bytes(page[18:22], "little") == number
        if number == 0:
            assert page[5] == 2
            assert page[28:36] == b"OpusHead"
        if number >= 2:
            packets += segments
        granule = int.from_bytes(page[6:14], "little")
        last = page[5] & 4
        position, number = position + size, number + 1
    assert position == len(data)
    assert last
    assert packets == 11 * 50
    assert granule == 11 * 48000


def test_the_crc_is_that_of_the_ogg_definition() -> None:
    assert checksum(b"123456789") == 0x89A1897F


def test_the_document_is_a_pdf_whose_table_points_at_its_objects(made: Made) -> None:
    with zipfile.ZipFile(made[0] / "sample-android.zip") as archive:
        data = archive.read("Contrato_Monte_da_Nora_Marta_Quintela.pdf")
        card = archive.read("Joaquim Caeiro.vcf").decode()
    table = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert data[table:].startswith(b"xref\n")
    offsets = [int(row[:10]) for row in data[table:].split(b"\n") if row.endswith(b" n ")]
    for number, offset in enumerate(offsets, 1):
        assert data[offset:].startswith(b"%d 0 obj\n" % number)
    for length, stream in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", data, re.DOTALL):
        assert len(stream) == int(length)
    assert card.startswith("BEGIN:VCARD\r\n")
    assert "+351 912 345 678" in card


def test_the_later_export_repeats_the_sample_and_adds_to_it(made: Made) -> None:
    sample, later = _text(made[0], "sample-android.zip"), _text(made[0], "sample-android-later.zip")
    assert later.startswith(sample)
    assert 20 <= len(_entries(later[len(sample) :], _ANDROID, "\n")) <= 60


def test_made_twice_the_bytes_are_the_same(made: Made, tmp_path: Path) -> None:
    for path in write_samples(tmp_path / "again"):
        assert path.read_bytes() == (made[0] / path.name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == sorted(made[1]["files"].values())


def test_private_facts_stand_in_the_exports(made: Made) -> None:
    text = _text(made[0], "sample-android.zip")
    private = made[1]["private"]
    with zipfile.ZipFile(made[0] / "sample-android.zip") as archive:
        card = archive.read("Joaquim Caeiro.vcf").decode()
    for value in (*private["names"], *private["emails"], *private["phones"], *private["file_names"]):
        assert value in text + card, value
    assert len(private["name_parts"]) == 14


def test_an_outdir_that_is_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("x")
    done = subprocess.run([sys.executable, "-m", "samples", str(taken)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1

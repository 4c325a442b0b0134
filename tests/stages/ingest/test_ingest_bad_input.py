"""What cannot be read is refused in one sentence, unopened where it is no file, and leaves nothing behind."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput
from stages.ingest.export import ParseOptions, parse_export

KEY = b"k" * 32
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(range(256))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n\n\n", "empty|No line"),
        (b"\xef\xbb\xbf", "empty|No line"),
        (b"just some notes\nof no chat at all\n", "No line begins"),
        (b"1. milk 2\n2. eggs 10:30 maybe\n", "No line begins"),
        (PNG, "picture"),
        (b"\xff\xd8\xff\xe0" + bytes(300), "picture"),
        (b"%PDF-1.7\n" + bytes(300), "PDF"),
        (os.urandom(1) + bytes(range(256)) * 20, "binary"),
        (b'{"messages": []}', "JSON"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"PK\x03\x04 but nothing more", "ZIP"),
        (b"13/03/24, 10:35 qwert - Johannes: word\n", r"Line 1 did not parse \(13/03/24, 10:35 xxxxx - xxx"),
        (b"13/03/1403, 10:35 - Johannes: year\n", "Line 1 has the year 1403"),
        (b"10:35 PM, 07 20 - Johannes: no year\n", "No line begins"),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "input"
    path.write_bytes(content)
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(BadInput, match=words) as caught:
        parse_export(path, folder / "m.parquet", key=KEY)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert list(folder.iterdir()) == []


def test_what_is_not_a_regular_file_is_refused_unopened(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # opening it would wait for a writer for ever
    with pytest.raises(BadInput, match="not a regular file"):
        parse_export(fifo, tmp_path / "m.parquet", key=KEY)
    with pytest.raises(BadInput, match="folder"):
        parse_export(tmp_path, tmp_path / "m.parquet", key=KEY)
    with pytest.raises(BadInput, match="no file"):
        parse_export(tmp_path / "missing.zip", tmp_path / "m.parquet", key=KEY)


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_text("13/03/2024, 10:00 - Ana: hi\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no folder"):
        parse_export(chat, tmp_path / "none" / "m.parquet", key=KEY)
    with pytest.raises(BadInput, match="folder"):
        parse_export(chat, tmp_path, key=KEY)


def test_a_failure_midway_leaves_the_old_result_and_nothing_else(make_zip: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    target = out / "m.parquet"
    target.write_bytes(b"old")
    path = make_zip([("_chat.txt", "13/03/2024, 10:00 - Ana: hi\n" * 9_000)])
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BadInput):
        parse_export(path, target, key=KEY)
    assert [entry.name for entry in out.iterdir()] == ["m.parquet"]
    assert target.read_bytes() == b"old"


def test_messages_out_of_order_leave_no_temporary_files(tmp_path: Path, parse: Callable[..., Any]) -> None:
    lines = [f"13/03/2024, {hour:02}:{minute:02} - Ana: x" for hour in (11, 10) for minute in range(60)]
    parsed = parse("\n".join(lines))
    assert parsed.column("ts") == sorted(parsed.column("ts"))
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["messages.parquet"]


def test_errors_and_warnings_tell_no_names_and_no_texts(tmp_path: Path, parse: Callable[..., Any]) -> None:
    lines = ["secret preamble", "13/03/2024, 10:00 - Zacharias: secret", "1/2/24 9:00 - Zacharias: secret"]
    parsed = parse("\n".join([*lines, "31/02/2024, 10:00 - Zacharias: x"]))
    assert parsed.report.warnings
    assert not any("Zacharias" in warning or "secret" in warning for warning in parsed.report.warnings)


def test_raw_authors_is_off_unless_asked(tmp_path: Path) -> None:
    assert not ParseOptions().raw_authors

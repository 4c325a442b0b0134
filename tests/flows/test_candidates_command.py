"""``streamliner candidates`` from an export to a table, a file and JSON."""

import json
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Streamliner = Callable[..., Any]

# (as the chat writes it, as the ZIP lists it, kind)
FILES = (
    ("relatório final (2).pdf", unicodedata.normalize("NFD", "relatório final (2).pdf"), "document"),
    ("IMG-20260313-WA0001.jpg", "IMG-20260313-WA0001.jpg", "image"),
    ("Übersicht März.xlsx", "media/Übersicht März.xlsx", "document"),
    ("фото с дачи.JPG", "фото с дачи.JPG", "image"),
    ("会议 记录.docx", "会议 记录.docx", "document"),
    ("صورة العائلة.png", "صورة العائلة.png", "image"),
    ("घर का वीडियो.mp4", "घर का वीडियो.mp4", "video"),
    ("PTT-20260313-WA0002.opus", "PTT-20260313-WA0002.opus", "audio"),
    ("notes v1.2.3.txt", "notes v1.2.3.txt", "document"),
)
TEXTS = (
    ("Custou 3.50, ok.Vamos na versão 1.2.3 de example.com.br", []),
    ("(veja www.example.org/a), e https://en.wikipedia.org/wiki/A_(b).", ["www.example.org/a", "https://en.wikipedia.org/wiki/A_(b)"]),
    ("https://münchen.de/straße! e https://example.net/x?id=1&utm_source=chat", ["https://münchen.de/straße", "https://example.net/x?id=1&utm_source=chat"]),
    ("HTTPS://Example.NET/x?fbclid=2&id=1", []),
    ("ftp://example.com/a mailto:x@example.com //example.com", []),
)  # fmt: skip


@pytest.fixture
def messages(tmp_path: Path, streamliner: Streamliner) -> Path:
    """A parsed export with links as people write them and files of any name, two of them sent twice."""
    lines = ["13/03/2026 08:00 - Messages and calls are end-to-end encrypted."]
    said = [text for text, _ in TEXTS] + [f"{name} (file attached)" for name, _, _ in (*FILES, *FILES[:2])]
    lines += [f"13/03/2026 09:{n:02} - Tobias Quandt: {text}" for n, text in enumerate(said)]
    path = tmp_path / "WhatsApp Chat with Tobias Quandt.zip"
    with zipfile.ZipFile(path, "w") as export:
        export.writestr("WhatsApp Chat with Tobias Quandt.txt", "\n".join(lines) + "\n")
        for _, member, _ in FILES:
            export.writestr(member, member.encode())
    streamliner("parse", path, "--out", tmp_path / "m.parquet")
    return tmp_path / "m.parquet"


def test_links_and_files_as_people_write_them(streamliner: Streamliner, messages: Path, tmp_path: Path) -> None:
    done = streamliner("candidates", messages, "--out", tmp_path / "c.parquet", "--json")
    found = pq.read_table(tmp_path / "c.parquet")
    assert found.column_names == ["key", "kind", "value", "first_seq", "n_messages"]
    assert json.loads(done.stdout) == {"candidates": found.num_rows, "out": str(tmp_path / "c.parquet"), "left_out": []}
    rows = found.to_pylist()
    links = [row for row in rows if row["kind"] == "url"]
    assert sorted(row["value"] for row in links) == sorted(link for _, expected in TEXTS for link in expected)
    (twice,) = [row for row in links if row["n_messages"] > 1]
    assert (twice["key"], twice["n_messages"]) == ("https://example.net/x?id=1", 2)
    files = {row["value"]: (row["kind"], row["n_messages"]) for row in rows if row["kind"] != "url"}
    often = {name for name, _, _ in FILES[:2]}
    assert files == {name: (kind, 2 if name in often else 1) for name, _, kind in FILES}


@pytest.mark.parametrize("form", ["{} (file attached)", "\u200e{} (arquivo anexado)", "ios"])
def test_files_without_an_ending_are_those_that_the_zip_lists(
    streamliner: Streamliner, tmp_path: Path, form: str
) -> None:
    names = ["DOC-20260313-WA0001.", "LEIA-ME", "relatório anual"]
    ios = form == "ios"
    said = [("\u200e<attached: {}>" if ios else form).format(name) for name in names]
    said += ["hello (file attached)", "LEIA-ME (em breve)", "LEIA-ME", "<x: LEIA-ME>"]
    head = "[13/03/2026, 09:{:02}:00] Tobias Quandt: {}" if ios else "13/03/2026 09:{:02} - Tobias Quandt: {}"
    with zipfile.ZipFile(tmp_path / "chat.zip", "w") as export:
        lines = [head.format(n, text) for n, text in enumerate(said)]
        export.writestr("_chat.txt" if ios else "WhatsApp Chat with Tobias Quandt.txt", "\n".join(lines) + "\n")
        for name in names:
            export.writestr(unicodedata.normalize("NFD", name), "x")
    streamliner("parse", tmp_path / "chat.zip", "--out", tmp_path / "m.parquet")
    found = json.loads(streamliner("candidates", tmp_path / "m.parquet", "--json").stdout)["candidates"]
    assert [(row["value"], row["kind"], row["first_seq"]) for row in found] == [
        (name, "document", seq) for seq, name in enumerate(names)
    ]
    messages = pq.read_table(tmp_path / "m.parquet").select(["kind", "author"]).to_pylist()
    assert [row["kind"] for row in messages] == ["media"] * 3 + ["text"] * 4
    assert len({row["author"] for row in messages} - {None}) == 1


def test_a_program_gets_the_rows_where_nothing_is_written(streamliner: Streamliner, messages: Path) -> None:
    said = json.loads(streamliner("candidates", messages, "--json").stdout)
    assert list(said) == ["candidates", "left_out"]
    assert list(said["candidates"][0]) == ["key", "kind", "value", "first_seq", "n_messages"]
    assert said["left_out"] == []


def test_what_limits_leave_out_is_said_and_the_file_is_whole(
    streamliner: Streamliner, messages: Path, tmp_path: Path
) -> None:
    limits = {"STREAMLINER_FETCH__MAX_LINKS": "1", "STREAMLINER_ENRICH__MAX_PER_KIND": "3"}
    whole = json.loads(streamliner("candidates", messages, "--json").stdout)["candidates"]
    said = json.loads(streamliner("candidates", messages, "--json", **limits).stdout)
    assert said["candidates"] == whole
    assert said["left_out"] == [
        {"kind": "document", "setting": "enrich.max_per_kind", "candidates": 1},
        {"kind": "url", "setting": "enrich.max_per_kind", "candidates": 1},
        {"kind": "url", "setting": "fetch.max_links", "candidates": 2},
    ]
    output = streamliner("candidates", messages, **limits).stdout.splitlines()
    assert output[-4:] == [
        f"{len(whole)} candidates",
        "1 document is past enrich.max_per_kind and left out; more messages speak of others.",
        "1 link is past enrich.max_per_kind and left out; more messages speak of others.",
        "2 links are past fetch.max_links and left out; more messages speak of others.",
    ]
    (tmp_path / "s.toml").write_text("[enrich]\nmax_per_window = 5\n")
    said = json.loads(streamliner("candidates", messages, "--json", "--config", tmp_path / "s.toml").stdout)
    assert sum(row["candidates"] for row in said["left_out"]) == len(whole) - 5
    assert {row["setting"] for row in said["left_out"]} == {"enrich.max_per_window"}


@pytest.mark.parametrize("name", ["missing.parquet", "folder", "broken.parquet"])
def test_what_holds_no_messages_is_refused_in_one_sentence(streamliner: Streamliner, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    done = streamliner("candidates", tmp_path / name, "--json", check=2)
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_publishing_says_what_limits_left_out_every_time(make_chat: Any, streamliner: Streamliner) -> None:
    chat, limit = make_chat(2), {"STREAMLINER_FETCH__MAX_LINKS": "0"}
    said = json.loads(streamliner("publish", chat, "--archive", "a", "--json", **limit).stdout)
    rows = [{"kind": "url", "setting": "fetch.max_links", "candidates": 1}]
    assert (said["left_out"], said["links_left_out"]) == (rows, 1)
    again = streamliner("publish", chat, "--archive", "a", **limit).stdout
    assert "1 link is past fetch.max_links and left out; more messages speak of others." in again.splitlines()
    said = json.loads(streamliner("publish", chat, "--archive", "a", "--json").stdout)
    assert not {"left_out", "links_left_out"} & set(said)

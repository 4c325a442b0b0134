"""Raw names never reach the disk: neither in the result nor in what is written on the way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stages.archive.schema import MESSAGES
from stages.ingest import order
from stages.ingest.export import parse_export

CHAT = (
    "13/03/2024, 10:05 - Zacharias Quimby: hi from Zacharias, call +55 11 98888-7777\n"
    "13/03/2024, 10:01 - Wilhelmina: thanks @\u2068Zacharias Quimby\u2069, see zq@example.org\n"
    "13/03/2024, 10:06 - Wilhelmina added Ottokar Brandt\n"
    "13/03/2024, 10:07 - Wilhelmina: \u200eZacharias Quimby.vcf (file attached)\n"
    "13/03/2024, 10:08 - Wilhelmina: ottokar is here\n"
)
NAMES = ("Zacharias", "Quimby", "Wilhelmina", "Ottokar", "Brandt", "98888", "example.org", "zacharias", "ottokar")


def _texts(path: Path) -> str:
    return str(pq.read_table(path).to_pylist())


def test_no_raw_name_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat, out = tmp_path / "chat.txt", tmp_path / "out" / "m.parquet"
    chat.write_text(CHAT, encoding="utf-8")
    out.parent.mkdir()
    partial: list[str] = []
    sort = order.OrderedWriter._sort

    def looked_at(writer: order.OrderedWriter, *how: Any) -> None:
        partial.extend(_texts(path) for path in out.parent.glob(".*.part"))
        sort(writer, *how)

    # the lines are out of order, so what is written first is read again
    monkeypatch.setattr(order.OrderedWriter, "_sort", looked_at)
    report = parse_export(chat, out, key=b"k" * 32)
    assert partial
    for written in (_texts(out), *partial, str(report.as_json()), str(report.attachments), str(report.names)):
        assert not [name for name in NAMES if name in written]
    assert report.names
    assert len(report.authors) == 2


def test_the_groups_title_is_nobody(parse: Callable[..., Any]) -> None:
    parsed = parse(
        "[13/03/2024, 10:00:00] Family: \u200eMessages and calls are end-to-end encrypted.\n"
        "[13/03/2024, 10:00:01] Family: \u200eYou created group “Family”\n"
        "[13/03/2024, 10:00:02] Wilhelmina: hello Family\n"
        "[13/03/2024, 10:00:03] Zacharias: \u200eWilhelmina added Ottokar\n"
        "[13/03/2024, 10:00:04] Zacharias: \u200e<attached: 00000974-Joaquim Caeiro.vcf>\n"
        "[13/03/2024, 10:00:05] Wilhelmina: thanks Zacharias, greet Joaquim and Ottokar\n",
        raw_authors=False,
    )
    texts = " ".join(parsed.column("text"))
    assert "hello Family" in texts
    assert "You created group “Family”" in texts
    assert not [name for name in (*NAMES, "Joaquim", "Caeiro") if name in str(parsed.rows)]


def test_the_file_has_the_canonical_columns(tmp_path: Path) -> None:
    chat, out = tmp_path / "chat.txt", tmp_path / "m.parquet"
    chat.write_text(CHAT, encoding="utf-8")
    parse_export(chat, out, key=b"k" * 32)
    assert pq.read_schema(out).equals(MESSAGES)
    table = pq.read_table(out)
    assert table.column("seq").to_pylist() == list(range(5))
    assert table.column("text_bytes").to_pylist() == [len(t.encode()) for t in table.column("text").to_pylist()]


def test_a_person_has_one_pseudonym_in_every_export(tmp_path: Path, parse: Callable[..., Any]) -> None:
    first = parse(CHAT, raw_authors=False)
    second = parse("14/03/2024, 10:00 - Wilhelmina: again\n", raw_authors=False)
    assert second.report.authors[0] in first.report.authors


def test_the_report_has_its_stable_names(parse: Callable[..., Any]) -> None:
    report = parse(CHAT).report.as_json()
    assert list(report) == [
        "platform", "format", "evidence", "ambiguous", "date_order", "counts", "authors", "first_ts", "last_ts",
        "warnings", "chats", "unparsed", "seconds", "peak_rss_mb",
    ]  # fmt: skip
    assert report["platform"] == "whatsapp"
    assert report["format"] == "Android, dd/mm/yyyy, hh:mm -"
    assert (report["first_ts"], report["last_ts"]) == ("2024-03-13T10:01:00+00:00", "2024-03-13T10:08:00+00:00")


def test_people_who_are_mentioned_are_hidden_everywhere(parse: Callable[..., Any]) -> None:
    chat = (
        "14/03/2024, 10:00 - Ana: fala com o José e o Andrè\n"
        "14/03/2024, 10:01 - Ana: @\u2068~\u202fJosé\u2069 e @\u2068Andrè 😂\u2069 vêm\n"
    )
    texts = " ".join(parse(chat, raw_authors=False).column("text"))
    assert "José" not in texts
    assert "Andrè" not in texts

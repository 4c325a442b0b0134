"""DiscordChatExporter's CSV, today's and that of older versions."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.errors import BadInput

Parse = Callable[..., Any]
HEADER = "AuthorID,Author,Date,Content,Attachments,Reactions\n"
SAMPLE = Path(__file__).parents[5] / "shared/fixtures/discord/own/dce_sample.csv"


def test_the_public_sample(parse_file: Parse) -> None:
    if not SAMPLE.is_file():
        return
    parsed = parse_file(SAMPLE, platform="discord")
    assert parsed.report.counts["entries"] == 4
    assert parsed.report.authors == ["Deleted User", "alice", "bob#1234"]
    assert parsed.rows[0]["text"] == 'Hello, "world"\nsecond line'
    assert parsed.rows[0]["reactions"] == 4
    assert parsed.rows[1]["media"] == ["a.png", "b.pdf"]
    assert parsed.rows[3]["ts"].isoformat() == "2024-03-15T17:22:00+00:00"
    assert (parsed.rows[3]["author"], parsed.rows[3]["kind"]) == (None, "system")


def test_addresses_with_commas_and_marks(parse_discord: Parse) -> None:
    urls = "https://cdn.example/1/a,b.png?ex=1&x=,http://y,https://cdn.example/2/c%20d.pdf"
    parsed = parse_discord((HEADER + f'"1","ann","2024-03-15T14:20:00.0000000+00:00","","{urls}",""\n').encode())
    assert parsed.rows[0]["media"][0] == "a,b.png"
    assert parsed.rows[0]["media"][-1] == "c d.pdf"


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("AuthorID;Author;Date;Content;Attachments;Reactions;",
         '"1";"ann#0001";"15-Mar-24 02:20 PM";"a;b";"";"👍 (2)";',
         "2024-03-15T14:20:00"),
        ("Author;Date;Content;Attachments;", '"ann#0001";"15-Mar-24 02:20 PM";"a;b";"";', "2024-03-15T14:20:00"),
        ("Author,Date,Content,Attachments", '"ann#0001","2024-03-15 14:20","a;b",""', "2024-03-15T14:20:00"),
        ("AuthorID,Author,Date,Content,Attachments,Reactions", '"1","ann#0001","3/15/2024 2:20 PM","a;b","",""',
         "2024-03-15T14:20:00"),
        ("AuthorID,Author,Date,Content,Attachments,Reactions", '"1","ann#0001","15.03.2024 14:20","a;b","",""',
         "2024-03-15T14:20:00"),
    ],
)  # fmt: skip
def test_older_versions(parse_discord: Parse, header: str, row: str, expected: str) -> None:
    parsed = parse_discord(f"{header}\r\n{row}\r\n".encode())
    assert parsed.said == [(expected, "ann#0001", "a;b")]
    assert not parsed.report.ambiguous


def test_a_date_that_nothing_settles_is_said(parse_discord: Parse) -> None:
    text = (HEADER + '"1","ann","3/4/2024 2:20 PM","x","",""\n').encode()
    parsed = parse_discord(text)
    assert parsed.report.ambiguous
    assert parse_discord(text, date_order="dmy").said[0][0] == "2024-04-03T14:20:00"


def test_local_dates_follow_the_zone(parse_discord: Parse) -> None:
    text = b'Author,Date,Content,Attachments\n"ann","2024-07-01 12:00","x",""\n'
    assert parse_discord(text, timezone="Europe/Lisbon").said[0][0] == "2024-07-01T11:00:00"


def test_rows_that_are_none_are_counted(parse_discord: Parse) -> None:
    good = '"1","ann","2024-03-15T14:20:00.0000000+00:00","x","",""\n'
    parsed = parse_discord((HEADER + good * 3 + '"1","ann"\n' + good).encode())
    assert parsed.report.counts["entries"] == 4
    assert (parsed.report.unparsed.count, parsed.report.unparsed.where) == (1, "line 5")
    with pytest.raises(BadInput, match="line 2"):
        parse_discord((HEADER + '"1","ann"\n' * 3 + good).encode())


def test_channels_and_partitions_of_a_zip(make_zip: Any, parse_file: Parse) -> None:
    def rows(*texts: str) -> str:
        return HEADER + "".join(f'"1","ann","2024-03-15T14:20:00.0000000+00:00","{text}","",""\n' for text in texts)

    path = make_zip(
        [
            ("G - general [12345] [part 2].csv", rows("c")),
            ("G - random [12346].csv", rows("d")),
            ("G - general [12345].csv", rows("a", "b")),
            ("table.csv", "x,y\n1,2\n"),
        ]
    )
    parsed = parse_file(path, platform="discord")
    assert parsed.column("text") == ["a", "b", "c", "d"]
    assert [(chat["name"], chat["entries"]) for chat in parsed.report.chats] == [("general", 3), ("random", 1)]
    assert parse_file(path, platform="discord", chat="random").column("text") == ["d"]


def test_a_mention_is_hidden_though_nobody_of_that_name_writes(parse_discord: Parse) -> None:
    text = HEADER + '"1","ann","2024-03-15T14:20:00.0000000+00:00","ask @Zebulon or mail a@b.example @everyone","",""\n'
    shown = parse_discord(text.encode(), raw_authors=False).rows[0]["text"]
    assert "Zebulon" not in shown
    assert "@everyone" in shown


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("ask @Bartholomew Quux about it", "about it"),
        ("@Ann Marie Grey see this", "see this"),
        ("hi @ann Thanks a lot", "Thanks a lot"),
        ("@zeb hello there", "hello there"),
    ],
)
def test_every_word_of_a_mentioned_name_is_hidden(said: str, left: str, parse_discord: Parse) -> None:
    rows = [
        '"1","ann","2024-03-15T14:20:00.0000000+00:00","' + said + '","",""',
        '"2","Ann Marie Grey","2024-03-15T14:21:00.0000000+00:00","ok","",""',
    ]
    shown = parse_discord((HEADER + "\n".join(rows) + "\n").encode(), raw_authors=False).rows[0]["text"]
    assert shown.endswith(left)
    for word in ("Bartholomew", "Quux", "Marie", "Grey", "zeb"):
        assert word not in shown
    assert parse_discord((HEADER + "\n".join(rows) + "\n").encode()).rows[0]["text"] == said


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('",\n;'), max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**9), TEXT, st.integers(0, 9)), min_size=1, max_size=20))
def test_what_is_written_is_read_back(parse_discord: Parse, rows: list[tuple[int, str, int]]) -> None:
    # what is exactly a sentence of Discord's is an event
    rows = [(seconds, f"- {content}", reactions) for seconds, content, reactions in rows]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for seconds, content, reactions in rows:
        when = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000+00:00")
        writer.writerow(["7", "ann", when, content, "", f"x ({reactions})" if reactions else ""])
    parsed = parse_discord((HEADER + out.getvalue()).encode())
    marks = dict.fromkeys(map(ord, "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
    assert sorted(parsed.column("text")) == sorted(content.translate(marks) for _, content, _ in rows)
    assert sum(row.get("reactions") or 0 for row in parsed.rows) == sum(reactions for _, _, reactions in rows)

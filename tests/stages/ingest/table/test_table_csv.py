"""CSV files of messages from the user's side: dialects, encodings, damage, mappings, chats."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.ingest.detect import look_at
from stages.ingest.table import csv_file

HEAD = "ts,author,text\n"
MAP = {"ts": "#1", "author": "#2", "text": "#3"}
TWO = [("2024-04-03T10:20:00", "Ana", "hi"), ("2024-04-03T10:21:00", "Bob", "a, b")]


@pytest.fixture
def read(parse: Callable[..., Any]) -> Callable[..., Any]:
    return lambda text, **options: parse(text, **{"platform": "csv", **options})


@pytest.fixture
def known(tmp_path: Path) -> Callable[[str | bytes], bool]:
    def ask(text: str | bytes) -> bool:
        path = tmp_path / "file"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return csv_file.matches(look_at(path))

    return ask


@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_every_delimiter_and_end_of_line(read: Callable[..., Any], delimiter: str, name: str, end: str) -> None:
    rows = [("Date", "Who", "Body"), ("2024-04-03 10:20", "Ana", "hi"), ("2024-04-03 10:21", "Bob", '"a, b"')]
    found = read(end.join(delimiter.join(row) for row in rows) + end, mapping={"author": "Who"})
    assert found.said == TWO
    assert found.report.format == f"CSV, {name}, ts=Date, author=Who, text=Body"
    assert found.report.evidence == "columns as mapped, columns by name, year first"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_every_encoding_and_a_guess_is_said(read: Callable[..., Any], encoding: str) -> None:
    text = "Datum;Absender;Nachricht\r\n" + "13.04.2024 10:20;Jürgen;Schöne Grüße für Zoë\r\n" * 3
    found = read(text.encode(encoding))
    assert found.said[0] == ("2024-04-13T10:20:00", "Jürgen", "Schöne Grüße für Zoë")
    assert any("guess" in sentence for sentence in found.report.warnings) == (encoding == "cp1252")


def test_an_accent_that_comes_late_is_still_seen(read: Callable[..., Any]) -> None:
    text = HEAD + "2024-04-03 10:20,Ana,plain words\n" * 12_000 + "2024-04-03 10:20,Zoë,São João\n"
    found = read(text.encode("cp1252"))
    assert found.said[-1][1:] == ("Zoë", "São João")
    found = read(text.encode() + b"2024-04-03 10:20,Ana,broken \xff\n")
    assert found.said[-1][2] == "broken \ufffd"
    assert found.report.warnings == ["1 bytes are no UTF-8; they were read as U+FFFD."]


def test_quotes_line_breaks_and_delimiters_inside_a_text(read: Callable[..., Any]) -> None:
    found = read(HEAD + '2024-04-03 10:20,Ana,"one\r\ntwo, ""three""\n\nfour"\n2024-04-03 10:21,"Bob, Jr.",""\n')
    assert found.said == [
        ("2024-04-03T10:20:00", "Ana", 'one\ntwo, "three"\n\nfour'),
        ("2024-04-03T10:21:00", "Bob, Jr.", ""),
    ]


def test_backslashes_escape_where_the_file_does_so(read: Callable[..., Any]) -> None:
    found = read(HEAD + '2024-04-03 10:20,Ana,"he said \\"hi\\", ok"\n2024-04-03 10:21,Bob,"C:\\\\x"\n')
    assert found.column("text") == ['he said "hi", ok', "C:\\x"]


def test_the_line_that_excel_writes_first(read: Callable[..., Any]) -> None:
    assert read("sep=;\r\nDate;Who;Body\r\n2024-04-03 10:20;Ana;hi\r\n", mapping={"author": "Who"}).said == TWO[:1]


def test_rows_of_another_length_are_counted_and_never_shifted(read: Callable[..., Any]) -> None:
    good = "2024-04-03 10:20,Ana,fine\n" * 6
    found = read(
        HEAD
        + "\n"
        + good
        + "2024-04-03 10:20,Ana,one, two\n,,\n2024-04-03 10:20\n"
        + good
        + "2024-04-03 10:20,Ana,x,,\n"
    )
    assert found.column("text") == ["fine"] * 12 + ["x"]
    assert found.report.as_json()["unparsed"] == {
        "count": 2,
        "first": "row 9",
        "looks_like": "2024-04-03 10:20,xxx,xxx, xxx",
    }
    assert any(
        "2 rows have more or fewer fields" in sentence and "row 9" in sentence for sentence in found.report.warnings
    )


def test_missing_fields_behind_the_needed_ones_are_empty_and_said(read: Callable[..., Any]) -> None:
    found = read("ts,author,text,media\n2024-04-03 10:20,Ana,hi,a.png\n2024-04-03 10:21,Bob,yo\n")
    assert found.column("media") == [["a.png"], []]
    assert found.report.warnings == [
        "1 rows have fewer fields than the header, the first is row 3; the missing ones were taken as empty."
    ]


def test_a_quote_that_is_never_closed_costs_its_own_row(read: Callable[..., Any]) -> None:
    row = '2024-04-03 10:20,Ana,"a, b"\n'
    found = read(HEAD + row * 3 + '2024-04-03 10:21,Bob,"oops\n' + row * 3)
    assert found.column("text") == ["a, b"] * 6
    assert found.report.as_json()["unparsed"]["first"] == "row 5"


def test_times_that_are_none_are_counted_by_row(read: Callable[..., Any]) -> None:
    found = read(HEAD + "2024-04-03 10:20,Ana,hi\nsoon,Bob,secret\n2024-04-03 10:21,Ana,yo\n")
    assert found.column("text") == ["hi", "yo"]
    assert found.report.as_json()["unparsed"] == {"count": 1, "first": "row 3", "looks_like": "xxxx"}
    with pytest.raises(BadInput, match=r"Row 3 did not parse.*2 of 3 rows") as refused:
        read(
            HEAD + "2024-04-03 10:20,Ana,hi\nsoon,Bob,secret\nlater,Bob,x\n",
            mapping={"ts": "ts", "author": "author", "text": "text"},
        )
    assert "secret" not in str(refused.value)


def test_nuls_and_a_very_long_text(read: Callable[..., Any]) -> None:
    long = "wörd, " * 200_000
    found = read(HEAD + f'2024-04-03 10:20,Ana,"{long}"\n2024-04-03 10:21,Bob,a\0b\n', block_bytes=1 << 16)
    assert found.column("text") == [long, "a\ufffdb"]
    assert found.report.warnings == ["1 NUL characters were read as U+FFFD."]


def test_a_file_without_a_header_needs_numbers(read: Callable[..., Any]) -> None:
    text = '2024-04-03 10:20,Ana,hi\n2024-04-03 10:21,Bob,"a, b"\n'
    assert read(text, mapping=MAP).said == TWO
    with pytest.raises(
        BadInput, match=r"has no header, and its columns are #1 to #3.*--map ts=#1,author=#2,text=#3"
    ) as refused:
        read(text)
    assert "Ana" not in str(refused.value)


def test_numbers_name_columns_below_a_header_too(read: Callable[..., Any]) -> None:
    assert read("x,y,y\n2024-04-03 10:20,Ana,hi\n", mapping=MAP).said == TWO[:1]
    with pytest.raises(BadInput, match=r"2 columns 'y'.*#2 or #3"):
        read("x,y,y\n2024-04-03 10:20,Ana,hi\n", mapping={"ts": "x", "author": "y", "text": "#3"})


def test_a_column_that_is_none_is_refused_with_those_that_are(read: Callable[..., Any]) -> None:
    with pytest.raises(BadInput, match="no column 'Datum' for ts; its columns are ts; author; text"):
        read(HEAD + "2024-04-03 10:20,Ana,hi\n", mapping={"ts": "Datum"})


@pytest.mark.parametrize(
    "text", ["ts,author,text\n", "sku,price\n1,2\n3,4\n", "just words\nand more\n", "a\n1\n2\n"],
    ids=["no_rows", "no_chat", "prose", "one_column"],
)  # fmt: skip
def test_what_is_no_chat_is_refused(read: Callable[..., Any], text: str) -> None:
    with pytest.raises(BadInput):
        read(text)


def test_optional_columns_become_what_they_mean(read: Callable[..., Any]) -> None:
    found = read(
        "id,created_at,user,content,type,reply_to,is_edited,reactions,attachments\n"
        "a1,2024-04-03T10:20:00Z,Ana,hi,message,,false,3,\n"
        'a2,2024-04-03T10:21:00Z,Bob,yo,image,a1,True,"{""👍"": 2, ""x"": [""p"", ""q""]}",a.jpg; b.jpg\n'
        "a3,2024-04-03T10:22:00Z,Cy,,join,,no,,\n"
        "a4,2024-04-03T10:23:00Z,,Cy left,leave,,0,,\n"
        'a5,2024-04-03T10:24:00Z,Ana,see,message,a2,1,👍 (3),"[""c.png""]"\n'
        "a6,2024-04-03T10:25:00Z,Ana,gone,revoked,zz,no,,\n"
    )
    ids = found.column("message_id")
    assert found.column("kind") == ["text", "media", "system", "system", "media", "deleted"]
    assert found.column("author") == ["Ana", "Bob", None, None, "Ana", "Ana"]
    assert found.column("text") == ["hi", "yo", "Cy: join", "Cy left", "see", "gone"]
    assert found.column("media") == [[], ["a.jpg", "b.jpg"], [], [], ["c.png"], []]
    assert found.column("reply_to") == [None, ids[0], None, None, ids[1], None]
    assert found.column("edited") == [False, True, False, False, True, False]
    assert found.column("reactions") == [3, 4, None, None, 3, None]


def test_ids_that_a_tool_wrote_as_decimals_are_found(read: Callable[..., Any]) -> None:
    found = read("id,ts,author,text,reply_to\n1,2024-04-03 10:20,Ana,hi,\n2,2024-04-03 10:21,Bob,yo,1.0\n")
    assert found.column("reply_to") == [None, found.rows[0]["message_id"]]


def test_several_chats_in_one_table(read: Callable[..., Any]) -> None:
    text = "channel,ts,author,text\n" + "".join(
        f"{'dev' if at % 3 else 'general'},2024-04-03 10:{at:02d},Ana,m{at}\n" for at in range(30)
    )
    found = read(text)
    assert found.column("text") == [f"m{at}" for at in range(30)]
    assert [(chat["number"], chat["name"], chat["entries"]) for chat in found.report.chats] == [
        (1, "general", 10), (2, "dev", 20),
    ]  # fmt: skip
    for picked in ("2", "dev", "DEV"):
        assert read(text, chat=picked).column("text") == [f"m{at}" for at in range(30) if at % 3]
    with pytest.raises(BadInput, match="it holds 2 chats"):
        read(text, chat="ops")


def test_two_exports_that_overlap_have_the_same_ids(read: Callable[..., Any]) -> None:
    rows = ["2024-04-03 10:20,Ana,hi\n", "2024-04-03 10:20,Ana,hi\n", '2024-04-03 10:21,Bob,"a, b"\n']
    first = read(HEAD + "".join(rows)).column("message_id")
    assert len(set(first)) == 3
    other = (
        "text;ts;author\n" + "hi;03.04.2024 10:20;Ana\n" * 2 + "a, b;03.04.2024 10:21;Bob\nyo;13.04.2024 10:21;Bob\n"
    )
    assert read(other).column("message_id")[:3] == first


def test_names_are_hidden_in_texts_also_of_those_who_write_later(parse: Callable[..., Any]) -> None:
    found = parse(
        HEAD + "2024-04-03 10:20,Ana Silva,ask Zoltan Nagy\n2024-04-03 10:21,Zoltan Nagy,hi\n",
        platform="csv", raw_authors=False,
    )  # fmt: skip
    assert "Zoltan" not in str(found.rows)
    assert "Zoltan" not in str(found.report.as_json())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "2024-04-03 10:20,Ana,hi\n", True),
        ("Date;Time;Sender;Message\n03/04/2024;10:20;Ana;hi\n", True),
        ("AuthorID,Author,Date,Content,Attachments,Reactions\n1,a,2024-04-03T10:20:00Z,hi,,\n", False),
        ("03/04/2024, 10:20 - Ana: hi, there\n03/04/2024, 10:21 - Bob: yo, you\n", False),
        ("[03/04/2024, 10:20:11] Ana: one, two\n[03/04/2024, 10:21:11] Bob: yo, you\n", False),
        ("sku,price,qty\n1,2,3\n", False),
        ("dear text, author, and date\nit was nice\nbye\n", False),
        ('{"ts":1,"author":"a","text":"b"}\n', False),
        (b"PAR1" + bytes(60), False),
    ],
    ids=["plain", "semicolon", "discord", "whatsapp_android", "whatsapp_ios", "goods", "prose", "json", "parquet"],
)  # fmt: skip
def test_only_a_table_of_messages_is_known(known: Callable[..., bool], text: str | bytes, expected: bool) -> None:
    assert known(text) is expected


WORDS = st.text(alphabet='abé ,;"\n\t|=#', min_size=1, max_size=15).map(str.strip).filter(bool)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["Ana", "Bob, Jr.", 'C "X" D']), WORDS), min_size=1, max_size=30
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d %b %Y %H:%M:%S"]),
    st.sampled_from([64, 1 << 20]),
)
def test_any_chat_is_read_back(
    read: Callable[..., Any], rows: list[tuple[int, str, str]], delimiter: str, form: str, block: int
) -> None:
    start = datetime(2024, 4, 13, 10, 20)
    times = [start + timedelta(seconds=second) for second, _, _ in rows]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["Date", "Author", "Text"])
    for time, (_, author, text) in zip(times, rows, strict=True):
        writer.writerow([time.strftime(form), author, text])
    found = read(out.getvalue(), block_bytes=block)
    expected = sorted(
        (
            (time.strftime("%Y-%m-%dT%H:%M:%S"), author, text)
            for time, (_, author, text) in zip(times, rows, strict=True)
        ),
        key=lambda row: row[0],
    )
    assert found.said == expected
    assert found.report.counts["entries"] == len(rows)

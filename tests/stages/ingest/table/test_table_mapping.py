"""Which column is what: as mapped on the command line, and as guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.ingest.table.guess import guess
from stages.ingest.table.mapping import FIELDS, parse_mapping

ROW = ["2024-04-03 10:20", "Ana", "hello there"]


def _guessed(*columns: str, rows: list[list[str | None]]) -> dict[str, str]:
    found = guess(columns, rows, what="The CSV")
    return {field: "+".join(columns[at] for at in positions) for field, positions in found.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ts=Date,author=Who,text=Body", {"ts": "Date", "author": "Who", "text": "Body"}),
        (' TS = Sent at , author=#2,text="Body, long"', {"ts": "Sent at", "author": "#2", "text": "Body, long"}),
        ("ts=a=b,author=c d", {"ts": "a=b", "author": "c d"}),
        ('"text=Body, long",ts=x', {"text": "Body, long", "ts": "x"}),
        ('text="a ""b"""', {"text": 'a "b"'}),
        ("ts=Date+Time", {"ts": "Date+Time"}),
    ],
    ids=["plain", "spaces", "equals", "quoted_pair", "quotes", "two_columns"],
)
def test_a_mapping_is_read_as_written(text: str, expected: dict[str, str]) -> None:
    assert parse_mapping(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("when=Date", "no field 'when'; there are ts, author, text"),
        ("ts=a,ts=b", "ts twice"),
        ("ts=", "no column for ts"),
        ("Date", "takes pairs"),
        ("", "takes pairs"),
        ("ts=a,", "takes pairs"),
    ],
    ids=["unknown", "twice", "empty", "no_pair", "nothing", "comma_at_end"],
)
def test_a_mapping_that_is_none_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_mapping(text)


@settings(deadline=None, max_examples=80)
@given(st.dictionaries(st.sampled_from(FIELDS), st.text(min_size=1, max_size=12).filter(str.strip), min_size=1))
def test_any_column_can_be_named(mapping: dict[str, str]) -> None:
    escaped = {field: name.replace('"', '""') for field, name in mapping.items()}
    assert parse_mapping(",".join(f'{field}="{name}"' for field, name in escaped.items())) == mapping


@pytest.mark.parametrize(
    "header",
    ["Timestamp,Sender,Message", "created at,user,body", "Datum,Absender,Nachricht", "data_hora,remetente,mensagem",
     "fecha,remitente,mensaje", "Horodatage,Expéditeur,Contenu", "sent_at,nickname,msg", "DATE,FROM,CONTENT"],
    ids=["en", "spaces", "de", "pt", "es", "fr", "short", "upper"],
)  # fmt: skip
def test_well_known_names_are_known_in_any_case_and_language(header: str) -> None:
    columns = header.split(",")
    assert _guessed(*columns, rows=[ROW] * 3) == dict(zip(("ts", "author", "text"), columns, strict=True))


def test_a_date_and_a_time_in_two_columns_belong_together() -> None:
    rows: list[list[str | None]] = [["03/04/2024", "10:20", "Ana", "hi"], ["04/04/2024", "10:21", "Bob", "yo"]]
    assert _guessed("Date", "Time", "Author", "Text", rows=rows)["ts"] == "Date+Time"


def test_a_full_time_beside_a_date_is_the_one() -> None:
    rows: list[list[str | None]] = [["2024-04-03", "2024-04-03T10:20:00Z", "Ana", "hi"]]
    assert _guessed("date", "timestamp", "author", "text", rows=rows)["ts"] == "timestamp"


def test_ids_stand_back_behind_names() -> None:
    rows: list[list[str | None]] = [["7", "Ana", "7", *ROW[:1], "hi"]]
    found = _guessed("author_id", "author_name", "sender", "ts", "text", rows=[["7", "Ana", "Ana", ROW[0], "hi"]])
    assert found["author"] == "author_name"
    with pytest.raises(BadInput, match="could hold the author"):
        _guessed("author_id", "author_name", "sender", "ts", "text", rows=rows)


@pytest.mark.parametrize(
    ("columns", "row", "said"),
    [
        (("ts", "author", "message", "text"), [ROW[0], "Ana", "a b", "c d"], "--map text=message or --map text=text"),
        (("ts", "user", "name", "text"), [ROW[0], "u1", "Ana", "c d"], "--map author=user or --map author=name"),
        (("created_at", "sent_at", "author", "text"), [ROW[0], "2024-04-04 10:20", "A", "b"], "--map ts="),
    ],
    ids=["text", "author", "time"],
)  # fmt: skip
def test_two_columns_that_could_be_it_are_refused(columns: tuple[str, ...], row: list[str | None], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        _guessed(*columns, rows=[row])


def test_two_columns_that_say_the_same_are_no_conflict() -> None:
    rows: list[list[str | None]] = [["2024-04-03T10:20:00Z", "1712139600", "Ana", "hi"]]
    assert _guessed("datetime", "timestamp", "author", "text", rows=rows)["ts"] == "datetime"


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (("sku", "price", "qty"), ["a", "1", "2"]),
        (("date", "name", "amount"), ["2024-04-03", "Ana", "12.50"]),
        (("ts", "author", "text"), ["soon", "Ana", "hi"]),
    ],
    ids=["goods", "payments", "no_time"],
)
def test_a_table_that_is_no_chat_is_refused_with_its_columns(columns: tuple[str, ...], row: list[str | None]) -> None:
    with pytest.raises(BadInput, match=f"its columns are {columns[0]}.*--map"):
        _guessed(*columns, rows=[row] * 6)


def test_optional_columns_are_taken_where_their_values_fit() -> None:
    columns = ("id", "ts", "author", "text", "channel", "type", "edited", "reply_to", "reactions", "attachments")
    rows: list[list[str | None]] = [
        [str(at), ROW[0], "Ana", f"text {at}", "general", "image", "no", None, "2", "a.png"] for at in range(5)
    ]
    found = _guessed(*columns, rows=rows)
    assert set(found) == {*FIELDS} - {"topic"}
    odd = [[*row[:5], "z-9", "maybe", *row[7:]] for row in rows]
    assert not {"kind", "edited"} & set(_guessed(*columns, rows=odd))

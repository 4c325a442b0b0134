"""signal-export's Markdown of every version, and texts that look like it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.errors import BadInput
from stages.ingest.detect import look_at
from stages.ingest.signal import matches

Parse = Callable[..., Any]
FIXTURES = Path(__file__).parents[5] / "shared/fixtures"


@pytest.fixture
def parse_signal(tmp_path: Path, parse_file: Parse) -> Parse:
    def run(text: str | bytes, **options: Any) -> Any:
        path = tmp_path / "chat.md"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse_file(path, platform="signal", **options)

    return run


def test_the_public_samples(parse_file: Parse) -> None:
    sample = FIXTURES / "signal/signal-export/readme_sample.md"
    if not sample.is_file():
        return
    parsed = parse_file(sample, platform="signal")
    assert [(at, author) for at, author, _ in parsed.said] == [
        ("2019-05-29T15:04:00", "Me"), ("2019-05-29T15:10:00", "Aya"), ("2019-05-29T15:20:00", "Jim"),
    ]  # fmt: skip
    parsed = parse_file(FIXTURES / "signal/chat-miner/test_export.txt", platform="signal")
    assert parsed.said == [
        ("2019-12-24T12:23:00", "Jane Doe", "Hello John!"), ("2020-01-17T21:49:00", "John Doe", "Hello\nJane!"),
    ]  # fmt: skip


def test_no_public_sample_of_another_app_is_taken() -> None:
    for path in sorted(FIXTURES.rglob("*.*")) if FIXTURES.is_dir() else []:
        if path.suffix in (".txt", ".md", ".json", ".csv", ".zip"):
            assert matches(look_at(path)) == ("signal" in path.parts), path


@pytest.mark.parametrize("stamp", ["[2023-01-02, 10:00]", "[2023-01-02 10:00]", "[2023-01-02 10:00:00]"])
def test_every_version_of_the_header(parse_signal: Parse, stamp: str) -> None:
    parsed = parse_signal(f"{stamp} Me: one\n{stamp} Aya: two: three\n")
    assert [(author, text) for _, author, text in parsed.said] == [("Me", "one"), ("Aya", "two: three")]
    assert parsed.said[0][0] == "2023-01-02T10:00:00"
    assert parsed.report.format.endswith(stamp.replace("2023", "yyyy").replace("01-02", "mm-dd")
                                         .replace("10:00:00", "hh:mm:ss").replace("10:00", "hh:mm"))  # fmt: skip


def test_a_message_is_taken_apart_as_it_was_put_together(parse_signal: Parse) -> None:
    text = (
        "[2024-05-06 07:08:09] Aya: Look at `this`\n\n  second *part*  \n\n"
        "[2024-05-06 07:09:00] Jim: \n\n> Look at `this`\n> \n>   second *part*\n\nNice  \n"
        "(- Aya: 👍, Me: ❤️ -)![2024-05-06T07-09-00.123_00_a_(1).jpg](./media/2024-05-06T07-09-00.123_00_a_(1).jpg)  "
        "[2024-05-06T07-09-00.123_01_b.pdf](./media/2024-05-06T07-09-00.123_01_b.pdf)  \n\n"
        "[2024-05-06 07:10:00] Aya:   \n(( 😀 ))\n\n"
        "[2024-05-06 07:11:00] Aya:   [😀](../exported_stickers/abc/3.webp)  \n\n"
        "[2024-05-06 07:12:00] Aya: (This message was deleted)\n\n"
        "[2024-05-06 07:13:00] Jim: Incoming voice call (accepted, 3m 2s)  \n\n"
        "[2024-05-06 07:14:00] Jim:   (media not exported)  \n\n"
        "[2024-05-06 07:15:00] No-Sender:   \n\n"
        "[2024-05-06 07:16:00] Me: [a link](https://example.org/x)  \n\n"
    )
    parsed = parse_signal(text)
    rows = parsed.rows
    assert [(row["kind"], row["text"]) for row in rows] == [
        ("text", "Look at `this`\n\n  second *part*"),
        ("media", "> Look at `this`\n>\n>   second *part*\n\nNice"),
        ("media", "😀"),
        ("media", "😀"),
        ("deleted", "(This message was deleted)"),
        ("call", "Incoming voice call (accepted, 3m 2s)"),
        ("media", "(media not exported)"),
        ("system", "An event that the export does not describe."),
        ("text", "[a link](https://example.org/x)"),
    ]
    assert rows[1]["media"] == ["2024-05-06T07-09-00.123_00_a_(1).jpg", "2024-05-06T07-09-00.123_01_b.pdf"]
    assert rows[3]["media"] == ["exported_stickers/abc/3.webp"]
    assert rows[1]["reactions"] == 2
    assert rows[1]["reply_to"] == rows[0]["message_id"]
    assert rows[7]["author"] is None
    assert parsed.report.warnings == []


def test_a_quote_of_what_came_twice_or_never_answers_nobody(parse_signal: Parse) -> None:
    text = "".join(
        f"[2024-05-06 07:0{number}:00] Me: {body}\n\n"
        for number, body in enumerate(
            ["yes  ", "no  ", "yes  ", "\n\n> yes\n\na  ", "\n\n> no\n\nb  ", "\n\n> Photo\n\nc  "]
        )
    )
    rows = parse_signal(text).rows
    assert [row["reply_to"] for row in rows] == [None, None, None, None, rows[1]["message_id"], None]


def test_pasted_headers_stay_text(parse_signal: Parse) -> None:
    text = (
        "[2024-05-06 07:08:09] Me: look at the log\n[2023-01-01 00:00:00] ERROR: it broke\n"
        "[1.2.2019, 00:00:00] John Doe: hi\n[2023-01-01, 00:00] Zoe: hello  \n\n"
        "[2024-05-06 07:09:00] Aya: oh  \n\n[2024-05-06 07:10:00] Me: yes  \n\n"
        + "".join(f"[2024-05-06 07:1{n}:30] Aya: more  \n\n" for n in range(8))
    )
    parsed = parse_signal(text)
    assert parsed.report.authors == ["Aya", "Me"]
    assert parsed.report.counts["entries"] == 11
    assert any("2 lines begin like a message" in warning for warning in parsed.report.warnings)


def test_a_step_back_in_time_is_said(parse_signal: Parse) -> None:
    text = "[2024-05-06, 07:08] Me: a\n[2023-01-01, 00:00] ERROR: b\n[2024-05-06, 07:09] Aya: c\n"
    parsed = parse_signal(text)
    assert any("line 2" in warning and "steps back" in warning for warning in parsed.report.warnings)


def test_an_older_and_a_newer_export_in_one_file(parse_signal: Parse) -> None:
    text = "".join(f"[2023-01-0{n}, 10:00] Me: old {n}\n" for n in range(1, 6))
    text += "".join(f"[2024-01-0{n} 10:00:00] Me: new {n}\n" for n in range(1, 6))
    assert parse_signal(text).report.counts["entries"] == 10


def test_a_date_that_does_not_exist_is_counted(parse_signal: Parse) -> None:
    text = "[2023-01-01, 10:00] Me: a\n[2023-02-30, 10:00] Aya: b\n[2023-03-01, 10:00] Me: c\n"
    parsed = parse_signal(text)
    assert parsed.report.counts["entries"] == 2
    assert (parsed.report.unparsed.count, parsed.report.unparsed.where) == (1, "line 2")
    assert "Aya" not in parsed.report.unparsed.looks_like


def test_line_ends_marks_and_encodings(parse_signal: Parse) -> None:
    text = "[2024-05-06 07:08:09] Me: a\nb  \n\n[2024-05-06 07:09:00] Åsa: \u200ec  \n\n"
    expected = [("Me", "a\nb"), ("Åsa", "c")]
    for data in (text.encode(), text.replace("\n", "\r\n").encode(), text.encode("utf-8-sig"), text.encode("utf-16")):
        assert [(author, said) for _, author, said in parse_signal(data).said] == expected


def test_times_are_local(parse_signal: Parse) -> None:
    parsed = parse_signal("[2024-07-01, 12:00] Me: a\n", timezone="Europe/Lisbon")
    assert parsed.said[0][0] == "2024-07-01T11:00:00"


def test_names_are_hidden_also_of_those_who_only_react(parse_signal: Parse) -> None:
    text = (
        "[2024-05-06 07:08:09] AyaStorm: ask Zebulon  \n(- Zebulon: 👍 -)\n\n"
        "[2024-05-06 07:09:00] Me: Aya Storm said so  \n\n"
    )
    shown = parse_signal(text, raw_authors=False)
    assert all("Zebulon" not in text and "Storm" not in text for text in shown.column("text"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[2019-05-29, 15:04] Ann: hi\n[2019-05-29, 15:05] Bob: ho\n", True),
        ("[2019-05-29, 15:04:00] Ann: hi\n[2019-05-29, 15:05:00] Bob: ho\n", False),
        ("[2019-05-29 15:04:00] Ann: hi\n[2019-05-29 15:05:00] Bob: ho\n", False),
        ("[2019-05-29 15:04:00] Ann: hi\n\u200e[2019-05-29 15:05:00] Me: \u200eimage omitted\n", False),
        ("[2019-05-29 15:04:00] Ann: hi  \n\n[2019-05-29 15:05:00] Bob: ho  \n\n", True),
        ("[2019-05-29 15:04:00] Ann: ![a.jpg](./media/a.jpg)\n", True),
        ("[2019-05-29 15:04:00] Ann: hi\n[2019-05-29 15:05:00] Me: ho\n", True),
        ("29/05/2019, 15:04 - Ann: hi\n29/05/2019, 15:05 - Bob: ho\n[2019-05-29, 15:04] Z: q\n", True),
        ("[29.05.19, 15:04:00] Ann: hi\n[29.05.19, 15:05:00] Bob: ho\n[2019-05-29, 15:04] Z: q\n", False),
        ("# Notes\n\nnothing here\n", False),
    ],
    ids=range(10),
)
def test_what_is_taken_for_signal(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text)
    assert matches(look_at(path)) == expected


def test_another_tools_text_is_refused_by_its_name(tmp_path: Path, parse_signal: Parse) -> None:
    text = "[Mar 15, 2024 10:00:00] <Ann> hi\n[Mar 15, 2024 10:01:00] *** <Ann> sent file\n"
    with pytest.raises(BadInput, match="signalbackup-tools"):
        parse_signal(text)
    assert matches(look_at(tmp_path / "chat.md"))


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cf")) | st.just("\n"), max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["Me", "Aya", "Jim B"]), WORDS), min_size=2, max_size=12),
    st.sampled_from(["%Y-%m-%d, %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]),
)
def test_what_is_written_is_read_back(parse_signal: Parse, messages: list[tuple[int, str, str]], stamp: str) -> None:
    # what reads as a quote, a call or a deleted message is told apart elsewhere
    messages = [(at * 1000, who, text.replace(">", "")) for at, who, text in sorted(messages)]
    lines = [f"[{datetime.fromtimestamp(at, UTC).strftime(stamp)}] {who}: {text}  \n\n" for at, who, text in messages]
    parsed = parse_signal("".join(lines))
    expected = [(who, text.rstrip().strip("\n")) for _, who, text in messages]
    assert [(author, text) for _, author, text in parsed.said] == expected

"""Chats written in every shape are read back equal, by the column-wise reader and by a naive one line by line."""

import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stages.ingest.export import ParseOptions, parse_export

KEY = b"k" * 32


class Shape(NamedTuple):
    """How a phone writes a header: date and time as strftime (``%-d`` allowed), what ends it, and its line's mark."""

    name: str
    write: Callable[[datetime], str]
    seconds: bool
    pattern: str


def _number(value: int, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in str(value))


def _twelve(t: datetime) -> str:
    return f"{t.hour % 12 or 12}:{t:%M}"


def _half(t: datetime, before: str, after: str) -> str:
    return before if t.hour < 12 else after


def _arabic(t: datetime) -> str:
    minute = "".join(_number(int(digit), "٠") for digit in f"{t:%M}")
    date = "\u200f/".join(_number(value, "٠") for value in (t.day, t.month, t.year))
    return f"{date}، {_number(t.hour % 12 or 12, '٠')}:{minute} {_half(t, 'ص', 'م')} - "


DAY = r"\d\d?"
SHAPES = [
    Shape("android", lambda t: f"{t:%d/%m/%Y}, {t:%H:%M} - ", False, r"\d\d/\d\d/\d{4}, \d\d:\d\d - "),
    Shape(
        "android short", lambda t: f"{t.month}/{t.day}/{t:%y}, {t:%H:%M} - ", False, rf"{DAY}/{DAY}/\d\d, \d\d:\d\d - "
    ),
    Shape(
        "android narrow space",
        lambda t: f"{t.month}/{t.day}/{t:%y}, {_twelve(t)}\u202f{_half(t, 'AM', 'PM')} - ",
        False,
        rf"{DAY}/{DAY}/\d\d, {DAY}:\d\d" + "\u202f[AP]M - ",
    ),
    Shape(
        "android es",
        lambda t: f"{t.day}/{t.month}/{t:%Y}, {_twelve(t)} {_half(t, 'a', 'p')}.\u00a0m. - ",
        False,
        rf"{DAY}/{DAY}/\d{{4}}, {DAY}:\d\d [ap]." + "\u00a0m. - ",
    ),
    Shape("ios", lambda t: f"[{t:%d/%m/%Y}, {t:%H:%M:%S}] ", True, r"\[\d\d/\d\d/\d{4}, \d\d:\d\d:\d\d\] "),
    Shape(
        "ios us",
        lambda t: f"[{t.month}/{t.day}/{t:%y}, {_twelve(t)}:{t:%S}\u202f{_half(t, 'AM', 'PM')}] ",
        True,
        rf"\[{DAY}/{DAY}/\d\d, {DAY}:\d\d:\d\d" + "\u202f[AP]M\\] ",
    ),
    Shape("iso", lambda t: f"{t:%Y-%m-%d}, {t:%H:%M} - ", False, r"\d{4}-\d\d-\d\d, \d\d:\d\d - "),
    Shape("dots", lambda t: f"{t:%d.%m.%y}, {t:%H:%M} - ", False, r"\d\d\.\d\d\.\d\d, \d\d:\d\d - "),
    Shape("french", lambda t: f"{t:%d/%m/%Y} à {t:%H:%M} - ", False, r"\d\d/\d\d/\d{4} à \d\d:\d\d - "),
    Shape(
        "finnish",
        lambda t: f"{t.day}.{t.month}.{t:%Y} klo {t:%H.%M} - ",
        False,
        rf"{DAY}\.{DAY}\.\d{{4}} klo \d\d\.\d\d - ",
    ),
    Shape("old", lambda t: f"{t:%d/%m/%Y %H:%M:%S}: ", True, r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d: "),
    Shape("time first", lambda t: f"[{t:%H:%M:%S}, {t:%d/%m/%Y}] ", True, r"\[\d\d:\d\d:\d\d, \d\d/\d\d/\d{4}\] "),
    Shape("viewer", lambda t: f"{t:%Y-%m-%d} - {t:%H:%M:%S}; ", True, r"\d{4}-\d\d-\d\d - \d\d:\d\d:\d\d; "),
    Shape(
        "chinese",
        lambda t: f"{t.year}/{t.month}/{t.day} {_half(t, '上午', '下午')}{_twelve(t)} - ",
        False,
        rf"\d{{4}}/{DAY}/{DAY} [上下]午{DAY}:\d\d - ",
    ),
    Shape(
        "korean",
        lambda t: f"{t.year}. {t.month}. {t.day}. {_half(t, '오전', '오후')} {_twelve(t)} - ",
        False,
        rf"\d{{4}}\. {DAY}\. {DAY}\. 오[전후] {DAY}:\d\d - ",
    ),
    Shape("arabic", _arabic, False, "[٠-٩]+\u200f/[٠-٩]+\u200f/[٠-٩]{4}، [٠-٩]+:[٠-٩]{2} [صم] - "),
    Shape(
        "buddhist",
        lambda t: f"{t.day}/{t.month}/{t.year + 543} BE, {t:%H:%M} - ",
        False,
        rf"{DAY}/{DAY}/\d{{4}} BE, \d\d:\d\d - ",
    ),
    Shape(
        "reiwa",
        lambda t: f"{t.month}/{t.day}/R{t.year - 2018}, {t:%H:%M} - ",
        False,
        rf"{DAY}/{DAY}/R{DAY}, \d\d:\d\d - ",
    ),
    Shape(
        "reiwa first",
        lambda t: f"R{t.year - 2018}/{t.month:02}/{t.day:02} {t:%H:%M} - ",
        False,
        rf"R{DAY}/\d\d/\d\d \d\d:\d\d - ",
    ),
]

NAMES = ("Ana", "Rui Costa", "C 😂", "+55 11 98888-7777", "Zoë - work", "n", "Мария")
WORDS = st.sampled_from(
    [
        "bom dia",
        "ok",
        "12:30 then",
        "a: b",
        "- no",
        "😀",
        "2019-01-01 é uma data",
        "<b>",
        "olá, João",
        "...",
        "100%",
        "çé",
        "(sim)",
    ]
)
LINE = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
BODY = st.one_of(
    LINE, st.lists(st.one_of(LINE, st.just("")), min_size=1, max_size=3).map(lambda rest: "x\n" + "\n".join(rest))
)


@st.composite
def chats(draw: st.DrawFn) -> list[tuple[datetime, str, str]]:
    """Messages whose dates prove their order: the first and last fall on days above 12, far apart."""
    t = datetime(2023, 1, 14, draw(st.integers(0, 23)), draw(st.integers(0, 59)))
    messages = [(t, "Ana", "start")]
    for _ in range(draw(st.integers(1, 12))):
        t += timedelta(minutes=draw(st.sampled_from([0, 0, 1, 7, 60 * 24, 60 * 24 * 31])))
        messages.append((t, draw(st.sampled_from(NAMES)), draw(BODY).rstrip("\n") or "ok"))
    return messages


def naive(text: str, shape: Shape) -> list[tuple[str | None, str]]:
    """Line by line: a line of the shape begins a message, any other belongs to the message before."""
    header = re.compile(shape.pattern)
    entries: list[list[str]] = []
    for line in text.replace("\r\n", "\n").removesuffix("\n").split("\n"):
        match = header.match(line)
        if match:
            entries.append([line[match.end() :]])
        elif entries:
            entries[-1].append(line)
    found: list[tuple[str | None, str]] = []
    for lines in entries:
        name, colon, rest = lines[0].partition(": ")
        found.append((name, "\n".join([rest, *lines[1:]])) if colon else (None, "\n".join(lines)))
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=chats(), crlf=st.booleans(), ended=st.booleans(), block=st.sampled_from([64, 300, 1 << 20]))
@example(
    messages=[(datetime(2023, 1, 14, 0, 5), "Ana", "x"), (datetime(2023, 1, 14, 12, 5), "Rui Costa", "y\n\nz")],
    crlf=True,
    ended=False,
    block=64,
)
def test_what_was_written_is_read_back(
    shape: Shape, messages: list[tuple[datetime, str, str]], crlf: bool, ended: bool, block: int,
    tmp_path: Path,
) -> None:  # fmt: skip
    text = "\n".join(f"{shape.write(t)}{name}: {body}" for t, name, body in messages) + ("\n" if ended else "")
    path, out = tmp_path / "chat.txt", tmp_path / "out.parquet"
    path.write_bytes((text.replace("\n", "\r\n") if crlf else text).encode())
    report = parse_export(path, out, key=KEY, options=ParseOptions(raw_authors=True, block_bytes=block))
    rows = pq.read_table(out).to_pylist()
    expected = [(t if shape.seconds else t.replace(second=0), name, body) for t, name, body in messages]
    assert [(row["ts"].replace(tzinfo=None), row["author"], row["text"]) for row in rows] == expected
    assert [(row["author"], row["text"]) for row in rows] == naive(text, shape)
    assert [row["seq"] for row in rows] == list(range(len(messages)))
    assert [row["text_bytes"] for row in rows] == [len(body.encode()) for _, _, body in messages]
    assert len({row["message_id"] for row in rows}) == len(messages)
    assert not report.ambiguous
    assert report.counts["entries"] == report.counts["authored"] == len(messages)


def test_rows_and_ids_do_not_depend_on_the_block_size(tmp_path: Path) -> None:
    choose = random.Random(5)
    t = datetime(2024, 2, 1, 8)
    lines = []
    for number in range(900):
        t += timedelta(seconds=choose.choice((0, 0, 30, 400)))
        body = choose.choice(
            ("ok", "ok", f"line {number}\nsecond\n\nfourth", "<Media omitted>", "é" * choose.randint(1, 300))
        )
        lines.append(f"{t:%d/%m/%Y, %H:%M} - {choose.choice(NAMES)}: {body}")
    lines.insert(400, "13/02/2024, 10:00 - Ana: " + "long " * 20_000)
    path = tmp_path / "chat.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    seen: list[Any] = []
    for block in (50, 1_000, 4_099, 1 << 22):
        out = tmp_path / f"{block}.parquet"
        parse_export(path, out, key=KEY, options=ParseOptions(raw_authors=True, block_bytes=block))
        seen.append(pq.read_table(out))
    assert all(table.equals(seen[0]) for table in seen[1:])
    ids = seen[0].column("message_id").to_pylist()
    assert len(set(ids)) == len(ids) == 901
    assert all(re.fullmatch("[0-9a-f]{32}", identity) for identity in ids)

"""Chats written as phones do, in every form of header that is known, are read back equal.

The writer knows nothing of the reader: shapes, separators, calendars, digits and parts of the day are its own.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stages.ingest.export import ParseOptions, ParseReport, parse_export

NNBSP, NBSP, LRM, RLM = "\u202f", "\u00a0", "\u200e", "\u200f"


@dataclass(frozen=True)
class Phone:
    """How a phone writes: ``header`` what stands before a message, ``order`` of the date's fields, ``seconds``."""

    header: Callable[[datetime], str]
    order: str
    seconds: bool
    words: str


def _digits(text: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(sign)) if sign.isdecimal() else sign for sign in text)


# (words of the halves, spaces that may stand between them and the time, whether they stand before it)
HALVES = (
    ("AM", "PM", (" ", NNBSP, NBSP), False),
    ("am", "pm", (" ", NNBSP, ""), False),
    ("a.m.", "p.m.", (" ", NNBSP), False),
    (f"a.{NBSP}m.", f"p.{NBSP}m.", (" ", NNBSP), False),
    ("a. m.", "p. m.", (" ",), False),
    ("ص", "م", (NBSP, " "), False),
    ("上午", "下午", ("", " "), True),
    ("午前", "午後", ("",), True),
    ("오전", "오후", (" ",), True),
    ("da manhã", "da tarde", (" ", NNBSP), False),
    ("ق.ظ.", "ب.ظ.", (" ", NBSP), False),
    ("לפנה״צ", "אחה״צ", (" ",), False),
    ("ÖÖ", "ÖS", (" ",), False),
    ("ÖÖ", "ÖS", (" ",), True),
    ("पूर्वाह्न", "अपराह्न", (" ",), False),
    ("π.μ.", "μ.μ.", (" ",), False),
    ("πμ", "μμ", (" ",), False),
    ("пр.об.", "сл.об.", (" ",), False),
    ("dop.", "odp.", (" ",), False),
    ("de.", "du.", (" ",), True),
    ("fm", "em", (" ",), False),
    ("SA", "CH", (" ",), False),
    ("дп", "пп", (" ",), False),
    ("ap.", "ip.", (" ",), False),
    ("ก่อนเที่ยง", "หลังเที่ยง", (" ",), False),
    ("PG", "PTG", (" ",), False),
    ("e paradites", "e pasdites", (" ",), False),
)
PERIODS = (
    ((5, "nachts"), (10, "morgens"), (12, "vorm."), (13, "mittags"), (18, "nachm."), (24, "abends")),
    ((6, "da madrugada"), (12, "da manhã"), (19, "da tarde"), (24, "da noite")),
    ((5, "凌晨"), (8, "清晨"), (12, "上午"), (13, "中午"), (19, "下午"), (24, "晚上")),
    ((4, "ночи"), (12, "утра"), (18, "дня"), (24, "вечера")),
    ((12, "in the morning"), (18, "in the afternoon"), (21, "in the evening"), (24, "at night")),
)
SEPARATORS = (
    ", ",
    " ",
    "، ",
    " à ",
    " klo ",
    " г., ",
    f"،{RLM} ",
    " kl. ",
    " um ",
    f"{NNBSP}г., ",
    f",{NNBSP}",
    " lúc ",
)


@st.composite
def phones(draw: st.DrawFn) -> Phone:
    """Any phone: shape, order and padding of the date, digits, calendar, clock."""
    family = draw(st.sampled_from(("android", "ios", "old", "viewer", "time first", "bare")))
    plain = family in ("viewer", "time first")
    date, order, dates = draw(_dates(plain))
    needs_seconds = family in ("ios", "old", "viewer", "time first", "bare")
    seconds = needs_seconds or draw(st.booleans())
    time, times = draw(_times(seconds, plain, family in ("bare", "viewer")))
    between = draw(st.sampled_from(SEPARATORS))
    mark = draw(st.sampled_from(("", "", "", LRM, RLM)))
    dash = draw(st.sampled_from(("-", "-", "–")))
    write: dict[str, Callable[[datetime], str]] = {
        "android": lambda t: f"{date(t)}{between}{time(t)} {dash} ",
        "ios": lambda t: f"{mark}[{date(t)}{between}{time(t)}] ",
        "old": lambda t: f"{date(t)}{between}{time(t)}: ",
        "viewer": lambda t: f"{date(t)} - {time(t)}; ",
        "time first": lambda t: f"[{time(t)}, {date(t)}] ",
        "bare": lambda t: f"{date(t)}{between}{time(t)} ",
    }
    return Phone(write[family], order, seconds, f"{family}, {dates}, {between!r}, {times}")


@st.composite
def _dates(draw: st.DrawFn, plain: bool) -> tuple[Callable[[datetime], str], str, str]:
    calendar = draw(st.sampled_from(("common",) * 6 + (() if plain else ("BE", "2565", "R"))))
    order = draw(st.sampled_from(("dmy", "mdy") if calendar in ("BE", "R") else ("dmy", "mdy", "ymd")))
    sign = draw(st.sampled_from(("/", ".", "-") if plain else ("/", ".", "-", ". ", f"{RLM}/")))
    trailing = "." if sign == ". " and draw(st.booleans()) else ""
    padded = draw(st.booleans())
    short = calendar == "common" and order != "ymd" and draw(st.booleans())
    zero = draw(st.sampled_from("000000٠۰"))

    def write(t: datetime) -> str:
        year = t.year + (543 if calendar in ("BE", "2565") else -2018 if calendar == "R" else 0)
        shown = f"R{year}" if calendar == "R" else f"{year % 100:02}" if short else f"{year}"
        fields = {"d": f"{t.day:02}" if padded else f"{t.day}", "m": f"{t.month:02}" if padded else f"{t.month}"}
        text = sign.join((fields | {"y": shown})[name] for name in order) + trailing
        return _digits(text, zero) + (" BE" if calendar == "BE" else "")

    return write, order, f"{order} {sign!r} {trailing} {calendar} {padded=} {short=} {zero}"


@st.composite
def _times(draw: st.DrawFn, seconds: bool, plain: bool, whole: bool) -> tuple[Callable[[datetime], str], str]:
    sign = draw(st.sampled_from(":" if plain else "::."))
    padded = draw(st.booleans())
    clock = draw(st.sampled_from(("24", "1 to 24") if whole else ("24", "24", "12", "12", "parts", "1 to 24")))
    zero = draw(st.sampled_from("000000٠۰"))
    am, pm, spaces, before = draw(st.sampled_from(HALVES))
    parts = draw(st.sampled_from(PERIODS))
    space = draw(st.sampled_from(spaces)) if clock == "12" else " "

    def write(t: datetime) -> str:
        hour = t.hour if clock == "24" else (t.hour or 24) if clock == "1 to 24" else t.hour % 12 or 12
        text = f"{hour:02}" if padded else f"{hour}"
        text = _digits(text + f"{sign}{t:%M}" + (f"{sign}{t:%S}" if seconds else ""), zero)
        if clock == "12":
            half = am if t.hour < 12 else pm
            return f"{half}{space}{text}" if before else f"{text}{space}{half}"
        if clock == "parts":
            return f"{text} {next(word for until, word in parts if t.hour < until)}"
        return text

    return write, f"{sign} {clock} {(am, space, before) if clock == '12' else parts[0] if clock == 'parts' else ''}"


AUTHORS = (
    "Ana", "Rui Costa", "Zoë - work", f"~{NNBSP}Bia", "\u202a+55 11\u00a098888\u20117777\u202c", "😂", "T\u200bom",
    "سارة", "n", "Мария 2024", "田中 太郎", "O'Neil, Jr.", "a.b@c.de", "10:30 club", "<b>x</b>", "Ana & Rui",
)  # fmt: skip
WORDS = (
    "bom dia", "ok", "12:30 then", "a: b", "- no", "😀", "<b>", "...", "100%", "(sim)", "https://x.org/a:b", "“quoted”",
    "2/11/19: Arrival", "2016-04-29 10:30:00", "20.15.21.15 h Stock", "null and void", "1. one", "Note: this",
)  # fmt: skip
MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff]")
Message = tuple[datetime, str, str]


@st.composite
def messages(draw: st.DrawFn, foreign: Phone) -> list[Message]:
    """Messages whose first date proves the order; bodies hold blank lines, dates and headers of another phone."""
    line = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
    pasted = st.datetimes(datetime(2019, 5, 1), datetime(2021, 5, 1)).map(lambda t: f"{foreign.header(t)}Jo: pasted")
    names = draw(st.lists(st.sampled_from(AUTHORS), min_size=1, max_size=4, unique=True))
    t = datetime(2022, 1, 14, 9, 30, draw(st.integers(0, 59)))
    said = [(t, names[0], "start")]
    for _ in range(draw(st.integers(3, 10))):
        t += timedelta(minutes=draw(st.sampled_from([0, 0, 1, 7, 600, 1440 * 3, 1440 * 31])))
        rest = draw(st.lists(st.one_of(line, st.just("")), max_size=2))
        said.append(
            (t, draw(st.sampled_from(names)), "\n".join([draw(st.one_of(line, st.just(""))), *rest]).rstrip("\n"))
        )
    # a piece of another chat, somewhere inside
    at = draw(st.integers(1, len(said) - 2))
    said[at] = (said[at][0], said[at][1], f"{said[at][2]}\n{draw(pasted)}")
    return said


def written(phone: Phone, said: list[Message]) -> str:
    return "\n".join(f"{phone.header(t)}{author}: {text}" for t, author, text in said)


def expected(phone: Phone, said: list[Message]) -> list[Message]:
    return [
        (t if phone.seconds else t.replace(second=0), MARKS.sub("", author).strip(), MARKS.sub("", text))
        for t, author, text in said
    ]


def read(folder: Path, content: bytes, block: int = 1 << 20) -> tuple[ParseReport, list[Message]]:
    path, out = folder / "chat.txt", folder / "out.parquet"
    path.write_bytes(content)
    report = parse_export(path, out, key=b"k" * 32, options=ParseOptions(raw_authors=True, block_bytes=block))
    rows = pq.read_table(out).to_pylist()
    return report, [(row["ts"].replace(tzinfo=None), row["author"], row["text"]) for row in rows]


def bounded(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@bounded(60)
@given(phone=phones(), steps=st.lists(st.integers(0, 1440 * 40), min_size=3, max_size=8), second=st.integers(0, 59))
def test_every_phones_headers_are_read_back(phone: Phone, steps: list[int], second: int, tmp_path: Path) -> None:
    said = [(datetime(2022, 1, 14, 9, 30, second), "Ana", "start")]
    for number, step in enumerate(steps):
        said.append((said[-1][0] + timedelta(minutes=step), ("Ana", "Rui Costa")[number % 2], f"m{number}"))
    report, rows = read(tmp_path, written(phone, said).encode())
    assert rows == expected(phone, said), phone.words
    assert (report.date_order, report.ambiguous) == (phone.order, False)


@bounded(50)
@given(
    data=st.data(),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")),
    feed=st.sampled_from(("\n", "\r\n")),
    block=st.sampled_from((200, 1 << 20)),
)
def test_names_and_texts_of_any_kind_are_read_back(
    data: st.DataObject, encoding: str, feed: str, block: int, tmp_path: Path
) -> None:
    phone = data.draw(phones())
    family = phone.words.split(",")[0]
    foreign = data.draw(phones().filter(lambda other: other.words.split(",")[0] != family))
    said = data.draw(messages(foreign))
    # where nothing but a space ends the header, a word and a dash behind it may be a part of the day: refused
    assume(family != "bare" or not any(" - " in who for _, who, _ in said))
    text = written(phone, said) + data.draw(st.sampled_from(("", "\n")))
    report, rows = read(tmp_path, text.replace("\n", feed).encode(encoding), block)
    assert rows == expected(phone, said), (phone.words, foreign.words)
    assert report.counts["authored"] == len(said)
    assert any("in another format" in warning for warning in report.warnings)
    assert not report.ambiguous


@bounded(25)
@given(before=phones(), after=phones(), count=st.integers(3, 6), day=st.integers(1, 28))
def test_a_phone_that_changes_is_followed_or_doubt_is_said(
    before: Phone, after: Phone, count: int, day: int, tmp_path: Path
) -> None:
    t, said, lines = datetime(2022, 1, day, 9, 30), [], []
    for number in range(2 * count):
        t += timedelta(minutes=(1, 600, 1440 * 9)[number % 3])
        phone = before if number < count else after
        said += expected(phone, [(t, "Ana", f"m{number}")])
        lines.append(written(phone, [(t, "Ana", f"m{number}")]))
    report, rows = read(tmp_path, "\n".join(lines).encode())
    assert rows == said or report.ambiguous or report.warnings, (before.words, after.words)


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("12:30 nachts", 0), ("11:30 nachts", 23), ("12:30 mittags", 12), ("11:30 mittags", 11), ("9:30 abends", 21),
        ("11:30 中午", 11), ("12:30 中午", 12), ("12:30 晚上", 0), ("12:30 da noite", 0), ("8:30 da noite", 20),
        ("0:30 午後", 12), ("0:30 午前", 0), ("12:30 de la madrugada", 0), ("12:30 de la tarde", 12),
        ("10:30 de la noche", 22), ("1:30 ночи", 1), ("11:30 at night", 23), ("12:05 a. m.", 0), ("12:30 p. m.", 12),
        ("00:08 a. m.", 0), ("24:08", 0), ("15:08 PM", 15),
    ],
)  # fmt: skip
def test_the_hour_that_a_part_of_the_day_means(written: str, hour: int, tmp_path: Path) -> None:
    assert read(tmp_path, f"13/03/24, {written} - Ana: x\n".encode())[1][0][0].hour == hour

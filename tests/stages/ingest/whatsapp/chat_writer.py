"""Writes chats as phones do, in every form of header that is known; knows nothing of the reader."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hypothesis import strategies as st

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
SEPARATORS = (", ", " ", "، ", " à ", " klo ", " г., ", f"،{RLM} ", " kl. ", " um ", f"{NNBSP}г., ", f",{NNBSP}", " lúc ")


@st.composite
def phones(draw: st.DrawFn) -> Phone:
    """Any phone: shape, order and padding of the date, digits, calendar, clock."""
    family = draw(st.sampled_from(("android", "ios", "old", "viewer", "time first", "bare")))
    plain = family in ("viewer", "time first")
    date, order, dates = draw(_dates(plain))
    needs_seconds = family in ("ios", "old", "viewer", "time first", "bare")
    seconds = needs_seconds or draw(st.booleans())
    time, times = draw(_times(seconds, plain, family == "bare"))
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

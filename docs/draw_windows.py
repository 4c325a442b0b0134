"""Draws docs/images/windows-<unit>.svg from what `plan_windows` makes of one small conversation.

    .venv/bin/python docs/draw_windows.py

Above are the messages, below the windows. A message has the colour of the window that adds it; solid is what a window
adds, hatched is what it reads again. The same code gives the same bytes on every machine.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from stages.windows.plan import plan_windows
from stages.windows.render import line_weights
from stages.windows.spec import WindowSpec

FOLDER = Path(__file__).parent / "images"
ZONE = ZoneInfo("Europe/Lisbon")
CHAT = (
    ("27 18:40", "Who comes to the lake?"),
    ("27 18:40", "Me"),
    ("27 18:41", "And I, with the dog if he may"),
    ("27 18:41", "He may"),
    ("27 20:15", "Shall I bring the large tent?"),
    ("27 20:15", "Yes"),
    ("27 20:16", "And the lamp, it gets dark early"),
    ("28 07:50", "Leaving now"),
    ("28 07:50", "We too"),
    ("28 07:50", "Five minutes, I cannot find the key to the shed"),
    ("28 09:30", "It was in the boat"),
    ("28 13:10", "The dog swims better than all of us"),
    ("28 13:10", "Look at him"),
    ("28 13:12", "He stole a sausage from the neighbours"),
    ("28 13:40", "From every one of the neighbours"),
    ("28 22:30", "Who is still at the fire?"),
    ("28 22:30", "Three of us"),
    ("28 23:45", "Two"),
    ("29 00:40", "One. Good night, all of you"),
    (
        "29 03:20",
        "For those who slept: there was a storm at three, the large tent flew into the reeds and came back with the"
        " wind, the lamp still burns, the dog lay on my feet all the while, nobody is hurt, nothing is lost except"
        " one left shoe, and the lake was so bright in the lightning that one could count the ducks, eleven of them",
    ),
    ("29 09:15", "Twelve ducks"),
    ("29 09:15", "I slept through it"),
    ("29 09:16", "Whose shoe is it?"),
    ("29 12:00", "Mine"),
    ("29 18:05", "Home again"),
    ("29 18:05", "Home too, and the dog sleeps"),
    ("29 18:06", "Thank you for the days"),
    ("30 08:30", "The shoe is in my rucksack"),
    ("30 08:31", "Keep it dry"),
    ("30 19:20", "Same weekend next year?"),
    ("30 19:20", "Yes"),
    ("30 19:20", "Yes, with two lamps"),
)
"""March 2026 in Lisbon; the clock goes forward at 01:00 on the 29th, so that this Sunday has 23 hours."""

WIDTH, SIDE, CELL = 900, 30, 30
LANE, BAR = 34, 24
DOT = 5.0
PAD = 8.0


@dataclass(frozen=True)
class Picture:
    """What is drawn: from left to right is place, bytes, tokens or time; ``ruler`` says the size in words."""

    name: str
    spec: WindowSpec
    axis: str
    ruler: str
    said: str


PICTURES = (
    Picture("messages", WindowSpec("messages", 8, "0.25"), "place", "8 messages, and 2 of them again",
            "Windows of eight messages each, whatever their times; two are read again."),
    Picture("hours", WindowSpec("hours", 6, "0.25", align="first", timezone="Europe/Lisbon"), "time",
            "6 hours, and 1½ after them",
            "Slots of six hours from the first message; a slot without a message makes no window."),
    Picture("days", WindowSpec("days", 1, "0.25", align="calendar", timezone="Europe/Lisbon"), "time",
            "a day, and a quarter of it after it",
            "A window for each day of the zone, from midnight to midnight; the Sunday has 23 hours."),
    Picture("bytes", WindowSpec("bytes", 300, "0.25"), "bytes", "300 bytes, at most 75 of them again",
            "Whole messages up to 300 bytes; a larger message stands alone."),
    Picture("tokens", WindowSpec("tokens", 75, 0), "tokens", "75 tokens, none again",
            "Whole messages up to 75 tokens; without overlap the windows only touch."),
    Picture("session", WindowSpec("session", 180), "time", "a silence of 3 hours",
            "A silence of three hours or more ends a window."),
    Picture("max-span", WindowSpec("messages", 8, "0.25", max_span=timedelta(hours=12)), "time",
            "at most 12 hours, and at most 8 messages, and 2 of them again",
            "Windows of eight messages that also end before they would span more than twelve hours."),
    Picture("weigh", WindowSpec("session", 180, "0.25", weigh="bytes:240"), "bytes",
            "240 bytes, at most 60 of them again",
            "Sessions that weigh more than 240 bytes are cut; nothing is read again across a silence."),
)  # fmt: skip

STYLE = """
    .paper { fill: #ffffff; stroke: #d8dee6; }
    .ink { fill: #1f2733; } .soft { fill: #5b6675; } text { font: 13px system-ui, sans-serif; }
    .line { stroke: #aab4c0; } .rule { stroke: #1f2733; } .number { fill: #ffffff; font-weight: 600; }
    .f0 { fill: #2563b0; } .f1 { fill: #b4500f; } .f2 { fill: #20744a; } .f3 { fill: #7e3fb5; }
    .s0 { stroke: #2563b0; } .s1 { stroke: #b4500f; } .s2 { stroke: #20744a; } .s3 { stroke: #7e3fb5; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #11161d; stroke: #2c3540; }
      .ink { fill: #e6ebf1; } .soft { fill: #9aa6b4; } .line { stroke: #4a5664; } .rule { stroke: #e6ebf1; }
      .number { fill: #0b0f14; }
      .f0 { fill: #6cacf2; } .f1 { fill: #f29a5e; } .f2 { fill: #5cc592; } .f3 { fill: #c095f0; }
      .s0 { stroke: #6cacf2; } .s1 { stroke: #f29a5e; } .s2 { stroke: #5cc592; } .s3 { stroke: #c095f0; }
    }
"""


def conversation() -> pa.Table:
    """The small chat as a table of messages."""
    times = [datetime.strptime(f"2026-03-{at}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE) for at, _ in CHAT]
    return pa.table(
        {
            "seq": pa.array(range(len(CHAT)), pa.int64()),
            "ts": pa.array([time.astimezone(UTC) for time in times], pa.timestamp("us", tz="UTC")),
            "author": pa.array([("Ana", "Rui", "Eva")[at % 3] for at in range(len(CHAT))], pa.string()),
            "text": pa.array([text for _, text in CHAT], pa.string()),
        }
    )


class Drawing:
    """One picture, from the messages, their plan, and a scale that gives every message its place from left to right."""

    def __init__(self, picture: Picture) -> None:
        self.picture, self.spec = picture, picture.spec
        messages = conversation()
        self.plan: list[dict[str, Any]] = plan_windows(messages, picture.spec).to_pylist()
        self.times: list[datetime] = messages.column("ts").to_pylist()
        self.owner = [w["window_index"] for w in self.plan for _ in range(w["own_start_seq"], w["own_end_seq"])]
        self.parts: list[str] = []
        if picture.axis == "time":
            self.zero = self.times[0] - timedelta(hours=2)
            self.scale: float = (WIDTH - 2 * SIDE) / ((self.times[-1] - self.zero) / timedelta(hours=1) + 2)
            self.edges = [(self.at(time) - PAD, self.at(time) + PAD) for time in self.times]
        else:
            unit = picture.axis
            weights = [1] * len(CHAT) if unit == "place" else line_weights(messages, unit).tolist()
            self.edges = self.cells(weights)

    def at(self, time: datetime) -> float:
        hours: float = (time - self.zero) / timedelta(hours=1)
        return SIDE + hours * self.scale

    def cells(self, weights: list[int]) -> list[tuple[float, float]]:
        """Boxes side by side, as wide as the messages weigh; silences of a session leave room."""
        gaps = [self.silent(at) * 22 for at in range(len(weights))]
        self.scale = (WIDTH - 2 * SIDE - sum(gaps)) / sum(weights)
        edges, left = [], float(SIDE)
        for weight, gap in zip(weights, gaps, strict=True):
            left += gap
            edges.append((left, left + weight * self.scale))
            left = edges[-1][1]
        return edges

    def silent(self, at: int) -> bool:
        """Whether a session begins with this message."""
        return (
            self.spec.unit == "session"
            and at > 0
            and self.times[at] - self.times[at - 1] >= timedelta(microseconds=self.spec.size_us)
        )

    def draw(self) -> str:
        foot = self.messages_in_time() if self.picture.axis == "time" else self.messages_in_a_row()
        bottom = self.windows(foot)
        height = self.legend(bottom + 24) + 22
        return "\n".join([*self.head(height), *self.parts, "</svg>", ""])

    def head(self, height: float) -> list[str]:
        picture = self.picture
        told = "; ".join(
            f"window {w['window_index']} holds {_span(w['start_seq'], w['end_seq'])}"
            + (f" and adds {_span(w['own_start_seq'], w['end_seq'])}" if w["start_seq"] < w["own_start_seq"] else "")
            for w in self.plan
        )
        colours = [
            f'    <pattern id="h{hue}" width="6" height="6" patternUnits="userSpaceOnUse"'
            f' patternTransform="rotate(45)">'
            f'<line x1="3" y1="0" x2="3" y2="6" class="s{hue}" stroke-width="2"/></pattern>'
            for hue in range(4)
        ]
        return [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_n(height)}" width="{WIDTH}"'
            f' height="{_n(height)}" role="img" aria-labelledby="title desc">',
            f'  <title id="title">Windows by {picture.name.replace("-", " ")}</title>',
            f'  <desc id="desc">{escape(picture.said)} Messages 0 to {len(CHAT) - 1}: {told}.</desc>',
            f"  <style>{STYLE}  </style>",
            "  <defs>",
            *colours,
            "  </defs>",
            f'  <rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{_n(height - 1)}" rx="10"/>',
        ]

    def messages_in_a_row(self) -> float:
        """A box a message; a bracket joins those of the same minute. Returns where the windows may begin."""
        top = 24.0
        for (left, right), owner in zip(self.edges, self.owner, strict=True):
            self.rect(left + 1, top, right - left - 2, CELL, f"f{owner % 4}", 'rx="4"')
        for first, last in _ties(self.times):
            left, right = self.edges[first][0] + 4, self.edges[last][1] - 4
            self.add(f'<path class="line" d="M{_n(left)} {_n(top - 4)}v-4H{_n(right)}v4" fill="none"/>')
        for (_, left), (right, _) in pairwise(self.edges):
            if right > left:
                self.line(left + 3, top + CELL / 2, right - 3, top + CELL / 2, 'stroke-dasharray="2 4"')
        self.ground = top + CELL + 4
        return top + CELL + 14

    def messages_in_time(self) -> float:
        """A dot a message above the line of time, ties upon each other. Returns where the windows may begin."""
        levels: list[float] = []
        dots = []
        for time, owner in zip(self.times, self.owner, strict=True):
            x = self.at(time)
            level = next((at for at, busy in enumerate(levels) if busy + 2 * DOT + 0.5 <= x), len(levels))
            levels[level : level + 1] = [x]
            dots.append((x, level, owner))
        ground = self.ground = 22 + len(levels) * (2 * DOT + 2)
        foot = ground + 36
        self.days(ground, foot)
        for x, level, owner in dots:
            y = ground - DOT - 3 - level * (2 * DOT + 2)
            self.add(f'<circle class="f{owner % 4}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(DOT)}"/>')
        if self.spec.unit == "session":
            self.silences(ground)
        return foot

    def days(self, ground: float, foot: float) -> None:
        """The line of time with its midnights; for hours, where each slot begins."""
        self.line(SIDE, ground, WIDTH - SIDE, ground)
        lanes = foot + LANE * self.lanes()
        if self.spec.unit == "hours":
            for slot in range(
                1 + int((self.times[-1] - self.times[0]) / timedelta(microseconds=self.spec.size_us)) + 1
            ):
                x = self.at(self.times[0] + slot * timedelta(microseconds=self.spec.size_us))
                if x < WIDTH - SIDE:
                    self.line(x, ground - 5, x, lanes, 'stroke-dasharray="1 4"')
        midnights = [datetime(2026, 3, day, tzinfo=ZONE).astimezone(UTC) for day in range(27, 32)]
        for start, end in pairwise(midnights):
            left, right = max(self.at(start), SIDE), min(self.at(end), WIDTH - SIDE)
            if start > self.zero:
                self.line(left, ground - 10, left, lanes if self.spec.unit == "days" else ground + 10)
            hours = (end - start) // timedelta(hours=1)
            name = f"{start.astimezone(ZONE):%A}" + (f", {hours} hours" if hours != 24 else "")
            self.text((left + right) / 2, ground + 20, name, "soft" if hours == 24 else "ink")

    def silences(self, ground: float) -> None:
        for at in range(1, len(self.times)):
            if self.silent(at):
                left, right = self.at(self.times[at - 1]) + PAD + 3, self.at(self.times[at]) - PAD - 3
                y = ground - DOT - 3
                self.add(f'<path class="line" d="M{_n(left)} {_n(y)}H{_n(right)}" stroke-dasharray="2 4"/>')
                hours = (self.times[at] - self.times[at - 1]) / timedelta(hours=1)
                self.text((left + right) / 2, y - 7, f"{hours:.0f} h", "soft")

    def extent(self, window: dict[str, Any]) -> tuple[float, float]:
        return self.edges[window["start_seq"]][0], self.edges[window["end_seq"] - 1][1]

    def lane_of(self) -> list[int]:
        """The first lane in which a window touches none before it."""
        ends: list[float] = []
        lanes = []
        for window in self.plan:
            left, right = self.extent(window)
            overlaps = any(w["start_seq"] < w["own_start_seq"] for w in self.plan)
            free = (at for at, end in enumerate(ends) if end + (4 if overlaps else 0) <= left + 0.01 or not overlaps)
            lane = next(free, len(ends))
            ends[lane : lane + 1] = [right]
            lanes.append(lane)
        return lanes

    def lanes(self) -> int:
        return max(self.lane_of()) + 1

    def windows(self, top: float) -> float:
        """A bar a window, in the lane where it has room; a pale band leads down from what it adds."""
        lanes = self.lane_of()
        for window, lane in zip(self.plan, lanes, strict=True):
            hue = window["window_index"] % 4
            left, right = self.edges[window["own_start_seq"]][0], self.edges[window["own_end_seq"] - 1][1]
            self.rect(
                left + 1, self.ground, right - left - 2, top + lane * LANE - self.ground, f"f{hue}", 'opacity="0.13"'
            )
        for window, lane in zip(self.plan, lanes, strict=True):
            self.bar(window, top + lane * LANE)
        return top + (max(lanes) + 1) * LANE - (LANE - BAR)

    def bar(self, window: dict[str, Any], y: float) -> None:
        hue = window["window_index"] % 4
        left, right = self.extent(window)
        own = self.edges[window["own_start_seq"]][0]
        if window["start_seq"] < window["own_start_seq"]:
            again = self.edges[window["own_start_seq"] - 1][1]
            own = max(own, min(again, own + PAD)) if self.picture.axis == "time" else own
            self.rect(left + 1, y, right - left - 2, BAR, "paper", 'rx="5"')
            self.add(
                f'<rect x="{_n(left + 1)}" y="{_n(y)}" width="{_n(min(again, own + 6) - left - 1)}" height="{BAR}"'
                f' rx="5" fill="url(#h{hue})"/>'
            )
            self.add(
                f'<rect class="s{hue}" x="{_n(left + 1.75)}" y="{_n(y + 0.75)}" width="{_n(right - left - 3.5)}"'
                f' height="{BAR - 1.5}" rx="4.5" fill="none" stroke-width="1.5"/>'
            )
        self.rect(own + 1, y, right - own - 2, BAR, f"f{hue}", 'rx="5"')
        if right - own > 15:
            self.text((own + right) / 2, y + 16.5, str(window["window_index"]), "number")

    def legend(self, y: float) -> float:
        """The size as a ruler on the picture's own scale, and what solid and hatched mean."""
        length, again = self.ruler()
        left = float(SIDE)
        self.add(f'<path class="rule" d="M{_n(left)} {_n(y - 5)}v10m0 -5h{_n(length)}m0 -5v10" fill="none"/>')
        if again:
            self.add(f'<path class="rule" d="M{_n(left + length)} {_n(y)}h{_n(again)}m0 -5v10" fill="none" '
                     'stroke-dasharray="3 2"/>')  # fmt: skip
        self.text(left + length + again + 12, y + 4.5, self.picture.ruler, "ink", "start")
        x = WIDTH - SIDE - (190 if any(w["start_seq"] < w["own_start_seq"] for w in self.plan) else 70)
        self.rect(x, y - 8, 22, 16, "f0", 'rx="3"')
        self.text(x + 29, y + 4.5, "added", "ink", "start")
        if x < WIDTH - SIDE - 100:
            x += 94
            self.rect(x, y - 8, 22, 16, "paper", 'rx="3"')
            self.add(f'<rect x="{_n(x)}" y="{_n(y - 8)}" width="22" height="16" rx="3" fill="url(#h0)"/>')
            self.text(x + 29, y + 4.5, "read again", "ink", "start")
        return y

    def ruler(self) -> tuple[float, float]:
        spec = self.spec
        if self.picture.name == "max-span":
            return spec.span_us / 3_600_000_000 * self.scale, 0.0  # type: ignore[operator]
        if self.picture.axis == "time":
            hours = spec.size_us / 3_600_000_000
            return hours * self.scale, hours * float(spec.exact_overlap if spec.unit != "session" else 0) * self.scale
        size = spec.limit[1] if spec.limit else int(spec.exact_size)
        return size * self.scale, spec.overlap_of(size) * self.scale if spec.unit == "messages" else 0.0

    def add(self, part: str) -> None:
        self.parts.append(f"  {part}")

    def rect(self, x: float, y: float, width: float, height: float, kind: str, more: str = "") -> None:
        self.add(f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" {more}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, more: str = "") -> None:
        self.add(f'<line class="line" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" {more}/>')

    def text(self, x: float, y: float, words: str, kind: str, anchor: str = "middle") -> None:
        self.add(f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(words)}</text>')


def _ties(times: list[datetime]) -> list[tuple[int, int]]:
    """First and last of each run of equal times that is longer than one."""
    starts = [at for at in range(len(times)) if at == 0 or times[at] != times[at - 1]]
    return [(low, high - 1) for low, high in pairwise([*starts, len(times)]) if high - low > 1]


def _span(start: int, end: int) -> str:
    return f"message {start}" if end - start == 1 else f"messages {start} to {end - 1}"


def _n(value: float) -> str:
    """A number to a tenth, as short as it can be written."""
    return f"{value:.1f}".removesuffix(".0")


def pictures() -> dict[str, str]:
    """File name -> SVG of every picture."""
    return {f"windows-{picture.name}.svg": Drawing(picture).draw() for picture in PICTURES}


if __name__ == "__main__":
    for name, svg in pictures().items():
        (FOLDER / name).write_text(svg, encoding="utf-8")

"""A plan of windows for a person's eyes: what was asked, a table, a histogram, a sentence; the numbers behind it."""

import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import click
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flows.commands.histogram import bars
from flows.commands.output import print_table
from stages.windows.spec import MINUTE_US, WindowSpec

Ints = NDArray[np.int64]

FIRST_ROWS: Final = 24
LAST_ROWS: Final = 12
_HEADS: Final = ("window", "seq", "own", "first", "last", "span", "messages", "bytes", "tokens")
_NUMBERS: Final = ("window", "messages", "bytes", "tokens")


class PlanView:
    """``plan`` with the ``tokens`` of each window, shape (windows,), cut by ``spec``."""

    def __init__(self, plan: pa.Table, tokens: Ints, spec: WindowSpec) -> None:
        self.plan, self.spec = plan, spec
        self.start, self.end, self.own = (_whole(plan, name) for name in ("start_seq", "end_seq", "own_start_seq"))
        first, last = (_whole(plan, name) for name in ("start_ts", "end_ts"))
        self.sizes: dict[str, Ints] = {
            "messages": _whole(plan, "n_messages"),
            "bytes": _whole(plan, "n_bytes"),
            "tokens": tokens,
            "microseconds": last - first,
        }
        self.total = int(self.end[-1]) if plan.num_rows else 0
        self.plain = not _encodes("–…▏█")

    def summary(self) -> dict[str, Any]:
        """Counts; least, median and most of a window; the share read again; the largest against each limit."""
        count = self.plan.num_rows
        spread = {name: _spread(values) for name, values in self.sizes.items() if name != "microseconds"}
        spread["seconds"] = _spread(self.sizes["microseconds"] / 1_000_000)
        return {
            "windows": count,
            "messages": self.total,
            "unit": self.spec.unit,
            "timezone": self.spec.timezone,
            "per_window": spread if count else None,
            "read_again": round(self._read_again(), 6),
            "limits": [
                {
                    "measure": name.replace("microseconds", "seconds"),
                    "limit": limit / 1_000_000 if name == "microseconds" else limit,
                    "largest": _plain(self.sizes[name].max() / (1_000_000 if name == "microseconds" else 1)),
                    "above": int((self.sizes[name] > limit).sum()),
                }
                for name, limit in self._limits()
                if count
            ],
        }

    def show(self) -> None:
        """Print all of it on standard output."""
        if self.plan.num_rows:
            self._say(self._title())
            click.echo()
            self._print_table()
            click.echo()
            measure = self._measure()
            click.echo(f"Windows by {measure}")
            for line in bars(self.sizes[measure], min(80, _width() or 80), plain=self.plain):
                click.echo(line)
            click.echo()
        self._say(self._sentence())

    def _title(self) -> str:
        spec = self.spec
        said = [f"{spec.unit}, size {_number(spec.size)}", f"overlap {_number(spec.overlap)}"]
        if spec.span_us is not None:
            said.append(f"at most {_span(spec.span_us)}")
        if spec.weigh is not None:
            said.append(f"weigh {spec.weigh}")
        if spec.unit in ("hours", "days"):
            said.append(f"aligned to the {'calendar' if spec.align == 'calendar' else 'first message'}")
        return f"{', '.join(said)}; times in {spec.timezone}"

    def _print_table(self) -> None:
        rows = list(self._rows())
        heads = self._columns_that_fit(rows)
        shown = [[self._sign(row[head]) for head in heads] for row in rows]
        print_table(heads, shown, right=[at for at, head in enumerate(heads) if head in _NUMBERS])
        hidden = [head for head in _HEADS if head not in heads]
        if hidden:
            self._say(f"A wider terminal shows {', '.join(hidden)} as well.")

    def _rows(self) -> Iterator[dict[str, str]]:
        """One row a window; of a long plan the first and the last."""
        count = self.plan.num_rows
        if count <= FIRST_ROWS + LAST_ROWS + 1:
            yield from map(self._row, range(count))
            return
        yield from map(self._row, range(FIRST_ROWS))
        left_out = f"{count - FIRST_ROWS - LAST_ROWS:,} more"
        yield dict.fromkeys(_HEADS, "") | {"window": "…", "seq": left_out}
        yield from map(self._row, range(count - LAST_ROWS, count))

    def _row(self, at: int) -> dict[str, str]:
        window = {name: self.plan.column(name)[at].as_py() for name in ("window_index", "start_ts", "end_ts")}
        start, end, own = int(self.start[at]), int(self.end[at]), int(self.own[at])
        first, last = (window[name].astimezone(self.spec.zone) for name in ("start_ts", "end_ts"))
        return {
            "window": str(window["window_index"]),
            "seq": _range(start, end - 1),
            "own": _range(own, end - 1),
            "first": f"{first:%Y-%m-%d %H:%M}",
            "last": f"{last:%Y-%m-%d %H:%M}",
            "span": _span(int(self.sizes["microseconds"][at])),
        } | {name: f"{int(self.sizes[name][at]):,}" for name in ("messages", "bytes", "tokens")}

    def _columns_that_fit(self, rows: list[dict[str, str]]) -> list[str]:
        """All columns where there is room; a narrow terminal folds no cell, but does without the least telling."""
        room = _width()
        heads = list(_HEADS)
        widths = {head: max(len(head), *(len(row[head]) for row in rows)) for head in heads}
        spare = [head for head in ("tokens", "bytes", "own", "messages", "last") if head != self._measure()]
        if self.total == int(self.sizes["messages"].sum()):
            spare.insert(0, "own")  # without overlap it says what seq says
        for head in spare:
            if room is None or sum(widths[name] + 2 for name in heads) - 2 <= room:
                break
            if head in heads:
                heads.remove(head)
        return heads

    def _measure(self) -> str:
        """What the histogram counts: what the windows of this unit differ in, or are limited by."""
        if self.spec.limit is not None:
            return self.spec.limit[0]
        if self.spec.unit in ("bytes", "tokens"):
            return self.spec.unit
        # so many messages are always so many; how much there is to read is not
        return "tokens" if self.spec.unit == "messages" and self.spec.span_us is None else "messages"

    def _limits(self) -> Iterator[tuple[str, int]]:
        """Each measure that the spec limits, and how far a window goes, overlap included."""
        spec = self.spec
        if spec.unit == "messages":
            yield "messages", int(spec.exact_size) + spec.overlap_of(int(spec.exact_size))
        elif spec.unit in ("bytes", "tokens"):
            yield spec.unit, int(spec.exact_size)
        elif spec.limit is not None:
            yield spec.limit
        if spec.span_us is not None:
            yield "microseconds", spec.span_us

    def _read_again(self) -> float:
        return float(self.sizes["messages"].sum() / self.total - 1) if self.total else 0.0

    def _sentence(self) -> str:
        if not self.plan.num_rows:
            return "No windows: the table holds no message."
        count, again = self.plan.num_rows, self._read_again()
        spread = _spread(self.sizes["messages"])
        said = [
            f"{_many(count, 'window')} over {_many(self.total, 'message')}",
            f"median {spread['median']:,} a window ({spread['least']:,} to {spread['most']:,})",
            f"{100 * again:.1f} % read again" if again else "none read again",
            *self._largest(),
        ]
        return "; ".join(said) + "."

    def _largest(self) -> Iterator[str]:
        """The largest window against each limit; beside it, where nothing limits them, its bytes and tokens."""
        limits = dict(self._limits())
        for name, limit in limits.items():
            values = self.sizes[name]
            if name == "microseconds":
                yield f"longest {_span(int(values.max()))} of {_span(limit)}"
                continue
            above = int((values > limit).sum())
            beyond = f" ({above:,} above it, a single message each)" if above else ""
            yield f"largest {int(values.max()):,} of {limit:,} {name}{beyond}"
        if not limits.keys() - {"microseconds"}:
            yield " or ".join(f"{int(self.sizes[name].max()):,} {name}" for name in ("bytes", "tokens")) + " at most"

    def _say(self, text: str) -> None:
        """A sentence, broken between its words where the terminal ends."""
        room = _width()
        said = self._sign(text)
        click.echo(said if room is None else textwrap.fill(said, room, break_long_words=False, break_on_hyphens=False))

    def _sign(self, text: str) -> str:
        return text.replace("–", "-").replace("…", "...") if self.plain else text


def _span(microseconds: int) -> str:
    """A length of time in the two largest units that it has: ``3 days 4 h``, ``5 min``, ``0 s``."""
    if 0 < microseconds < 1_000_000:
        return "under 1 s"
    days, left = divmod(microseconds, 24 * 60 * MINUTE_US)
    hours, left = divmod(left, 60 * MINUTE_US)
    minutes, left = divmod(left, MINUTE_US)
    parts = [(days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (left // 1_000_000, "s")]
    first = next((at for at, (amount, _) in enumerate(parts) if amount), 3)
    return " ".join(f"{amount:,} {unit}" for amount, unit in parts[first : first + 2] if amount or first == 3)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def _spread(values: NDArray[Any]) -> dict[str, int | float]:
    if len(values) == 0:
        return {}
    return {"least": _plain(values.min()), "median": _plain(np.median(values)), "most": _plain(values.max())}


def _plain(value: Any) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


def _whole(plan: pa.Table, name: str) -> Ints:
    return np.asarray(plan.column(name).cast(pa.int64()).to_numpy())


def _encodes(signs: str) -> bool:
    try:
        signs.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _width() -> int | None:
    """Columns of the terminal; None where the output goes to a file or a pipe, which has no edge."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

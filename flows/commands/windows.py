"""``streamliner windows``: messages are cut into windows, and a person sees whether the size suits the chat."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from flows.commands.output import config_option, json_option, settings_for
from flows.commands.publish import UNITS

_BATCH_ROWS: Final = 1 << 17
_PIECE_ROWS: Final = 1 << 14
_CONTROLS: Final[dict[int, int]] = {code: 0x2400 + code for code in range(32) if code not in (9, 10)}
_CONTROLS.update(dict.fromkeys(range(127, 160), 0xFFFD))


@click.command(name="windows")
@click.argument("messages", type=click.Path(), metavar="FILE.parquet")
@click.option("--out", type=click.Path(), help="Parquet file to write.")
@click.option("--unit", type=click.Choice(UNITS), help="What a window is measured in.")
@click.option("--size", help="Size of a window in its unit (minutes of silence for session).")
@click.option("--overlap", help="Fraction of a window that is read again, 0 to 0.5.")
@click.option("--max-span", help="Longest time a window may span, for example 5h or 2d.")
@click.option("--align", type=click.Choice(["first", "calendar"]), help="Where hours and days begin.")
@click.option("--timezone", help="IANA time zone of calendar days and hours, and of the times shown.")
@click.option("--weigh", help="bytes:LIMIT or tokens:LIMIT, cuts long sessions.")
@click.option("--window", type=int, metavar="N", help="Print the lines of window N instead, as a model reads them.")
@config_option
@json_option
def command(
    messages: str, out: str | None, window: int | None, config: str | None, as_json: bool, **asked: str | None
) -> None:
    """Cut messages into windows and show them: a table, how their sizes are spread, a summary.

    FILE.parquet holds messages as `streamliner parse` writes them, or at least seq, ts and text. Every option but the
    file may come from the settings; the table abbreviates a long plan, --json and --out hold all of it.
    """
    if window is not None and (as_json or out is not None):
        raise click.UsageError("--window prints lines of text: leave out --json and --out.")
    settings = settings_for(config, None, {"archive.timezone": asked.pop("timezone")}).settings

    from stages.errors import BadInput
    from stages.parquet import output_file, write_parquet

    source = _source(messages)
    target = None if out is None else output_file(out, source)
    spec = _spec(settings, asked)
    try:
        plan, tokens = _plan(source, spec, for_lines=window is not None)
        if window is not None:
            _print_lines(source, plan, window)
            return
    except _damaged() as error:
        raise BadInput(f"{source} is damaged ({type(error).__name__}): write it anew.") from None

    from flows.commands.plan_view import PlanView

    view = PlanView(plan, tokens, spec)
    if target is not None:
        write_parquet(plan, target)
    if as_json:
        _print_json(plan, view.summary(), out)
    else:
        view.show()


def _spec(settings: Any, asked: dict[str, str | None]) -> Any:
    """What was asked, else configured. Numbers stay as they were written: the specification is exact."""
    from stages.windows.spec import WindowSpec, parse_span

    given = settings.windows.model_dump() | {name: value for name, value in asked.items() if value is not None}
    span = given.pop("max_span")
    return WindowSpec(**given, max_span=None if span is None else parse_span(span), timezone=settings.archive.timezone)


def _source(messages: str) -> Path:
    """The file of messages, seen to be one before it is opened. Raises ``BadInput``."""
    from stages.errors import BadInput

    if os.path.isdir(messages):
        raise BadInput(f"{messages} is a folder: name a Parquet file of messages, as `streamliner parse` makes it.")
    if not os.path.isfile(messages):
        why = "is not a regular file" if os.path.exists(messages) else "is not there"
        raise BadInput(f"{messages} {why}: name a Parquet file of messages, as `streamliner parse` makes it.")
    return Path(messages)


def _plan(source: Path, spec: Any, *, for_lines: bool) -> tuple[Any, Any]:
    """The plan and each window's tokens (none ``for_lines``), from one pass over narrow columns; linear in messages.

    The file is read by Arrow: loading a query engine would take longer than planning most chats.
    """
    import numpy as np
    import pyarrow as pa

    from stages.windows.columns import TableError, open_parquet
    from stages.windows.plan import plan_windows
    from stages.windows.render import line_weights

    places: list[Any] = []
    tokens: list[Any] = []
    with open_parquet(source) as file:
        names = file.schema_arrow.names
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise TableError(f"The table has the column {twice[0]} twice: leave one of them out.")
        if for_lines and "text" not in names:
            raise TableError("The table has no column text: lines cannot be shown without it.")
        wanted = ("seq", "ts", "author", "text_bytes" if "text_bytes" in names else "text")
        schema = pa.schema([file.schema_arrow.field(name) for name in wanted if name in names])

        def passing() -> Iterator[pa.RecordBatch]:
            for batch in file.iter_batches(_BATCH_ROWS, columns=schema.names):
                yield batch.select(schema.names)
                if not for_lines:  # planning has checked the batch by now
                    places.append(batch.column("seq").cast(pa.int64()).to_numpy().astype(np.uint32))
                    tokens.append(line_weights(batch, "tokens").astype(np.uint32))

        plan = plan_windows(pa.RecordBatchReader.from_batches(schema, passing()), spec)
    if for_lines:
        return plan, None
    sums = np.zeros(sum(map(len, tokens)) + 1, np.int64)
    for place, weight in zip(places, tokens, strict=True):
        sums[place + 1] = weight
    np.cumsum(sums, out=sums)
    start, end = (plan.column(name).to_numpy() for name in ("start_seq", "end_seq"))
    return plan, sums[end] - sums[start]


def _damaged() -> tuple[type[Exception], ...]:
    """What a Parquet file that breaks off in the middle makes its reader raise."""
    import pyarrow as pa

    return (pa.ArrowException, OSError)


def _print_lines(source: Path, plan: Any, window: int) -> None:
    import pyarrow as pa

    from stages.errors import BadInput
    from stages.windows.lines import read_lines

    if not 0 <= window < plan.num_rows:
        there = f"0 to {plan.num_rows - 1}" if plan.num_rows else "none: the table holds no message"
        raise BadInput(f"There is no window {window}; the windows of this plan are {there}.")
    start, end = (plan.column(name)[window].as_py() for name in ("start_seq", "end_seq"))
    # a window may be the whole chat: it is printed in pieces
    starts = range(start, end, _PIECE_ROWS)
    ends = [*starts[1:], end]
    pieces = pa.table({"window_index": [window] * len(ends), "start_seq": list(starts), "end_seq": ends})
    terminal = sys.stdout.isatty()
    sys.stdout.flush()
    for _, lines in read_lines(source, pieces):
        # what somebody wrote in a chat must not steer the terminal, nor need it be UTF-8 where another program wrote it
        sys.stdout.buffer.write(lines.decode(errors="replace").translate(_CONTROLS).encode() if terminal else lines)
    sys.stdout.buffer.flush()


def _print_json(plan: Any, summary: dict[str, Any], out: str | None) -> None:
    """One JSON object with every window, or their number where they were written; a batch of windows in memory."""
    import json

    from flows.commands.output import print_json

    if out is not None:
        print_json({"windows": plan.num_rows, "out": out, "summary": summary})
        return
    sys.stdout.flush()
    write = sys.stdout.buffer.write
    write(b'{\n  "windows": [')
    comma = "\n    "
    for batch in plan.to_batches(max_chunksize=4_096):
        columns = {name: _texts(batch.column(name)) for name in batch.schema.names}
        for row in zip(*columns.values(), strict=True):
            cells = ", ".join(f'"{name}": {cell}' for name, cell in zip(columns, row, strict=True))
            write(f"{comma}{{{cells}}}".encode())
            comma = ",\n    "
    end = "\n  " if plan.num_rows else ""
    rest = json.dumps(summary, indent=2).replace("\n", "\n  ")
    write(f'{end}],\n  "summary": {rest}\n}}\n'.encode())
    sys.stdout.buffer.flush()


def _texts(values: Any) -> list[str]:
    """Numbers, and times in UTC as ISO 8601 has them, without a time object of a zone for each."""
    import numpy as np
    import pyarrow as pa

    if not pa.types.is_timestamp(values.type):
        return [str(value) for value in values.to_pylist()]
    times = values.cast(pa.int64()).to_numpy().astype(np.dtype("datetime64[us]")).tolist()
    return [f'"{time.isoformat()}+00:00"' for time in times]

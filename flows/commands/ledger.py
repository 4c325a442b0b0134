"""``streamliner ledger``: what happened to an archive, from its record."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from flows.commands.output import print_table

_SHOWN: Final = 40
_OWN: Final = ("t", "run", "kind")


@click.command(name="ledger")
@click.argument("archive", type=click.Path(), metavar="DIR")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="The last N entries alone.")
@click.option("--kind", metavar="K", help="Entries of one kind alone: run, merge, candidates, enrich, write, site.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(archive: str, tail: int | None, kind: str | None, as_json: bool) -> None:
    """Show what happened to an archive, the oldest first: a table of the last entries, or --json for all of them.

    Nothing is changed, and a run that works on the archive is not disturbed.
    """
    from flows.stored import readable
    from stages.ledger import read_ledger

    with readable(archive, "ledger") as folder, _refused(path := _ledger(folder)):
        entries = read_ledger(path, kind=kind, tail=tail, say=lambda sentence: click.echo(sentence, err=True))
        if as_json:
            _print_lines(entries)
        else:
            _show(entries, path, kind, whole=tail is not None)


def _ledger(folder: Path) -> Path:
    """The ledger of an archive. Raises ``BadInput`` where there is none."""
    from stages.archive.store import DATABASE
    from stages.errors import BadInput
    from stages.ledger.files import full_files

    path = folder / "ledger.jsonl"
    with _refused(path):
        if not (folder / DATABASE).is_file() and not path.exists():
            raise BadInput(
                f"There is no archive in {folder}; `streamliner publish EXPORT --archive {folder}` makes one."
            )
        if path.exists() and not path.is_file():
            raise BadInput(f"{path} is not a regular file, so it is no ledger; move it away.")
        if not path.exists() and not full_files(path):
            raise BadInput(f"There is no ledger in {folder}; the next `streamliner publish` begins one.")
    return path


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    from stages.errors import BadInput

    try:
        yield
    except BrokenPipeError:
        raise  # the reader of standard output left
    except OSError as error:
        raise BadInput(f"The ledger {path} cannot be read: {error.strerror}.") from None


def _print_lines(entries: Iterator[dict[str, Any]]) -> None:
    import orjson

    sys.stdout.flush()
    for entry in entries:
        sys.stdout.buffer.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def _show(entries: Iterator[dict[str, Any]], path: Path, kind: str | None, *, whole: bool) -> None:
    from collections import deque

    found: deque[dict[str, Any]] = deque(maxlen=None if whole else _SHOWN)
    seen = 0
    for entry in entries:
        seen += 1
        found.append(entry)
    if not seen:
        click.echo("There are no such entries." if kind is None else _none_of(path, kind))
        return
    print_table(("time (UTC)", "run", "kind", "what"), [[_clean(cell) for cell in _row(entry)] for entry in found])
    if seen > len(found):
        click.echo(f"{seen - len(found):,} entries before these; --tail N shows more, --json all of them.")


def _row(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    time, run, kind = (str(entry.get(name, "")) for name in _OWN)
    rest = ", ".join(f"{name} {_plain(value)}" for name, value in entry.items() if name not in _OWN)
    return time[:19].replace("T", " "), run[:8], kind, rest


def _clean(text: str) -> str:
    """A ledger that somebody else wrote must not steer the terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _none_of(path: Path, kind: str) -> str:
    from stages.ledger import read_ledger

    kinds = Counter(str(entry.get("kind")) for entry in read_ledger(path))
    if not kinds:
        return "The ledger has no entries yet."
    return f"There are no entries of the kind {kind!r}; there are {', '.join(sorted(kinds))}."

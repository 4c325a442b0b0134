"""Entry points for fuzzing: any bytes are messages or refused in one sentence, in bounded time, and nothing else.

With atheris installed: ``python tests/fuzz/fuzz_ingest.py telegram CORPUS_FOLDER``; the names are those of
``ENTRY_POINTS``.
"""

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from stages.errors import BadInput
from stages.ingest.detect import CHATS, TABLES
from stages.ingest.export import ParseOptions, parse_export
from stages.ingest.limits import ZipLimits
from stages.ingest.zips import ZipReader

KEY = bytes(range(32))
LIMITS = ZipLimits(max_entries=1_000, max_bytes=64 << 20, chat_bytes=64 << 20)


def fuzz_export(data: bytes, *, platform: str | None = None, raw: bool = True) -> None:
    """An export of ``platform``, or of whichever it looks like."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input"
        path.write_bytes(data)
        options = ParseOptions(platform=platform, raw_authors=raw, limits=LIMITS, block_bytes=1 << 16)
        try:
            report = parse_export(path, Path(folder) / "out.parquet", key=KEY, options=options)
        except BadInput as refusal:
            one_sentence(refusal)
            return
        assert report.counts["entries"] > 0


def fuzz_zip(data: bytes) -> None:
    """A ZIP, of which every member is read to its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input"
        path.write_bytes(data)
        try:
            with ZipReader(path, LIMITS) as reader:
                for member in reader.members:
                    fuzz_member(reader, member.position, member.size)
        except BadInput as refusal:
            one_sentence(refusal)


def fuzz_member(reader: ZipReader, position: int, size: int) -> None:
    """One member: as many bytes as it states, or refused."""
    try:
        with reader.open(position) as stream:
            read = 0
            while block := stream.read(1 << 16):
                read += len(block)
        assert read == size
    except BadInput as refusal:
        one_sentence(refusal)


def one_sentence(refusal: BadInput) -> None:
    """Fail where a refusal is more than a line, or none."""
    said = str(refusal)
    assert said.endswith("."), said
    assert "\n" not in said.strip(), said


ENTRY_POINTS: dict[str, Callable[[bytes], None]] = {
    **{name: partial(fuzz_export, platform=name) for name in (*CHATS, *TABLES)},
    "detected": fuzz_export,
    "hidden": partial(fuzz_export, raw=False),
    "zip": fuzz_zip,
}


if __name__ == "__main__":
    import atheris  # type: ignore[import-not-found]

    atheris.instrument_all()
    entry_point = ENTRY_POINTS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, entry_point)
    atheris.Fuzz()

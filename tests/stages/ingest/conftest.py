"""Write a chat, read it back: what every test of the ingest room does."""

import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stages.ingest.export import ParseOptions, ParseReport, parse_export

KEY = bytes(range(32))


@dataclass
class Parsed:
    """What came back: the report and the rows in ``seq`` order."""

    report: ParseReport
    rows: list[dict[str, Any]]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    @property
    def said(self) -> list[tuple[str, str | None, str]]:
        """(local time as UTC, author, text) of each message."""
        return [(row["ts"].strftime("%Y-%m-%dT%H:%M:%S"), row["author"], row["text"]) for row in self.rows]


@pytest.fixture
def parse_file(tmp_path: Path) -> Callable[..., Parsed]:
    """Parse a file with raw authors unless told otherwise."""

    def parse(path: Path, *, key: bytes = KEY, **options: Any) -> Parsed:
        out = tmp_path / "out" / "messages.parquet"
        out.parent.mkdir(exist_ok=True)
        options.setdefault("raw_authors", True)
        report = parse_export(path, out, key=key, options=ParseOptions(**options))
        return Parsed(report, pq.read_table(out).to_pylist())

    return parse


@pytest.fixture
def parse(tmp_path: Path, parse_file: Callable[..., Parsed]) -> Callable[..., Parsed]:
    """Parse a text (str or bytes), with raw authors unless told otherwise."""

    def run(text: str | bytes, **options: Any) -> Parsed:
        path = tmp_path / "chat.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse_file(path, **options)

    return run


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    """A ZIP of (name, bytes) entries; repeated names stay repeated."""

    def make(entries: Iterable[tuple[str, bytes | str]], name: str = "export.zip") -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, content in entries:
                with pytest.MonkeyPatch.context() as quiet:
                    quiet.setattr("warnings.warn", lambda *args, **kwargs: None)
                    archive.writestr(entry, content)
        return path

    return make

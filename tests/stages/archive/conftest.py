"""Archives that texts of exports are merged into, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stages.archive.merge import MergeReport, ParsedExport, merge_export
from stages.archive.records import NameRecord
from stages.archive.store import Archive, hold_archive, open_archive
from stages.ingest.export import ParseOptions, parse_export
from tests.stages.archive.rows import KEY


@dataclass
class Chronicle:
    """An archive that texts of exports are merged into, one after the other."""

    archive: Archive
    folder: Path
    run_id: str = "run"
    names: list[NameRecord] = field(default_factory=list)
    taken: int = 0

    def parse(self, text: str, *, known: Sequence[NameRecord] | None = None, **options: Any) -> ParsedExport:
        """An export of a WhatsApp chat, parsed with the names that the archive has (or ``known``)."""
        self.taken += 1
        path = self.folder / f"export-{self.taken}.txt"
        path.write_bytes(text.encode())
        out = self.archive.work / f"export-{self.taken}.parquet"
        options.setdefault("date_order", "dmy")
        report = parse_export(
            path, out, key=KEY, options=ParseOptions(**options), known=self.names if known is None else known
        )
        return ParsedExport(
            f"{self.taken:064x}", report.date_order or "", report.platform, report.format, out, tuple(report.names), ()
        )

    def merge(self, export: ParsedExport | str, *, run_id: str = "run") -> MergeReport:
        """Merge an export, or the text of one."""
        if isinstance(export, str):
            export = self.parse(export)
        self.names += export.names
        return merge_export(str(self.archive.folder), export, key=KEY, run_id=run_id)

    def rows(self, columns: str = "*", table: str = "messages ORDER BY seq") -> list[dict[str, Any]]:
        """What is stored."""
        return self.archive.cursor().execute(f"SELECT {columns} FROM {table}").to_arrow_table().to_pylist()

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows(name)]


@pytest.fixture
def chronicles(tmp_path: Path) -> Iterator[Callable[[], Chronicle]]:
    """Makes archives, each in a folder of its own."""
    opened: list[tuple[Any, Archive]] = []

    def make() -> Chronicle:
        folder = tmp_path / f"chat-{len(opened)}"
        hold = hold_archive(folder / "archive")
        archive = open_archive(hold.__enter__())
        opened.append((hold, archive))
        return Chronicle(archive, folder)

    yield make
    for hold, archive in opened:
        archive.close()
        hold.__exit__(None, None, None)


@pytest.fixture
def chronicle(chronicles: Callable[[], Chronicle]) -> Chronicle:
    """An empty archive."""
    return chronicles()


@pytest.fixture(scope="module")
def shared_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """One archive for all examples of a test; each empties it first."""
    with hold_archive(tmp_path_factory.mktemp("chat")) as held, open_archive(held) as opened:
        yield opened

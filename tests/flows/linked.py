"""Chats that link to servers of the tests' own, and what an archive says became of the links."""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

FETCHING: Final = {
    "STREAMLINER_FETCH__ENABLED": "true",
    "STREAMLINER_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]',
    "STREAMLINER_FETCH__CONNECT_TIMEOUT_SECONDS": "2",
    "STREAMLINER_FETCH__TOTAL_TIMEOUT_SECONDS": "3",
    "STREAMLINER_FETCH__PAGE_MAX_MB": "0.2",
    "STREAMLINER_FETCH__CACHE": "false",
    "STREAMLINER_RETRY__ATTEMPTS": "2",
    "STREAMLINER_RETRY__WAIT_INITIAL_SECONDS": "0.01",
    "STREAMLINER_RETRY__WAIT_MAX_SECONDS": "0.02",
    "STREAMLINER_BREAKER__FAILURES": "1000",
}
"""Two tries with hardly a wait, no memory of other archives, and no breaker that would leave a site alone."""

PEOPLE: Final = ("Marisol Vexley", "Tobias Quandt")
WORDS: Final = "The lamp of the old lighthouse was lit again on Sunday evening, after forty years of darkness. "


def write_chat(path: Path, links: Sequence[str], files: Mapping[str, bytes] | None = None, a_day: int = 10_000) -> Path:
    """An Android export with a message for each link (and what is said behind it) and each attachment; ``a_day``
    messages on each day."""
    said = ["Did anyone find the missing cello?", "It was in the boathouse"]
    said += [f"look at {link}" for link in links] + [f"{name} (file attached)" for name in files or ()]
    lines = ["13/03/2026 08:00 - Messages and calls are end-to-end encrypted."]
    for number, text in enumerate(said):
        moment = datetime(2026, 3, 13, 9) + timedelta(days=number // a_day, minutes=number % a_day)
        lines.append(f"{moment:%d/%m/%Y %H:%M} - {PEOPLE[number % 2]}: {text}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as export:
        export.writestr("WhatsApp Chat.txt", "\n".join(lines) + "\n")
        for name, data in (files or {}).items():
            export.writestr(name, data)
    return path


def article(title: str, head: str = "", body: str = "") -> str:
    """A page with text enough to be read."""
    return (
        f'<html lang="en"><head><title>{title}</title>{head}</head>'
        f"<body><article><h1>{title}</h1><p>{WORDS * 6}</p>{body}</article></body></html>"
    )


def became(archive: Path) -> dict[str, tuple[Any, ...]]:
    """(state, attempts, class, reason) of every link and file, by its value."""
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT value, state, attempts, error_class, last_error FROM tasks").fetchall()
    return {value: tuple(row) for value, *row in rows}


def known(archive: Path) -> dict[str, dict[str, Any]]:
    """Everything that was learnt, by the value."""
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT * FROM enrichments ORDER BY key").to_arrow_table().to_pylist()
    return {row["value"]: row for row in rows}

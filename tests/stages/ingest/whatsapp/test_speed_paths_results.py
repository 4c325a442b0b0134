"""The fast paths give what the general ones give: on public samples, and on chats of every shape and line end."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput
from stages.ingest.whatsapp import known, layouts

SAMPLES = Path(__file__).parents[4].parent / "shared" / "fixtures"
FILES = sorted(path for kind in ("*.txt", "*.zip") for path in SAMPLES.rglob(kind)) if SAMPLES.is_dir() else []
HEADERS = [
    "{d:02}/{m:02}/2024, {h:02}:{i:02} - ", "{m}/{d}/24, {h}:{i:02} - ", "[{d:02}/{m:02}/2024, {h:02}:{i:02}:07] ",
    "\u200e[{d}.{m}.24, {h:02}:{i:02}:59] ", "{d:02}.{m:02}.24, {h:02}:{i:02} - ",
    "2024-{m:02}-{d:02}, {h:02}:{i:02} - ",
    "{d:02}/{m:02}/2024 à {h:02}:{i:02} - ", "[{h:02}:{i:02}:00, {d:02}/{m:02}/2024] ",
]  # fmt: skip


def outcome(parse_file: Callable[..., Any], path: Path, **options: Any) -> Any:
    try:
        parsed = parse_file(path, **options)
    except BadInput as error:
        return str(error)
    said = parsed.report.as_json()
    del said["seconds"], said["peak_rss_mb"]
    return parsed.rows, said


def both(parse_file: Callable[..., Any], path: Path, **options: Any) -> tuple[Any, Any]:
    fast = outcome(parse_file, path, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layouts, "_MOST_LAYOUTS", 0)
        patch.setattr(known, "_MOST", 0)
        general = outcome(parse_file, path, block_bytes=3_000, **options)
    return fast, general


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SAMPLES).as_posix())
def test_public_samples(parse_file: Callable[..., Any], path: Path) -> None:
    fast, general = both(parse_file, path)
    assert fast == general


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_written_chats(parse_file: Callable[..., Any], tmp_path: Path, header: str, end: str) -> None:
    rng = random.Random(header)
    people = ["Ana", "Rui Costa", "Zoë 😂", "+55 11 98888-7777", "n"]
    said = [
        "ok",
        "12:30 then",
        "a: b",
        "",
        "x\ny",
        "\n",
        "1/2/24, 9:05 - Ana: pasted",
        "<Media omitted>",
        "\u200eé",
        "Rui: no",
    ]
    lines = []
    for minute in range(400):
        stamp = header.format(d=1 + minute // 60, m=1 + minute % 2, h=minute // 17 % 24, i=minute % 60)
        event = (
            "Ana added Rui" if rng.random() < 0.03 else f"{rng.choice(people)}: {rng.choice(said)} {rng.choice(said)}"
        )
        lines.append(f"{stamp}{event}".replace("\n", end))
    path = tmp_path / "written.txt"
    path.write_bytes((end.join(lines) + end).encode())
    fast, general = both(parse_file, path, date_order="auto")
    assert fast == general
    assert not isinstance(fast, str)
    assert len(fast[0]) >= 390

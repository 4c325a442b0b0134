"""Chats written as Slack writes them are read back equal, whatever the split into days and the order within."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.ingest.export import ParseOptions, parse_export
from stages.ingest.slack.seen import Seen

NAMES = {"U01": "Ana", "U02": "Rui & Co", "U03": "C 😂", "U04": "<b>", "W05": "Мария"}
START = 1_704_412_800_000_000


class Said(NamedTuple):
    """One message: microseconds, user, what is written in pieces of (markup, plain text), and what it answers."""

    at: int
    user: str
    pieces: tuple[tuple[str, str], ...]
    answers: int | None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


PIECE = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf")), max_size=12).map(lambda text: (_escaped(text), text)),
    st.sampled_from(sorted(NAMES)).map(lambda user: (f"<@{user}>", f"@{NAMES[user]}")),
    st.sampled_from(
        [("\n", "\n"), ("<https://x.example/a?b=1&amp;c=2|p>", "p (https://x.example/a?b=1&c=2)"), ("<!here>", "@here")]
    ),
)


@st.composite
def chats(draw: st.DrawFn) -> list[Said]:
    moments = draw(st.lists(st.integers(1, 3 * 86_400_000_000 - 1), min_size=1, max_size=25, unique=True))
    found: list[Said] = []
    for at in moments:
        parent = draw(st.one_of(st.none(), st.sampled_from(moments)))
        pieces = draw(st.lists(PIECE, max_size=4))
        found.append(Said(START + at, draw(st.sampled_from(sorted(NAMES))), tuple(pieces), parent and START + parent))
    return found


def _ts(at: int) -> str:
    return f"{at // 1_000_000}.{at % 1_000_000:06d}"


def _write(path: Path, said: list[Said], repeats: bool) -> None:
    days: dict[str, list[dict[str, Any]]] = {}
    for one in said:
        day = f"{datetime.fromtimestamp(one.at / 1e6, UTC):%Y-%m-%d}"
        text = "".join(markup for markup, _ in one.pieces)
        entry = {"type": "message", "user": one.user, "text": text, "ts": _ts(one.at)}
        if one.answers is not None:
            entry["thread_ts"] = _ts(one.answers)
        days.setdefault(day, []).append(entry)
        if repeats:
            days[day].append({**entry, "subtype": "thread_broadcast"})
    with zipfile.ZipFile(path, "w") as archive:
        users = [
            {"id": user, "name": user.lower(), "profile": {"display_name": _escaped(name)}}
            for user, name in NAMES.items()
        ]
        archive.writestr("users.json", json.dumps(users))
        archive.writestr("channels.json", json.dumps([{"id": "C1", "name": "room"}]))
        for day, entries in days.items():
            archive.writestr(f"room/{day}.json", json.dumps(entries))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=chats(), repeats=st.booleans())
def test_what_was_written_is_read_back(said: list[Said], repeats: bool, tmp_path: Path) -> None:
    path, out = tmp_path / "slack.zip", tmp_path / "out.parquet"
    _write(path, said, repeats)
    report = parse_export(path, out, key=b"k" * 32, options=ParseOptions(raw_authors=True))
    rows = pq.read_table(out).to_pylist()
    expected = sorted(said)
    assert [round(row["ts"].timestamp() * 1_000_000) for row in rows] == [one.at for one in expected]
    assert [row["author"] for row in rows] == [NAMES[one.user] for one in expected]
    assert [row["text"] for row in rows] == ["".join(shown for _, shown in one.pieces) for one in expected]
    ids = {one.at: row["message_id"] for one, row in zip(expected, rows, strict=True)}
    assert [row["reply_to"] for row in rows] == [
        None if one.answers in (None, one.at) else ids[one.answers] for one in expected
    ]
    assert len(set(ids.values())) == len(said) == report.counts["entries"]


@settings(max_examples=100, deadline=None)
@given(
    batches=st.lists(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab"), st.sampled_from("xy"))), max_size=8)
)
def test_repeats_are_known_over_any_batches(batches: list[list[tuple[int, str, str]]]) -> None:
    met: set[tuple[int, str, str]] = set()
    seen = Seen()
    for batch in batches:
        entries = [(at * 500_000, author, text) for at, author, text in batch]
        seen.expect([at for at, _, _ in entries])
        for at, author, text in entries:
            known = {stamp for stamp, _, _ in met}
            assert seen.knows(at) == (at in known)
            key = (at, author, text if at % 1_000_000 == 0 else "")
            assert seen.meet(at, author, text) == ("again" if key in met else "shared" if at in known else "new")
            met.add(key)

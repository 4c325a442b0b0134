"""Rows of a table as drafts of messages, column-wise: cleaned, told apart by kind, and grouped by chat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.ingest.columns import Codes, Ints, Mask
from stages.ingest.draft import KIND_CODES, Draft
from stages.ingest.table import values
from stages.ingest.table.times import TimeColumn
from stages.ingest.zone import LocalTimes

_MARKS: Final = "[\u200e\u200f\u202a-\u202e\u061c\u2066-\u2069]"
_TEXT: Final = KIND_CODES["text"]
_MEDIA: Final = KIND_CODES["media"]
_SYSTEM: Final = KIND_CODES["system"]
_PLAIN: Final = str.maketrans("", "", "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u061c\u2066\u2067\u2068\u2069")


@dataclass
class Notes:
    """What had to be assumed, for the report: rows without an author, words that are no kind, no yes and no no."""

    authorless: int = 0
    odd_kinds: int = 0
    odd_edits: int = 0

    def sentences(self, unit: str) -> list[str]:
        """One sentence for each thing that was met."""
        said = []
        if self.authorless:
            said.append(f"{self.authorless} {unit}s have no author; they were read as notices of the app.")
        if self.odd_kinds:
            said.append(f"{self.odd_kinds} {unit}s are of a kind that is not known; they were read as text.")
        if self.odd_edits:
            said.append(f"{self.odd_edits} {unit}s say neither yes nor no to an edit; they were read as no.")
        return said


class Batches:
    """Makes drafts of batches of rows. ``picked`` is the chat that is wanted, None for all."""

    def __init__(self, times: TimeColumn, zone: LocalTimes, picked: str | None, notes: Notes) -> None:
        self._times = times
        self._zone = zone
        self._picked = picked
        self._notes = notes

    def take(self, clock: list[pa.Array], columns: Mapping[str, pa.Array]) -> tuple[Mask, list[Draft]]:
        """Which rows have a time, and the drafts of these: one a chat."""
        local, utc, good = self._times.read(clock, self._zone)
        kept = np.flatnonzero(good)
        chats = None
        names: list[str] = [""]
        if "chat" in columns:
            chats, found = values.distinct(columns["chat"])
            names = [name or "" for name in clean_names(found)]
            if self._picked is not None:
                wanted = np.array([name == self._picked for name in names], np.bool_)
                kept = kept[wanted[chats[kept]]]
        if not len(kept):
            return good, []
        if len(kept) < len(good):
            columns = {name: column.take(pa.array(kept)) for name, column in columns.items()}
        draft = self._draft(local[kept], utc[kept], columns)
        if chats is None:
            return good, [draft]
        # names that differ in marks alone are one chat
        number = {name: at for at, name in enumerate(dict.fromkeys(names))}
        codes = np.array([number[name] for name in names], np.int64)[chats[kept]]
        return good, _by_chat(draft, codes, list(number))

    def _draft(self, local: Ints, utc: Ints, columns: Mapping[str, pa.Array]) -> Draft:
        n = len(local)
        authors = _authors(columns["author"])
        texts = _texts(columns["text"])
        media = values.media(columns["media"]) if "media" in columns else _no_lists(n)
        kinds, media_there = self._kinds(columns.get("kind"), n), _filled(media)
        kinds = np.where((kinds == _TEXT) & media_there, _MEDIA, kinds).astype(np.int8)
        nobody = authors.is_null().to_numpy(zero_copy_only=False)
        unsaid = nobody & (kinds == _TEXT)
        self._notes.authorless += int(unsaid.sum())
        kinds[unsaid] = _SYSTEM
        edits = np.zeros(n, np.bool_)
        if "edited" in columns:
            edits, odd = values.edited(columns["edited"])
            self._notes.odd_edits += int(odd.sum())
        wordings = texts
        signers = authors.dictionary_decode()
        notices = np.flatnonzero((kinds == _SYSTEM) & ~nobody)
        if len(notices):
            texts = _notices(texts, signers, notices, columns.get("kind"))
            silent = np.zeros(n, np.bool_)
            silent[notices] = True
            authors = pa.DictionaryArray.from_arrays(
                pc.if_else(pa.array(silent), pa.scalar(None, pa.int32()), authors.indices), authors.dictionary
            )
        return Draft(
            local=local // 1_000_000,
            utc=utc,
            authors=authors,
            texts=texts,
            kinds=kinds,
            media=media,
            edited=edits,
            signers=signers,
            wordings=wordings,
            keys=values.keys(columns["id"]) if "id" in columns else None,
            replies=values.keys(columns["reply_to"]) if "reply_to" in columns else None,
            reactions=values.reactions(columns["reactions"]) if "reactions" in columns else None,
            links=columns.get("links"),
            topics=_texts(columns["topic"], empty=None) if "topic" in columns else None,
        )

    def _kinds(self, column: pa.Array | None, n: int) -> Codes:
        if column is None:
            return np.full(n, _TEXT, np.int8)
        kinds, odd = values.kinds(column)
        self._notes.odd_kinds += int(odd.sum())
        return kinds


def clean_names(names: Sequence[str | None]) -> list[str | None]:
    """Names without marks of direction and spaces around them; None where nothing is left."""
    return [None if name is None else name.translate(_PLAIN).replace("\0", "\ufffd").strip() or None for name in names]


def _authors(column: pa.Array) -> pa.DictionaryArray:
    codes, raw = values.distinct(column)
    clean = clean_names(raw)
    number = {name: at for at, name in enumerate(dict.fromkeys(name for name in clean if name is not None))}
    table = np.array([-1 if name is None else number[name] for name in clean], np.int32)
    indices = table[codes]
    known = pa.array(list(number), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32(), mask=indices < 0), known)


def _texts(column: pa.Array, empty: str | None = "") -> pa.StringArray:
    """Texts with LF at the ends of lines and without marks of direction; only what needs it is rewritten."""
    texts = column if empty is None else pc.fill_null(column, empty)
    raw = texts.buffers()[2]
    data = memoryview(raw).tobytes() if raw is not None else b""
    if b"\r" in data:
        texts = pc.replace_substring_regex(texts, "\r\n?", "\n")
    if b"\0" in data:
        texts = pc.replace_substring(texts, "\0", "\ufffd")
    if b"\xe2\x80" in data or b"\xe2\x81" in data or b"\xd8\x9c" in data:
        hit = pc.match_substring_regex(texts, _MARKS)
        if pc.any(hit).as_py():
            texts = pc.if_else(hit, pc.replace_substring_regex(texts, _MARKS, ""), texts)
    return texts


def _notices(texts: pa.StringArray, authors: pa.StringArray, rows: Ints, kinds: pa.Array | None) -> pa.StringArray:
    """Texts of events that have an author in the table: whose they are is said in the text. For the few of them."""
    changed = texts.to_pylist()
    for row in rows.tolist():
        author, text = authors[row].as_py(), changed[row]
        if author in text:
            continue
        what = text or (kinds[row].as_py() if kinds is not None else "") or "notice"
        changed[row] = f"{author}: {what}"
    return pa.array(changed, pa.string())


def _no_lists(n: int) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.zeros(n + 1, np.int32)), pa.array([], pa.string()))


def _filled(lists: pa.ListArray) -> Mask:
    return pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False) > 0  # type: ignore[no-any-return]


def _by_chat(draft: Draft, codes: Ints, names: Sequence[str]) -> list[Draft]:
    """A draft for each chat, in the order of their first messages; inside a chat the order stays."""
    distinct, first = np.unique(codes, return_index=True)
    drafts = []
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], distinct)
    for at in np.argsort(first).tolist():
        stop = edges[at + 1] if at + 1 < len(edges) else len(codes)
        rows = order[edges[at] : stop]
        drafts.append(_taken(draft, rows, names[int(distinct[at])]))
    return drafts


def _taken(draft: Draft, rows: Ints, chat: str) -> Draft:
    def taken(column: Any) -> Any:
        if column is None or isinstance(column, np.ndarray):
            return None if column is None else column[rows]
        return column.take(pa.array(rows))

    fields = (
        "local", "utc", "authors", "texts", "kinds", "media", "edited", "signers", "wordings", "keys", "replies",
        "reactions", "topics", "links",
    )  # fmt: skip
    return Draft(**{name: taken(getattr(draft, name)) for name in fields}, chat=chat)

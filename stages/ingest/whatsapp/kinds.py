"""What a message is: marks before phrases, and forms that need no dictionary before both.

Everything is column-wise: flags come from the block's bytes, regular expressions (RE2) see only the rows that a cheap
test lets through. Nothing here changes a text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.schema import KINDS
from stages.ingest.columns import Ints, Mask
from stages.ingest.names import fold
from stages.ingest.whatsapp.clean import Texts
from stages.ingest.whatsapp.phrases import load_phrases

TEXT, MEDIA, SYSTEM, DELETED, POLL, CALL, LOCATION, CONTACT = range(len(KINDS))

_FEW_ROWS: Final = 200
_NAME: Final = r"[^\n<>|\x00]{0,250}?[^\n<>| ]\.[^\W_]{1,10}"
_BLANK: Final = r"[ \t\n\f\r]?"
_ANDROID: Final = re.compile(rf"(?P<name>{_NAME}) +\((?P<word>[^()\n]{{2,40}})\) *(?:\n|\Z)")
_WEB: Final = re.compile(rf"(?:\[[^\[\]\n]+\] )?(?P<name>{_NAME}) \((?P<word>[^()\n]{{2,40}})\) ")
_IOS: Final = re.compile(rf"<{_BLANK}(?P<word>[^<>:\n]{{2,40}}):{_BLANK}(?P<name>{_NAME}){_BLANK}>")
_OLD_IOS: Final = re.compile(rf"(?P<name>{_NAME}) <(?P<word>[^<>:\n]{{2,40}})> *(?:\n|\Z)")
# a name without an ending is one only where the ZIP lists it
_BARE: Final = r"[^\n<>|\x00]{1,250}?"
_ANDROID_BARE: Final = re.compile(rf"(?P<name>{_BARE}) +\((?P<word>[^()\n]{{2,40}})\) *(?:\n|\Z)")
_IOS_BARE: Final = re.compile(rf"<{_BLANK}(?P<word>[^<>:\n]{{2,40}}):{_BLANK}(?P<name>{_BARE}){_BLANK}>")
# names that WhatsApp itself gives
_OWN_NAME: Final = (
    r"^(?:(?:IMG|VID|AUD|PTT|DOC|STK)-\d{8}-WA\d{3,}\..+"
    r"|\d{5,10}-(?:PHOTO|VIDEO|AUDIO|GIF|STICKER)-\d{4}(?:-\d\d){5}\..+|\d{4}-\d\d-\d\d-(?:PHOTO|VIDEO|AUDIO)-\d{5,10}\..+)$"
)
_OMITTED: Final = r"^<[^<>\n=/\"@:]{3,40}>$"
_MAP: Final = r"^[^:\n]{1,60}: ?(?:-?[\d.]+, -?[\d.]+ - )?https://maps\.google\.com/\?q=-?\d[\d.]*,-?\d[\d.]*"
_PLACE: Final = r"(?:^|: ?)https://(?:www\.)?foursquare\.com/v/\S+$"
_CARD: Final = r"(?i)\.(?:vcf|vcard)$"


@dataclass(frozen=True)
class Classified:
    """``codes`` index KINDS; ``media`` is one name or null; ``edited``; ``notice`` are system notices that stand
    under somebody's name."""

    codes: npt.NDArray[np.int8]
    media: pa.StringArray
    edited: Mask
    notice: Mask


def classify(
    kept: Texts, authored: Mask, bracket: Mask, *, marked_file: bool, members: Mapping[str, Any]
) -> Classified:
    """The kinds of a block's texts.

    ``authored`` and ``bracket``: whether a message has an author, and its header brackets.

    ``marked_file`` tells that the app's own marks survived in the file, ``members`` holds the ZIP's names (folded by
    :func:`fold`).
    """
    texts, n = kept.clean, len(kept.clean)
    codes = np.where(authored, TEXT, SYSTEM).astype(np.int8)
    media: list[tuple[Ints, pa.StringArray]] = []
    edited = np.zeros(n, np.bool_)
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    app = kept.body_marked | kept.inner_mark
    trusted = app | ~bracket | (not marked_file)
    _phrases(kept, codes, lengths, authored, bracket, trusted)
    _attachments(kept, codes, media, app, authored, bracket, members)
    _places(texts, codes, np.flatnonzero(kept.placed & authored), trusted)
    _polls(texts, codes, authored & trusted & kept.headed)
    _edits(kept, codes, edited, authored)
    codes[authored & (lengths == 0)] = MEDIA
    notice = np.zeros(n, np.bool_)
    left = authored & bracket & kept.body_marked & (codes == TEXT) & ~edited
    # iOS marks the line itself where something was sent, and only the text where it speaks itself
    codes[left & kept.line_marked] = MEDIA
    notice[left & ~kept.line_marked] = True
    codes[notice] = SYSTEM
    return Classified(codes, _column(media, n), edited, notice)


@cache
def _whole() -> tuple[pa.StringArray, npt.NDArray[np.int8], npt.NDArray[np.bool_], Ints]:
    """Texts that are a phrase as a whole: the texts, their kinds, whether only iOS writes them, and their signs."""
    words = load_phrases().words
    table: dict[str, tuple[int, bool]] = {}
    for phrase in words["omitted"]:
        table[f"<{phrase}>"] = (MEDIA, False)
    for phrase in (*words["omitted_typed"], *words["omitted_document"]):
        table[phrase] = (MEDIA, True)
    for phrase in words["omitted_contact"]:
        table[phrase] = (CONTACT, True)
    for phrase in words["deleted"]:
        table[phrase] = (DELETED, False)
    for phrase in words["live_location"]:
        table[phrase] = (LOCATION, False)
    for phrase in words["calls"]:
        table[phrase] = (CALL, False)
    return (
        pa.array(list(table), pa.string()),
        np.array([kind for kind, _ in table.values()], np.int8),
        np.array([ios for _, ios in table.values()], np.bool_),
        np.unique([_sign(np.array([len(t)]), np.array([t[0]]), np.array([t[-1]]))[0] for t in map(str.encode, table)]),
    )


@cache
def _edges() -> npt.NDArray[np.bool_]:
    """Whether some phrase has such first and last bytes, by first << 8 | last."""
    edges = np.zeros(1 << 16, np.bool_)
    edges[_whole()[3] & 0xFFFF] = True
    return edges


@cache
def _any_of(use: str) -> str:
    return load_phrases().alternatives(use)


@cache
def _deleted() -> str:
    return "|".join(sorted({re.escape(word.rstrip(".。")) for word in load_phrases().words["deleted"]}))


def _sign(length: Any, first: Any, last: Any) -> Ints:
    """Length, first and last byte as one number: a cheap test that lets few texts through."""
    return np.asarray((length.astype(np.int64) << 16) | (first.astype(np.int64) << 8) | last.astype(np.int64), np.int64)


def _phrases(
    kept: Texts, codes: npt.NDArray[np.int8], lengths: Ints, authored: Mask, bracket: Mask, trusted: Mask
) -> None:
    texts = kept.clean
    phrases, kinds, ios, signs = _whole()
    edges = _edges()[(kept.first.astype(np.uint16) << 8) | kept.last]
    rows = np.flatnonzero((kept.body_marked | kept.inner_mark | edges) & (lengths > 0) & (lengths <= 160))
    likely = np.isin(_sign(lengths[rows], kept.first[rows], kept.last[rows]), signs)
    rows = rows[likely | kept.body_marked[rows] | kept.inner_mark[rows]]
    found = pc.index_in(texts.take(pa.array(rows)), phrases).fill_null(-1).to_numpy(zero_copy_only=False)
    rows, found = rows[found >= 0], found[found >= 0]
    good = trusted[rows] & (~ios[found] | bracket[rows])
    # what has no author is an event: of these kinds only a call can be one
    good &= authored[rows] | (kinds[found] == CALL)
    codes[rows[good]] = kinds[found[good]]
    view_once = np.flatnonzero(authored & (lengths == 4) & (kept.last == 0x6C))
    codes[_hits(texts, view_once, "^null$")] = MEDIA
    spoken = np.flatnonzero((kept.body_marked | ~authored) & (lengths <= 200))
    codes[_few_hits(texts, spoken, rf"^(?:{_any_of('calls')})(?:[ \t\n\f\r,.:•(].*)?$")] = CALL
    removed = np.flatnonzero(kept.body_marked & bracket & (lengths <= 400))
    codes[_hits(texts, removed, rf"^(?:{_deleted()})(?:[\s.].*)?$")] = DELETED
    documents = np.flatnonzero(kept.inner_mark & bracket)
    endings = _any_of("omitted_document")
    # the whole form takes long to compile, and few texts end so
    documents = _hits(texts, documents, rf"(?:{endings})$")
    codes[_hits(texts, documents, rf"[^\n]\.[\p{{L}}\p{{N}}]{{1,10}}\b[^\n]*(?:{endings})$")] = MEDIA
    quoted = np.flatnonzero(authored & (codes == TEXT) & (kept.last == 0x3E) & (lengths >= 5) & (lengths <= 140))
    quoted = quoted[_hits(texts, quoted, _OMITTED, positions=True)]
    # <b> and <script> are what people type; the app writes words, with spaces or beyond ASCII
    codes[_hits(texts, quoted, r"[ ]|[^\x00-\x7F]")] = MEDIA
    captioned = np.flatnonzero(authored & bracket & kept.angle & (codes == TEXT) & (kept.first == 0x3C))
    codes[_hits(texts, captioned, rf"^<(?:{_any_of('omitted_typed')}|{_any_of('omitted_document')})> ")] = MEDIA
    _captions(kept, codes, authored, bracket)


def _captions(kept: Texts, codes: npt.NDArray[np.int8], authored: Mask, bracket: Mask) -> None:
    """Media that were left out and their captions: Android puts them below its phrase, iOS before it."""
    below = np.flatnonzero(authored & ~bracket & kept.angle & (codes == TEXT) & (kept.first == 0x3C))
    codes[_hits(kept.clean, below, rf"^<(?:{_any_of('omitted')})> *\n")] = MEDIA
    before = np.flatnonzero(authored & bracket & kept.inner_mark & (codes == TEXT) & (kept.last != 0x3E))
    codes[_hits(kept.clean, before, rf"[\s\x{{A0}}\x{{202F}}](?:{_any_of('omitted_typed')})$")] = MEDIA


def _attachments(
    kept: Texts,
    codes: npt.NDArray[np.int8],
    media: list[tuple[Ints, pa.StringArray]],
    app: Mask,
    authored: Mask,
    bracket: Mask,
    members: Mapping[str, Any],
) -> None:
    known = pa.array(sorted(load_phrases().words["attached"]), pa.string())
    texts = kept.clean
    # what RE2 lets through is taken apart by Python: RE2 is slow where it must tell what stands where
    forms = [
        (_IOS.search, r"<[^<>\n]+:[^<>\n]*\.[^<>\n]+>", kept.angle, False),
        (_ANDROID.match, r"\.[^ ()\n]+ +\([^()\n]+\) *(?:\n|$)", kept.round, False),
        (_OLD_IOS.match, r"\.[^ <>\n]+ <[^<>:\n]+> *(?:\n|$)", kept.angle, False),
        (_WEB.match, r"\.[^ ()\n]+ \([^()\n]+\) ", kept.round & bracket, False),
    ]
    if members:
        phrase = rf"^[^\n]+ \((?:{_any_of('attached')})\) *(?:\n|$)"
        forms += [
            (_IOS_BARE.search, r"<[^<>\n]+:[^<>\n]+>", kept.angle & app, True),
            (_ANDROID_BARE.match, phrase, kept.round, True),
        ]
    for find, likely, bracketed, listed in forms:
        rows = np.flatnonzero(authored & bracketed & (codes == TEXT))
        rows = rows[_hits(texts, rows, likely, positions=True)]
        found = [find(text) for text in texts.take(pa.array(rows)).to_pylist()]
        rows = rows[[match is not None for match in found]] if found else rows
        if not len(rows):
            continue
        names = pa.array([match["name"] for match in found if match], pa.string())
        words = pa.array([match["word"] for match in found if match], pa.string())
        sure = (app[rows] | pc.is_in(words, known).to_numpy(zero_copy_only=False)) & (not listed)
        sure |= pc.match_substring_regex(names, _OWN_NAME).to_numpy(zero_copy_only=False)
        if members and not sure.all():
            unsure = np.flatnonzero(~sure)
            sure[unsure] = [fold(name) in members for name in names.take(pa.array(unsure)).to_pylist()]
        rows, names = rows[sure], names.filter(pa.array(sure))
        card = pc.match_substring_regex(names, _CARD).to_numpy(zero_copy_only=False)
        codes[rows] = np.where(card, CONTACT, MEDIA)
        media.append((rows, names))


def _places(texts: pa.StringArray, codes: npt.NDArray[np.int8], rows: Ints, trusted: Mask) -> None:
    rows = rows[codes[rows] == TEXT]
    codes[_hits(texts, rows[trusted[rows]], _MAP)] = LOCATION
    # places of Foursquare carry no mark on any phone
    codes[_hits(texts, rows, _PLACE)] = LOCATION


def _polls(texts: pa.StringArray, codes: npt.NDArray[np.int8], candidates: Mask) -> None:
    rows = np.flatnonzero(candidates & (codes == TEXT))
    rows = rows[_hits(texts, rows, rf"^(?:{_any_of('poll')}): *\n", positions=True)]
    codes[_hits(texts, rows, rf"\n(?:{_any_of('option')}):? ")] = POLL


def _edits(kept: Texts, codes: npt.NDArray[np.int8], edited: Mask, authored: Mask) -> None:
    texts = kept.clean
    rows = np.flatnonzero(authored & kept.angle & ~np.isin(codes, (SYSTEM, DELETED, CALL)))
    edited[_hits(texts, rows, rf"<(?:{_any_of('edited')})>$")] = True
    # in a language without a list: words in angle brackets at the end, behind a mark
    rows = rows[kept.inner_mark[rows] & ~edited[rows] & (codes[rows] == TEXT)]
    edited[_hits(texts, rows, r"\S ?<[^<>:\n.]{6,60}\.?>$")] = True


def _hits(texts: pa.StringArray, rows: Ints, form: str, *, positions: bool = False) -> Any:
    """Those of the rows whose text matches; with ``positions`` a mask over the rows instead."""
    if not len(rows):
        return np.zeros(0, np.bool_) if positions else rows
    mask = pc.match_substring_regex(texts.take(pa.array(rows)), form).to_numpy(zero_copy_only=False)
    return mask if positions else rows[mask]


def _few_hits(texts: pa.StringArray, rows: Ints, form: str) -> Ints:
    """The same for a form that reads alike in Python, where few rows are not worth the time that RE2 compiles."""
    if not 0 < len(rows) <= _FEW_ROWS:
        return np.asarray(_hits(texts, rows, form), np.int64)
    pattern = _compiled(form)
    return rows[[pattern.match(text) is not None for text in texts.take(pa.array(rows)).to_pylist()]]


@cache
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(form.removesuffix("$") + r"\Z")


def _column(media: list[tuple[Ints, pa.StringArray]], n: int) -> pa.StringArray:
    """The names that were found, as a column of ``n`` rows."""
    if not media:
        return pa.nulls(n, pa.string())
    rows = np.concatenate([part[0] for part in media])
    names = pa.concat_arrays([part[1] for part in media])
    at = np.full(n, -1, np.int64)
    at[rows] = np.arange(len(rows))
    return names.take(pa.array(at, mask=at < 0))

"""Cells of the optional columns as what they mean: kinds, marks of editing, lists of files, counts, ids.

Each distinct cell is looked at once; rows are numbers into the distinct ones.
"""

import ast
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.schema import KINDS
from stages.ingest.columns import Codes, Ints, Mask
from stages.ingest.draft import KIND_CODES, NO_KEY
from stages.ingest.table.names import words

_Value = TypeVar("_Value")
_NONE: Final = frozenset(("", "null", "none", "nan", "nat", "n/a", "na", "undefined", "\\n", "-", "[]", "{}", "<na>"))
_NONE_VALUES: Final = pa.array(sorted(_NONE), pa.string())
_FALSE: Final = _NONE | words(
    "0 0.0 false f no n não nao nein non falso falsch faux off never not_edited unedited original"
)
_TRUE: Final = words(
    "1 1.0 true t yes y sim s sí si ja j oui o x ✓ ✔ on wahr vrai verdadeiro verdadero edited editado editada "
    "bearbeitet modifié modifie modificado modificada"
)
_SYNONYMS: Final = {
    "text": "message msg chat chat_message plain plaintext txt conversation default reply regular normal sms mensagem "
    "mensaje nachricht texto texte extendedtext extended_text notice_text user",
    "media": "image photo picture img video audio voice voice_message ptt file document doc sticker gif animation "
    "attachment attachments mms album video_note round_video imagem imagen foto bild vidéo áudio documento archivo "
    "arquivo datei fichier figurinha",
    "system": "service join joined leave left event notification notice info system_message e2e_notification "
    "member_joined member_left groupmemberjoin guildmemberjoin channel_join channel_leave added removed created pin "
    "pinned sistema dienst système group_notification topic_change rename status admin",
    "deleted": "revoked removed_message tombstone redacted unsent apagada eliminado gelöscht supprimé delete",
    "poll": "quiz survey vote enquete encuesta umfrage sondage poll_creation",
    "call": "voice_call video_call missed_call phone_call call_log missedcall chamada llamada anruf appel",
    "location": "live_location place venue geo position localização ubicación standort localisation",
    "contact": "vcard card contact_card contacts contacto contato kontakt",
}
_KIND: Final = {name: kind for kind in KINDS for name in (kind, *_SYNONYMS[kind].split())}
_PARENTHESISED: Final = re.compile(r"\(\s*(\d{1,9})\s*\)")
_FILE: Final = re.compile(r"(?:.*\.[A-Za-z0-9]{1,8}|\w+://\S+)", re.DOTALL)


def distinct(column: pa.Array) -> tuple[Ints, list[str | None]]:
    """Codes of a column of strings and its distinct values; null is a value of its own."""
    encoded = column.dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def mapped(column: pa.Array, function: Callable[[str | None], _Value]) -> tuple[Ints, list[_Value]]:
    """The codes of a column and what the function makes of each distinct value."""
    codes, values = distinct(column)
    return codes, [function(value) for value in values]


def missing(value: str | None) -> bool:
    """Whether a cell of an optional column says that there is nothing."""
    return value is None or value.strip().casefold() in _NONE


def kind_of(value: str | None) -> str | None:
    """The kind that a cell names, by its own name or a common one; None for a word that is none, or nothing."""
    if missing(value):
        return None
    assert value is not None
    word = re.sub(r"[\s\-.]+", "_", value.strip().casefold())
    # a type of MIME, or of an app with its prefix
    word = word.split("/")[0] if "/" in word else word
    return _KIND.get(word) or _KIND.get(word.removesuffix("_message")) or _KIND.get(word.replace("_", ""))


def kinds(column: pa.Array) -> tuple[Codes, Mask]:
    """Codes of kinds, text where nothing or another word stands; and where a word stands that is no kind."""
    codes, found = mapped(column, lambda value: (kind_of(value), not missing(value)))
    table = np.array([KIND_CODES[kind or "text"] for kind, _ in found], np.int8)
    odd = np.array([kind is None and there for kind, there in found], np.bool_)
    return table[codes], odd[codes]


def edited(column: pa.Array) -> tuple[Mask, Mask]:
    """Which rows were edited: a yes in many spellings, or the time of it; and where neither yes nor no stands."""

    def read(value: str | None) -> tuple[bool, bool]:
        word = "" if value is None else value.strip().casefold()
        if word in _FALSE:
            return False, False
        if word in _TRUE or len(re.findall(r"\d", word)) >= 6:
            return True, False
        return False, True

    codes, found = mapped(column, read)
    both = np.array(found, np.bool_).reshape(-1, 2)
    return both[codes, 0], both[codes, 1]


def media(column: pa.Array) -> pa.ListArray:
    """Lists of files: a list of Parquet's, or JSON, or names with ``;`` or ``,`` between them."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lists = [_named(value or []) for value in column.to_pylist()]
        return pa.array(lists, pa.list_(pa.string()))
    codes, found = mapped(column, files)
    values = pa.array(found, pa.list_(pa.string()))
    return values.take(pa.array(codes))


def files(value: str | None) -> list[str]:
    """The files that one cell names."""
    if missing(value):
        return []
    assert value is not None
    stripped = value.strip()
    if stripped.startswith(("[", "{")) and (parsed := _literal(stripped)) is not None:
        return _named(parsed if isinstance(parsed, list | tuple) else [parsed])
    for separator in (";", "|", ",", "\n"):
        parts = [part.strip() for part in stripped.split(separator) if part.strip()]
        # a comma inside a name is none between names
        if len(parts) > 1 and (separator == ";" or all(_FILE.fullmatch(part) for part in parts)):
            return parts
    return [stripped.strip(";, ")] if stripped.strip(";, ") else []


def reactions(column: pa.Array) -> pa.Int32Array:
    """How many reactions each row counts, null where nothing is said."""
    codes, found = mapped(column, _reactions)
    return pa.array(found, pa.int32()).take(pa.array(codes))


def keys(column: pa.Array) -> Ints:
    """Ids of any form as numbers that stay: 63 bits of a hash; NO_KEY where there is none. A microsecond each."""
    clean = pc.utf8_trim_whitespace(column)
    if pc.any(pc.match_substring(clean, ".0")).as_py():
        # a column of whole numbers with gaps is written as decimals by many tools
        clean = pc.replace_substring_regex(clean, r"^(\d+)\.0+$", r"\1")
    there = pc.invert(pc.fill_null(pc.is_in(pc.utf8_lower(clean), value_set=_NONE_VALUES), True))
    there = pc.and_(there, clean.is_valid())
    blake2b = hashlib.blake2b
    digests = [blake2b(value, digest_size=8).digest() for value in clean.filter(there).cast(pa.binary()).to_pylist()]
    result: Ints = np.full(len(column), NO_KEY, np.int64)
    hashes = np.frombuffer(b"".join(digests), ">u8") & np.uint64((1 << 63) - 1)
    result[there.to_numpy(zero_copy_only=False)] = hashes.astype(np.int64)
    return result


def _reactions(value: str | None) -> int | None:
    if missing(value):
        return None
    assert value is not None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}(?:\.0+)?", text):
        return int(text.split(".")[0])
    if text.startswith(("[", "{")) and (parsed := _literal(text)) is not None:
        return min(_counted(parsed), (1 << 31) - 1)
    if counts := _PARENTHESISED.findall(text):
        return min(sum(map(int, counts)), (1 << 31) - 1)
    return len([part for part in re.split(r"[;,\s]+", text) if part])


def _counted(parsed: Any) -> int:
    """Reactions in JSON: emoji -> count or people, a list of emoji, or of objects with a count."""
    if isinstance(parsed, dict):
        if isinstance(count := parsed.get("count", parsed.get("total")), int):
            return count
        return sum(max(_counted(value), 0) for value in parsed.values())
    if isinstance(parsed, list | tuple):
        return sum(_counted(item) if isinstance(item, dict) and _has_count(item) else 1 for item in parsed)
    return int(parsed) if isinstance(parsed, int | float) and 0 <= parsed < 1 << 31 else 1


def _has_count(item: dict[Any, Any]) -> bool:
    return isinstance(item.get("count", item.get("total")), int)


def _literal(text: str) -> Any:
    """JSON, or a list as Python prints it; None where it is neither."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > 100_000:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _named(items: Any) -> list[str]:
    """Names of files out of a list of names or of objects that have one."""
    found = []
    for item in items:
        if isinstance(item, dict):
            names = ("name", "filename", "file_name", "fileName", "path", "file", "url", "uri", "src")
            item = next((item[name] for name in names if item.get(name)), None)
        if isinstance(item, str | int) and not missing(str(item)):
            found.append(str(item).strip())
    return found

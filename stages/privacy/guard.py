"""The guard: every name, number and address that comes in raw leaves as a pseudonym or a neutral word.

It is built once per export from all author names (and from the MACs of earlier exports) and then reads texts block by
block. Replacing is one pass over each text: spans are found first, longest at each place, and put in together, so that
two people who swapped names stay two people. What it writes it never reads as a name: applied twice it changes
nothing.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.archive.records import NameRecord
from stages.privacy.addresses import View, addresses, links
from stages.privacy.alias import Aliases, identity
from stages.privacy.finder import NameFinder
from stages.privacy.fold import fold, words
from stages.privacy.names import Entry, Lexicon, Macs, alias_end
from stages.privacy.numbers import find_numbers, forms
from stages.privacy.prefilter import Prefilter
from stages.privacy.signs import Signs
from stages.privacy.spans import Span, Taken, merged
from stages.privacy.vocabulary import ADDRESS, NAME, NUMBER

_SIGNS: Final = re.compile(r"[@%&\\/:?\d]|\.\w")
"""What numbers, addresses, mentions, links, escapes and cards cannot do without."""
_ISOLATED: Final = re.compile(r"@[~\s]{0,2}\u2068([^\u2066-\u2069\r\n]{1,200})\u2069")
_CARD: Final = re.compile(r"(?:^|[:<\n])[ \u200e\u200f]*([^\s:<>/\\][^\n:<>/\\]{0,98}?)\.vcf\b", re.IGNORECASE)
_CACHED: Final = 1 << 15
_CARD_FIELD: Final = re.compile(r"^(?:item\d+\.)?(?:FN|N|NICKNAME)(?:;[^:\n]*)?:(.+)$", re.IGNORECASE | re.MULTILINE)


class Guard:
    """Replaces names, numbers and addresses. Not safe for use by several threads at once (it learns as it reads)."""

    def __init__(self, key: bytes, names: Iterable[str], known: Sequence[NameRecord], region: str | None) -> None:
        self._macs = Macs(key)
        self._region = region
        self._aliases = Aliases(key, {row.mac: row.alias for row in known if row.alias and not row.words})
        self._known_phones = {row.mac: row.alias for row in known if row.kind == "phone"}
        self._known_emails = {row.mac: row.alias for row in known if row.kind == "email"}
        self._identities: dict[str, str] = {}
        self._met: dict[str, str] = {}  # apart, so that what a text becomes depends on no text before it
        self._called: dict[str, str] = {}
        self._replaced: dict[str, bool] = {}
        self._phones: dict[str, str | None] = {}
        self._records: dict[tuple[str, str], NameRecord] = {}
        self._raw: dict[str, str] = {}
        self._lexicon = Lexicon(self._macs, known)
        self._learn(names)
        self._regions = [region.upper()] if region else self._regions_of_authors()
        self._prefilter = Prefilter(self._lexicon, Signs(self._phones, any_number=bool(self._known_phones)))
        self._finder = NameFinder(self._lexicon)

    @classmethod
    def build(
        cls, key: bytes, names: Iterable[str], *, known: Sequence[NameRecord] = (), region: str | None = None
    ) -> "Guard":
        """A guard for texts in which ``names`` (raw, every author and mention of the export) may stand.

        ``known`` are the records of earlier exports: MACs, compared with each distinct word. ``region`` (ISO 3166)
        is where numbers without a country's code are dialled; else the regions of authors that are numbers. Cost:
        linear in the names.
        """
        return cls(key, names, known, region)

    def authors(self, raw: Any) -> pa.Array:
        """Aliases for raw names (string or dictionary of strings, array or chunks), null for null.

        Cost: one hash per distinct name. A name that was not given to :meth:`build` gets its alias all the same.
        """
        column = raw.combine_chunks() if isinstance(raw, pa.ChunkedArray) else raw
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        names = column.dictionary.to_pylist()
        used = [name for name in names if name is not None]
        self._learn_late(used)
        aliases = pa.array([None if name is None else self._raw[name] for name in names], pa.string())
        return aliases.take(column.indices)

    def texts(self, texts: Any) -> pa.Array:
        """The texts (string array or chunks) with everything replaced, null for null.

        Cost: a few vectorised passes over the bytes; Python for the rows that may hold something, and once for each
        distinct word where names are known by MAC only or by the thousand.
        """
        column = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        column = column.cast(pa.string())
        rows, replaced = self.changes(column)
        if not len(rows):
            return column
        mask = np.zeros(len(column), np.bool_)
        mask[rows] = True
        return pc.replace_with_mask(column, pa.array(mask), replaced)

    def changes(self, texts: pa.StringArray) -> tuple[npt.NDArray[np.int64], pa.StringArray]:
        """The rows in which something is replaced, in order, and their texts then."""
        places, whole = self._prefilter.places(texts)
        before = texts.take(pa.array(places)).to_pylist()
        rows: list[int] = []
        after: list[str] = []
        for row, more, old in zip(places.tolist(), whole.tolist(), before, strict=True):
            new = self.text(old) if more else self._plain(old)
            if new != old:
                rows.append(row)
                after.append(new)
        return np.array(rows, np.int64), pa.array(after, pa.string())

    def text(self, value: str) -> str:
        """One text with everything replaced."""
        if not _SIGNS.search(value):
            return self._plain(value)
        view = View(value)
        spans = self._spans(view.text)
        if not spans:
            return value
        return _put(value, [(*view.source(span.start, span.end), span) for span in spans], links(view.text))

    def _plain(self, value: str) -> str:
        """A text in which only names can stand that are no mentions, as most: the same result in less time."""
        found = self._finder.find(value)
        if not found:
            return value
        spans = [_named(match.start, match.end, match.entry) for match in found]
        spans = merged(value, spans) if len(spans) > 1 else spans
        return _put(value, [(span.start, span.end, span) for span in spans], links(value))

    def file_name(self, name: str) -> str:
        """A file's name with names and numbers replaced as :meth:`text` does where it is quoted; extension kept."""
        stem, dot, extension = name.rpartition(".")
        if not stem:
            return self.text(name)
        replaced = self.text(name)
        return replaced if replaced.endswith(dot + extension) else self.text(stem) + dot + extension

    def records(self) -> list[NameRecord]:
        """Everything seen so far: authors, their names and parts, numbers in each form, addresses.

        A record with no words is an author's identity and keeps their alias; it is looked for in no text. What was
        learnt while texts streamed by is marked common: rows that went before it were not searched for it.
        """
        found = {(row.mac, row.kind): row for row in self._records.values()}
        for row in self._lexicon.records():
            found.setdefault((row.mac, row.kind), row)
        return list(found.values())

    def late(self) -> dict[str, str]:
        """Those who were met in texts alone: the MAC of each, and the alias that it points at."""
        macs = map(self._aliases.mac, self._met)
        return {mac: self._aliases.bare(mac) for mac in macs}

    def absorb(self, records: Iterable[NameRecord], late: Mapping[str, str]) -> bool:
        """Take in what another guard of the same names and key has seen in other texts, and whom it met there.

        False where two of those who were met point at one alias: then it matters who came first.
        """
        for row in records:
            known = self._records.get((row.mac, row.kind))
            if known is None or known.alias is None:
                self._records[row.mac, row.kind] = row
        met = {**self.late(), **late}
        return len(set(met.values())) == len(met)

    def _learn(self, names: Iterable[str]) -> None:
        """Take in the people of an export, all at once, so that what they share is seen."""
        raw = sorted({name for name in names if name})
        identities = {name: identity(name, self._region) for name in raw}
        given = self._aliases.give(identities.values())
        plain: list[tuple[str, str]] = []
        for name in raw:
            who = identities[name]
            self._raw[name] = self._identities[who] = alias = given[who]
            self._keep_identity(who, alias)
            if who[:1] == "+" and who[1:].isdigit():
                for form in forms(who[1:]):
                    self._phones[form] = alias if self._phones.get(form, alias) == alias else None
                    self._keep_phone(form, self._phones[form], common=False)
                continue
            address = next(addresses(who), None)
            if address == (0, len(who)):
                self._keep("email", fold(who), alias)
                plain.append((who.partition("@")[0], alias))
                continue
            plain.append((name, alias))
        self._lexicon.add(plain)

    def _learn_late(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._raw:
                self._raw[name] = self._alias_of(name)

    def _alias_of(self, name: str) -> str:
        """The alias of a person who was met in the middle of a text."""
        alias = self._called.get(name)
        if alias is None:
            who = identity(name, self._region)
            alias = self._identities.get(who) or self._met.get(who)
            if alias is None:
                alias = self._met[who] = self._aliases.give([who])[who]
                self._keep_identity(who, alias)
            if len(self._called) >= _CACHED:
                self._called.clear()
            self._called[name] = alias
        return alias

    def _regions_of_authors(self) -> list[str]:
        import phonenumbers

        found: set[str] = set()
        for who in self._identities:
            if who[:1] == "+" and who[1:].isdigit():
                try:
                    region = phonenumbers.region_code_for_number(phonenumbers.parse(who, None))
                except phonenumbers.NumberParseException:
                    continue
                found |= {region} if region else set()
        return sorted(found)[:3]

    def _spans(self, text: str) -> list[Span]:
        """What is replaced in ``text``: in order, without overlap."""
        taken = Taken()
        if "@" in text:
            taken.add(self._address(text, start, end) for start, end in addresses(text))
            taken.add(self._people(text, _ISOLATED, keep=1))
        lower = text.casefold()
        if ".vcf" in lower:
            taken.add(self._people(text, _CARD))
        if "begin:vcard" in lower:
            taken.add(self._people(text, _CARD_FIELD))
        found = find_numbers(text, self._is_known_phone, self._regions)
        if found:
            free = [number for number in found if taken.is_free(number.start, number.end)]
            taken.add([self._number(*number) for number in free])
        rest = taken.without(text)
        named = [_named(match.start, match.end, match.entry) for match in self._finder.find(rest)]
        if named:
            taken.add(merged(rest, named))
        return taken.spans

    def _people(self, text: str, pattern: re.Pattern[str], keep: int = 0) -> Iterator[Span]:
        """Whoever stands where only a person can stand, known or not; ``keep`` characters stay as they are."""
        for match in pattern.finditer(text):
            start = match.start() + keep if keep else match.start(1)
            end = match.end() if keep else match.end(1)
            name = match.group(1).strip("; \t\r")
            if name and not self._is_replaced(name):
                yield Span(start, end, self._alias_of(name), False)

    def _is_replaced(self, name: str) -> bool:
        """Whether an alias or a neutral word stands in ``name``: then it was replaced before."""
        known = self._replaced.get(name)
        if known is None:
            read = words(name)
            known = any(f"[{word}]" in name for word in (NUMBER, ADDRESS, NAME)) or any(
                alias_end(name, read, position) > position for position in range(len(read))
            )
            if len(self._replaced) >= _CACHED:
                self._replaced.clear()
            self._replaced[name] = known
        return known

    def _address(self, text: str, start: int, end: int) -> Span:
        address = fold(text[start:end])
        alias = self._identities.get(identity(text[start:end]))
        alias = alias or self._known_emails.get(self._macs.of("email", address))
        self._keep("email", address, alias)
        return Span(start, end, alias or ADDRESS, alias is None)

    def _number(self, start: int, end: int, digits: str, mention: bool) -> Span:
        alias = self._phones.get(digits)
        if alias is None and digits not in self._phones:
            alias = self._known_phones.get(self._macs.of("phone", digits))
            if mention and alias is None:
                alias = self._alias_of(f"+{digits}")
            if self._macs.of("phone", digits) not in self._known_phones:
                self._keep_phone(digits, alias, common=True)
        return Span(start, end, alias or NUMBER, alias is None)

    def _is_known_phone(self, digits: str) -> bool:
        if digits in self._phones:
            return True
        return bool(self._known_phones) and self._macs.of("phone", digits) in self._known_phones

    def _keep_identity(self, who: str, alias: str) -> None:
        mac = self._aliases.mac(who)
        self._records[mac, "name"] = NameRecord(mac, mac, 0, "name", True, alias)

    def _keep_phone(self, digits: str, alias: str | None, *, common: bool) -> None:
        mac = self._macs.of("phone", digits)
        known = self._records.get((mac, "phone"))
        # a number that was a mention once keeps its alias, whatever is read first
        if not common or known is None or known.alias is None:
            self._records[mac, "phone"] = NameRecord(mac, mac, len(digits), "phone", common, alias)

    def _keep(self, kind: str, spelt: str, alias: str | None) -> None:
        mac = self._macs.of(kind, spelt)
        self._records[mac, kind] = NameRecord(mac, mac, 1, kind, False, alias)


def _named(start: int, end: int, entry: Entry) -> Span:
    return Span(start, end, entry.alias or NAME, entry.alias is None)


def _put(value: str, spans: Sequence[tuple[int, int, Span]], inside: Sequence[tuple[int, int]]) -> str:
    """``value`` with what stands at each (start, end) replaced; ``inside`` are the links of the text as it reads."""
    parts: list[str] = []
    past = 0
    for start, end, span in spans:
        if start < past:
            continue
        link = bisect_right(inside, (span.start, 1 << 60)) - 1 if inside else -1
        linked = link >= 0 and span.start < inside[link][1]
        word = span.word.replace(" ", "-") if linked else f"[{span.word}]" if span.bracket else span.word
        parts += [value[past:start], word]
        past = end
    parts.append(value[past:])
    return "".join(parts)

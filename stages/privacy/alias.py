"""Readable pseudonyms: two words that depend on the key and the person's name alone.

256 adjectives by 512 nouns, chosen so that no word is a first name or a common surname. The same key gives the same
person the same alias in every export, run and folder. Two persons whose aliases would be equal (about 4 pairs among a
thousand people) are told apart by a number from the later one's own MAC; which one is later depends on MACs alone.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from stages.privacy.fold import INVISIBLE
from stages.privacy.key import subkey
from stages.privacy.vocabulary import in_order

_PHONE_NAME: Final = re.compile(r"\+?[\d\s().\-\u00a0\u2010-\u2015\u202f/]{7,30}")
_AROUND: Final = f"~ \t\u00a0\u202f{''.join(chr(code) for code in (0x200B, 0x200E, 0x200F, 0xFEFF, 0x061C))}"
_DIRECTIONS: Final = re.compile(f"[{INVISIBLE}]")


def identity(name: str, region: str | None = None) -> str:
    """What makes two spellings of an author's name one person.

    A telephone number becomes ``+`` and its digits, whatever parts them (E.164 where it is written with its country
    or ``region`` is given); any other name is NFKC, lower case, single spaces, without invisible marks and without the
    tilde that marks people who are no contacts. Accents and emoji are kept: they tell contacts apart.
    """
    import unicodedata

    plain = " ".join(unicodedata.normalize("NFKC", _DIRECTIONS.sub("", name)).casefold().split()).lstrip(_AROUND)
    digits = phone_digits(plain, region)
    return f"+{digits}" if digits else plain


def phone_digits(name: str, region: str | None = None) -> str | None:
    """The digits of a name that is a telephone number (with its country's code where known), else None."""
    plain = _DIRECTIONS.sub("", name).strip(_AROUND)
    if not _PHONE_NAME.fullmatch(plain):
        return None
    digits = "".join(str(int(char)) for char in plain if char.isdecimal())
    if not 7 <= len(digits) <= 15:
        return None
    if plain.startswith("+") or region is None:
        return digits
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, region.upper())
    except phonenumbers.NumberParseException:
        return digits
    return f"{number.country_code}{phonenumbers.national_significant_number(number)}"


class Aliases:
    """Gives aliases to identities; ``taken`` (identity MAC -> alias) are those that were given before."""

    def __init__(self, key: bytes, taken: Mapping[str, str]) -> None:
        self._mac_key = subkey(key, "identity")
        self._key = subkey(key, "alias")
        self._given = dict(taken)
        self._used = set(taken.values())

    def mac(self, identity: str) -> str:
        """The keyed MAC of an identity, 32 hex digits."""
        return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), key=self._mac_key, digest_size=16).hexdigest()

    def give(self, identities: Iterable[str]) -> dict[str, str]:
        """An alias for each identity. Those that come together are served in the order of their MACs."""
        macs = {identity: self.mac(identity) for identity in identities}
        for mac in sorted(set(macs.values()) - self._given.keys()):
            self._given[mac] = alias = self._free(mac)
            self._used.add(alias)
        return {identity: self._given[mac] for identity, mac in macs.items()}

    def bare(self, mac: str) -> str:
        """The alias that ``mac`` points at, whoever has it."""
        adjectives, nouns = in_order("adjectives"), in_order("nouns")
        drawn, adjective = divmod(self._draw(mac, 0), len(adjectives))
        return f"{adjectives[adjective].capitalize()} {nouns[drawn % len(nouns)].capitalize()}"

    def _free(self, mac: str) -> str:
        """The alias that ``mac`` points at, with a number drawn from it while that is another's."""
        alias = bare = self.bare(mac)
        tries = 0
        while alias in self._used:
            tries += 1
            alias = f"{bare} {2 + self._draw(mac, tries) % 10 ** (1 + tries)}"
        return alias

    def _draw(self, mac: str, tries: int) -> int:
        digest = hashlib.blake2b(bytes.fromhex(mac), key=self._key, salt=tries.to_bytes(16, "big"), digest_size=16)
        return int.from_bytes(digest.digest(), "big")


def aliases(key: bytes, names: Iterable[str], taken: Mapping[str, str]) -> dict[str, str]:
    """Raw name -> alias (`Quiet Heron`), a function of key and name but for the rare suffix.

    ``taken`` maps MACs of identities, as :meth:`Aliases.mac` gives them, to the aliases that they keep.
    """
    identities = {name: identity(name) for name in names}
    given = Aliases(key, taken).give(identities.values())
    return {name: given[who] for name, who in identities.items()}

"""Words for the halves and parts of the day, as they stand in headers, and what they do to an hour.

Sources: the forms listed in the peers' sources and CLDR's day periods. A word belongs to a family (a language's
words); a file uses one family, so that a word of another is no header.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

AM: Final = 1
PM: Final = 2
NIGHT: Final = 3
"""Parts of a night that begins before midnight: 10 at night is 22, 12 and 1 at night are 0 and 1."""

_LATIN: Final = {
    spelling: half
    for letter, half in (("a", AM), ("p", PM))
    for spelling in (f"{letter}m", f"{letter}.m.", f"{letter}. m.", f"{letter}.m", f"{letter}. m")
}

FAMILIES: Final[tuple[dict[str, int], ...]] = (
    _LATIN,
    {"ص": AM, "م": PM, "صباحًا": AM, "مساءً": PM},
    {"上午": AM, "下午": PM, "凌晨": AM, "清晨": AM, "早上": AM, "中午": PM, "晚上": PM},
    {"午前": AM, "午後": PM},
    {"오전": AM, "오후": PM},
    {"öö": AM, "ös": PM},
    {"da madrugada": AM, "da manhã": AM, "da tarde": PM, "da noite": PM},
    {"morgens": AM, "vorm.": AM, "mittags": PM, "nachm.": PM, "abends": PM, "nachts": NIGHT},
    {"dop.": AM, "odp.": PM},
    {"π.μ.": AM, "μ.μ.": PM, "πμ": AM, "μμ": PM},
    {"fm": AM, "em": PM},
    {"f.m.": AM, "e.m.": PM},
    {"de.": AM, "du.": PM, "de": AM, "du": PM},
    {"vm.": AM, "nm.": PM},
    {"sa": AM, "ch": PM},
    {"дп": AM, "пп": PM},
    {"ก่อนเที่ยง": AM, "หลังเที่ยง": PM},
    {"पूर्वाह्न": AM, "अपराह्न": PM},
    {"قبل‌ازظهر": AM, "بعدازظهر": PM, "ق.ظ.": AM, "ب.ظ.": PM},
    {"לפנה״צ": AM, "אחה״צ": PM},
)

_SPACES: Final = (" ", "\u00a0", "\u202f")


def family_of(word: str) -> int | None:
    """The family that a word belongs to, in any case and with any space inside; None if it is none of them."""
    plain = _plain(word)
    return next((index for index, family in enumerate(FAMILIES) if plain in family), None)


def spellings(word: str) -> list[tuple[bytes, int]]:
    """Every spelling (UTF-8) of the word's family with its half, the given word first, longer ones before shorter."""
    index = family_of(word)
    if index is None:
        raise ValueError("not a word for a part of the day")
    family = FAMILIES[index]
    found: dict[bytes, int] = {}
    for plain, half in family.items():
        for cased in {plain, plain.upper(), plain.capitalize(), _turkish(plain)}:
            for space in _SPACES:
                found[cased.replace(" ", space).encode()] = half
    found[word.encode()] = family[_plain(word)]
    ordered = sorted(found, key=lambda spelling: (-len(spelling), spelling))
    # the spelling at hand and those of its size come first: most lines are then done after two comparisons
    first = word.encode()
    near = [spelling for spelling in ordered if len(spelling) == len(first)]
    near.sort(key=lambda spelling: (spelling != first, spelling.isupper() != first.isupper()))
    safe = [s for s in near if not any(other != s and other.startswith(s) for other in ordered)]
    ordered = safe + [spelling for spelling in ordered if spelling not in safe]
    return [(spelling, found[spelling]) for spelling in ordered]


def to_24_hours(hour: npt.NDArray[np.int64], half: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Hours 0..23 from hours and halves; an hour that is past 12 already, or 0, stays as it is."""
    twelve = hour == 12
    night = half == NIGHT
    late = (half == PM) | (night & (hour >= 6))
    hour = np.where(late & (hour >= 1) & (hour < 12), hour + 12, hour)
    return np.where(twelve & ((half == AM) | night), 0, hour)


def _plain(word: str) -> str:
    for space in _SPACES:
        word = word.replace(space, " ")
    return word.replace("İ", "i").lower()


def _turkish(word: str) -> str:
    return word.replace("i", "İ").upper()

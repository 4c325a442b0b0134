"""Which single-byte encoding a piece of text is in, told by whose letters it has: enough where there are but a few.

Each language is known by its letters beyond ASCII, the most frequent first. A reading of the bytes speaks for a
language by how usual its letters are there, and against itself by what no writing does: a sign within a word, a capital
after a small letter, letters of two scripts side by side.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

_WESTERN: Final = ("cp1252",)
_CENTRAL: Final = ("cp1250", "iso8859_2")
_LANGUAGES: Final = {
    "pt": (_WESTERN, "ãéáçíóêõâúàôü"), "fr": (_WESTERN, "éèàêçôâùîûëïœü"), "de": (_WESTERN, "üäöß"),
    "es": (_WESTERN, "óíáéñúü"), "it": (_WESTERN, "èàùòéì"), "ca": (_WESTERN, "àéíóòèçúïü"), "sv": (_WESTERN, "äåöé"),
    "da": (_WESTERN, "øåæé"), "nl": (_WESTERN, "ëéïèö"), "is": (_WESTERN, "áíðéóöæúýþ"),
    "pl": (_CENTRAL, "ąęłóżśćńź"), "cs": (_CENTRAL, "íáéěýžčřšůúťóňď"), "sk": (_CENTRAL, "áíéčýžšľúťóňôäďĺŕ"),
    "hu": (_CENTRAL, "áéöóőüíúű"), "hr": (_CENTRAL, "čšžćđ"), "ro": (_CENTRAL, "ăîţşâ"),
    "tr": (("cp1254",), "ıüşöçğâî"), "lt": (("cp1257",), "ėšžųįčąūę"), "lv": (("cp1257",), "āīšēņūļžķģč"),
    "et": (("cp1257",), "äõüöšž"),
    "ru": (("cp1251", "koi8_r"), "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"),
    "uk": (("cp1251", "koi8_u"), "оаинівтерсклудмпязьбгчйхжїцшюєщфґ"),
    "bg": (("cp1251",), "аиоентрсвлкдпмзъгубчщцюхжяшфйь"),
    "el": (("cp1253", "iso8859_7"), "αοιετσνηυρπκλςμωίόάέήύώγδθχφβξζψϊϋΐΰ"),
    "he": (("cp1255",), "יוהלאמרתבשנדעחקפצכגםטסזןךףץ"),
    "ar": (("cp1256",), "اليمونرتبعدسفهكقحجشصطخةىأءئإضزثذغظؤآ"),
}  # fmt: skip

_LETTERS: Final = {
    codec: frozenset("".join(letters for tried, letters in _LANGUAGES.values() if codec in tried))
    for codec in dict.fromkeys(codec for tried, _ in _LANGUAGES.values() for codec in tried)
}

_WITHIN_WORDS: Final = frozenset("’·\u00ad–—\u00a0…")
_BEFORE: Final = _WITHIN_WORDS | frozenset("“„‘‚«‹»›¿¡©®•")
_AFTER: Final = _WITHIN_WORDS | frozenset("“”‘»›«‹™®©°²³ªº€£")
_OTHER_SCRIPT: Final = re.compile("[\u0370-\u0fff]")
_WITHIN_LATIN: Final = re.compile("(?<=[A-Za-z])[\u0370-\u0fff]|[\u0370-\u0fff](?=[A-Za-z])")
_BEYOND: Final = re.compile(r"[^\x00-\x7f]")

_MOST: Final = -1.5
"""The most that a letter speaks for a language: an alphabet is not likelier for having few letters."""
_STRANGE: Final = -7.0
"""What speaks against a reading: a letter that its language does not have, or what no writing does."""
_USUAL: Final = {"cp1252": 3.0, "cp1257": -2.0}
"""What has to speak against windows-1252, in which most pages without a label are, and for what is seldom used."""
_DECLARED: Final = 6.0
"""What a language that the page states adds; pages also state that of their template."""
_READ: Final = 3_000


def likeliest(sample: bytes, language: str | None) -> str | None:
    """The encoding for which most speaks, windows-1252 where nothing speaks clearly for another; None where much speaks
    against each, as where a character has several bytes.

    ``language``: the code of the one that the page states. Looks at 3,000 bytes; at most some 30 ms.
    """
    best, most = None, -math.inf
    words = b" ".join(dict.fromkeys(sample[:_READ].split()))  # a word that is repeated says no more than once
    for codec, code, letters, signs, faults in _readings(words):
        weights, seen = _WEIGHTS[code], letters.total()
        score = sum(count * weights.get(letter, _STRANGE) for letter, count in letters.items())
        score += faults * _STRANGE + signs * _MOST + _USUAL.get(codec, 0.0) + (_DECLARED if code == language else 0.0)
        if score > most:
            # of all the languages that it is used for: a page may hold a name of another one
            strange = sum(count for letter, count in letters.items() if letter not in _LETTERS[codec])
            sound = 8 * (strange + faults) <= seen + faults and (codec == "cp1252" or signs <= seen)
            best, most = codec if sound else None, score
    return best


def mixes_scripts(text: str) -> bool:
    """Whether letters that are not Latin stand mostly within words that are: the encoding is another."""
    others = len(_OTHER_SCRIPT.findall(text))
    return others > 0 and 2 * len(_WITHIN_LATIN.findall(text)) >= others


def _readings(sample: bytes) -> Iterator[tuple[str, str, Counter[str], int, int]]:
    """(encoding, language, letters, signs, faults) of each way to read the bytes."""
    for codec in _LETTERS:
        text = sample.decode(codec, "replace")
        looked_at = _looked_at(text)
        for code, (tried, _) in _LANGUAGES.items():
            if codec in tried:
                yield codec, code, *looked_at


def _looked_at(text: str) -> tuple[Counter[str], int, int]:
    """How often each letter beyond ASCII is there, how many signs, and how much that no writing does."""
    letters: Counter[str] = Counter()
    faults, signs, run, last = 0, 0, 0, -2
    for match in _BEYOND.finditer(text):
        at, char = match.start(), match[0]
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        if not char.isalpha() or char in "ªº":
            wrong = char == "\ufffd" or "\x80" <= char <= "\x9f"
            wrong = wrong or (after.isalpha() and char not in (_WITHIN_WORDS if before.isalpha() else _BEFORE))
            # the third power of a metre is the Polish l of another encoding
            wrong = wrong or (before.isalpha() and (char not in _AFTER or (char in "²³" and before != "m")))
            wrong = wrong or "\u0300" <= char <= "\u0fff"  # points and vowels that hardly anybody writes
            faults += wrong
            signs += not wrong
            continue
        letters["ı" if char == "İ" else char.lower()] += 1
        run, last = (run + 1 if at == last + 1 else 1), at
        if char < "\u0250":
            faults += run > 3  # vowels and consonants with accents do not follow one another for long
        else:
            faults += any(side.isascii() and side.isalpha() for side in (before, after))
        faults += (char.isupper() and before.islower()) or (char.islower() and after.isupper() and after.isascii())
    return letters, signs, faults


def _weights(letters: str) -> dict[str, float]:
    """Natural logarithms of how frequent each is, which falls from the first to the last to a twentieth."""
    shares = [math.exp(-3 * rank / len(letters)) for rank in range(len(letters))]
    return {letter: min(_MOST, math.log(share / sum(shares))) for letter, share in zip(letters, shares, strict=True)}


_WEIGHTS: Final = {code: _weights(letters) for code, (_, letters) in _LANGUAGES.items()}

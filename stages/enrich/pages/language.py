"""The language of a text where that is cheap to tell: by its script, by letters of its own, by words of grammar."""

import re
from collections import Counter
from typing import Final

_LOOKED_AT: Final = 3_000
_TAG: Final = re.compile(r"[a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{2,8}){0,3}")

# scripts with one great language; blocks of Unicode, ends included
_ONE_LANGUAGE: Final = (
    ("el", "\u0370\u03ff\u1f00\u1fff"), ("hy", "\u0530\u058f"), ("he", "\u0590\u05ff"), ("bn", "\u0980\u09ff"),
    ("pa", "\u0a00\u0a7f"), ("gu", "\u0a80\u0aff"), ("or", "\u0b00\u0b7f"), ("ta", "\u0b80\u0bff"),
    ("te", "\u0c00\u0c7f"), ("kn", "\u0c80\u0cff"), ("ml", "\u0d00\u0d7f"), ("si", "\u0d80\u0dff"),
    ("th", "\u0e00\u0e7f"), ("lo", "\u0e80\u0eff"), ("my", "\u1000\u109f"), ("ka", "\u10a0\u10ff"),
    ("am", "\u1200\u137f"), ("km", "\u1780\u17ff"), ("ko", "\uac00\ud7a3\u1100\u11ff"),
)  # fmt: skip
_SHARED: Final = {
    "Latn": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
    "Cyrl": "\u0400-\u052f",
    "Arab": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "Deva": "\u0900-\u097f",
    "Hani": "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "Kana": "\u3040-\u30ff\uff66-\uff9f",
}
_SCRIPTS: Final = {
    **{name: re.compile(f"[{inside}]") for name, inside in _SHARED.items()},
    **{
        code: re.compile("[" + "".join(f"{ends[at]}-{ends[at + 1]}" for at in range(0, len(ends), 2)) + "]")
        for code, ends in _ONE_LANGUAGE
    },
}
_OF_SHARED: Final = {
    "ru": "Cyrl", "uk": "Cyrl", "bg": "Cyrl", "sr": "Cyrl", "mk": "Cyrl", "be": "Cyrl", "kk": "Cyrl", "mn": "Cyrl",
    "ar": "Arab", "fa": "Arab", "ur": "Arab", "ps": "Arab", "ckb": "Arab", "hi": "Deva", "mr": "Deva", "ne": "Deva",
    "zh": "Hani", "ja": "Kana", "yi": "he", "ti": "am",
}  # fmt: skip
_SHARE: Final = 0.18
"""Least share of words of grammar among a text's words that shows its language."""
_WORDS: Final = 6


def language_tag(written: str | None) -> str | None:
    """A language as pages state it (``pt_BR``, ``en-us``) as ``pt-BR``; None for what is none."""
    match = _TAG.fullmatch((written or "").strip())
    if match is None or match[0].lower() in ("und", "mul", "zxx"):
        return None
    parts = re.split("[-_]", match[0])
    return "-".join([parts[0].lower(), *(part.upper() if len(part) == 2 else part for part in parts[1:])])


def detect_language(text: str) -> str | None:
    """The code of the language, None where it cannot be told. Looks at 3,000 characters; 1 ms."""
    text = text[:_LOOKED_AT]
    script = _main_script(text)
    if script == "Latn":
        return _by_grammar(text)
    if script == "Cyrl":
        return _by_letters(text, (("uk", "іїєґ"), ("sr", "ђћџљњј"), ("ru", "ыэё")))
    if script == "Arab":
        return _by_letters(text, (("ur", "ٹڈڑےں"), ("fa", "گچپژ"))) or ("ar" if re.search("[ةىأإ]", text) else None)
    return {"Hani": "zh", "Kana": "ja", "Deva": None}.get(script or "", script)


def may_be(text: str, language: str) -> bool:
    """Whether a text can be in ``language`` (a code or a tag): false where its script or its words say otherwise."""
    code = language[:3].lower().rstrip("-_")
    script = _main_script(text)
    if script is None:
        return False
    wanted = _OF_SHARED.get(code, code if code in _SCRIPTS else "Latn")
    if {script, wanted} == {"Kana", "Hani"}:
        return wanted == "Kana"  # a short sentence of Japanese may have more Han than syllables
    if script != wanted and not (code == "sr" and script == "Latn"):
        return False
    found = detect_language(text)
    return found is None or script != "Latn" or found == code or code not in _grammars()


def _main_script(text: str) -> str | None:
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS.items()}
    counts["Hani"] *= 3  # a character is a word or half of one
    counts["Kana"] *= 3
    if counts["Kana"] * 10 >= counts["Hani"] > 0:
        counts["Kana"] += counts["Hani"]
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None


def _by_letters(text: str, own: tuple[tuple[str, str], ...]) -> str | None:
    lower = text.lower()
    for code, letters in own:
        if sum(lower.count(letter) for letter in letters) * 200 >= len(lower):
            return code
    return None


def _grammars() -> tuple[str, ...]:
    from stages.write.extractive.lexicon import LANGUAGES

    return LANGUAGES


def _by_grammar(text: str) -> str | None:
    from stages.write.extractive.lexicon import lexicon

    words = Counter(re.findall(r"[^\W\d_]+", text.lower()))
    total = words.total()
    if total < _WORDS:
        return None
    shares = {
        code: sum(count for word, count in words.items() if word in lexicon(code).grammar) / total
        for code in _grammars()
    }
    first, second = sorted(shares, key=lambda code: -shares[code])[:2]
    return first if shares[first] >= _SHARE and shares[first] >= 1.2 * shares[second] else None

"""What is let through to be looked at, and how names are found fast: equal to looking at everything, word by word."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.privacy.finder import NameFinder
from stages.privacy.fold import fold, words
from stages.privacy.guard import Guard
from stages.privacy.names import Lexicon, Macs, find_names
from stages.privacy.prefilter import Prefilter, _exotic, _letters
from stages.privacy.signs import Signs, matches

KEY = bytes(range(32))
PEOPLE = [
    "Ana", "Ana Paula Costa", "Paula Lima", "João Silva", "Zé da Feira", "Quiet Rosa", "Rosa", "Mãe", "Łukasz Øst",
    "Иван Петров", "王小明", "राम कुमार", "أحمد علي", "D'Angelo", "🌸 Bia 🌸", "x1", "Maria do Carmo Reis",
    "+55 11 91234-5678", "+351 912 345 678", "dora@example.com",
]  # fmt: skip
SPELT = [
    "ana", "Paula", "COSTA", "lima", "joao", "joaosilva", "Silva", "ze", "da", "feira", "Quiet", "quiet", "heron",
    "Heron", "rosa", "mae", "mãe", "OST", "иван", "王小明", "来", "राम", "احمد", "d'angelo", "bia", "Ｂｉａ", "𝓑𝓲𝓪",
    "X1", "maria", "carmo", "reis", "e", "banana", "março", "niña", "semana", "é", "ok",
]  # fmt: skip
SIGNS = [
    " ", " ", " ", "  ", "-", "_", ", ", ".", "\n", "@", "'", "’", "\u200b", "\u200e", "\u0301", "\u00ad", "😀", "❤️",
    "\ufe0f", "—", "“", "…", "😂\u200d", "👩‍❤️‍👨", "☝🏽", "🇵🇹", "1️⃣", "ª", "²",
    "\u2068", "\u2069", "\u00a0", "?", ":", "/", "https://", "www.", ".com/",
    "50%", "%20",
    "&", "&amp;", "&#227;", "\\n", "\\u00e3", "*", "~",
]  # fmt: skip
NUMBERS = [
    "912345678", "91234-5678", "11 91234-5678", "(11) 91234-5678", "+55 11 91234 5678", "0055 11 912345678", "2024",
    "2024-03-01", "01/02/2024", "IMG-20240301-WA0001.jpg", "00000020-PHOTO-2024-12-12-23-21-16.jpg", "12,50",
    "R$ 1.234,56",
    "id=3345678901", "status/12345678901", "tel: 912345678", "wa.me/5511912345678", "phone=912345678", "fone 3456-7890",
    "21 99999 1234", "٠١٢٣٤٥٦٧٨", "৯১২৩৪৫৬৭৮", "123৪৫৬4567", "555-867-5309", "1234567", "3456789", "0123 456 789",
    "=912345678",
    "A912345678", "#912345678", ".912345678", "x/912345678", "1/912345678", "912.345.678", "00912345678", "a@b.co",
    ".vcf",
    "Fulano.VCF", "BEGIN:VCARD\nFN:Fulano", "begin:", "vcard",
]  # fmt: skip
TEXT = st.lists(st.sampled_from([*SPELT, *SIGNS, *SIGNS, *PEOPLE]) | st.text(max_size=2), max_size=16).map("".join)
ROWS = st.lists(
    st.lists(st.sampled_from([*SPELT, *SIGNS, *NUMBERS, *NUMBERS, " "]) | st.text(max_size=2), max_size=10).map("".join)
    | st.none(),
    max_size=8,
)


def lexicon(people: list[str], known: list[str] = ()) -> Lexicon:  # type: ignore[assignment]
    records = Guard.build(KEY, known).records() if known else []
    made = Lexicon(Macs(KEY), records)
    made.add([(name, f"alias {index}") for index, name in enumerate(people)])
    return made


LEXICON = lexicon(PEOPLE)
FINDER = NameFinder(LEXICON)
PARTLY = lexicon(PEOPLE[:8], PEOPLE[8:])
PARTLY_FINDER = NameFinder(PARTLY)


@settings(max_examples=400, deadline=None)
@given(TEXT)
@example("Quiet Heron Ana Paula Costa")
@example("quiet Rosa quiet quiet heron ana ana paula")
@example("Maria do Carmo maria reis Maria do Carmo Reis")
@example("anaana Ana_ana ana-ana @Rosa rosa")
def test_names_are_found_as_by_looking_at_every_word(text: str) -> None:
    for finder, known in ((FINDER, LEXICON), (PARTLY_FINDER, PARTLY)):
        assert finder.find(text) == find_names(text, words(text), known)


GUARDS = [
    Guard.build(KEY, PEOPLE),
    Guard.build(KEY, ["Ana", "João Silva"]),
    Guard.build(KEY, ["Ana"], region="BR"),
    Guard.build(KEY, ["Bruno"], known=Guard.build(KEY, PEOPLE).records()),
]


@settings(max_examples=300, deadline=None)
@given(ROWS)
@example(["Ana 12", "34567"])
@example(["x%", "20", "&am", "p;", "Fulano.v", "cf"])
@example(["BEGIN:VCARD\nFN:Fulano", "x Begin:vCard", "Fulano.VCF"])
@example(["a\u0640na", "ana\u0640"])
@example(["IMG-20240301-WA0001.jpg (file attached)", "id=3345678901 ana", "a 3345678901"])
def test_what_is_not_let_through_would_not_change(rows: list[str | None]) -> None:
    column = pa.array(rows, pa.string())
    for guard in GUARDS:
        expected = [None if text is None else guard.text(text) for text in rows]
        assert guard.texts(column).to_pylist() == expected
        wide = pa.array(["+1 2", *rows, "@"], pa.string())
        assert guard.texts(wide.slice(1, len(rows))).to_pylist() == expected


def test_ordinary_rows_are_not_let_through() -> None:
    prefilter = Prefilter(lexicon(PEOPLE[:17]), Signs(("5511912345678", "912345678")))
    dull = [
        "IMG-20240301-WA0001.jpg (file attached)", "https://example.org/p/12?id=3345678901&utm_source=chat",
        "50% & 12,50",
        "às 19h, R$ 1.234,56", "😂😂 — “ok”…", "a\\d", "semana que vem",
    ]  # fmt: skip
    places, _ = prefilter.places(pa.array(dull))
    assert [dull[place] for place in places] == []


def test_a_name_alone_needs_no_closer_look_and_a_mention_does() -> None:
    places, whole = Prefilter(LEXICON, Signs()).places(pa.array(["oi ana", "nada", "@ana", "ana 3456-7890"]))
    assert dict(zip(places.tolist(), whole.tolist(), strict=True)) == {0: False, 2: True, 3: True}


@pytest.mark.parametrize("first", [0x80, 0x2000, 0x2180, 0x2400, 0x2600, 0x1F000, 0x1F100, 0x1F300, 0x1F900], ids=hex)
def test_characters_that_are_passed_over_hide_nothing(first: int) -> None:
    """Whatever is not looked at closely is no mark, no invisible character and no letter of another shape."""
    chars = [chr(code) for code in range(first, first + 0x300)]
    texts = pa.array([f"a{char}b" for char in chars])
    _, closer = Signs().told(texts)
    exotic = matches(texts, _exotic())
    assert not [hex(ord(char)) for char, seen, odd in zip(chars, closer, exotic, strict=True) if odd and not seen]


@pytest.mark.parametrize("text", ["❤️ sim", "👩‍❤️‍👨", "🇵🇹 e 👍🏽", "«olá» – “ok”… ¿no? 20°", "☀️☝🏽"])
def test_usual_emoji_and_signs_need_no_closer_look(text: str) -> None:
    assert not Signs().told(pa.array([text]))[1].any()


@pytest.mark.parametrize("text", ["a️b", "1️⃣", "A\u200dna ❤️", "❤️ A\u200dna", "ａ", "\ufe0fx", "\u200dx"])
def test_marks_behind_letters_do(text: str) -> None:
    assert Signs().told(pa.array([text]))[1].any()


def test_no_rows_and_null_rows() -> None:
    prefilter = Prefilter(LEXICON)
    assert len(prefilter.places(pa.array([], pa.string()))[0]) == 0
    assert len(prefilter.places(pa.array([None, None], pa.string()))[0]) == 0
    assert np.array_equal(prefilter.places(pa.array([None, "ana", ""], pa.string()))[0], [1])


def test_letters_that_fold_to_themselves_are_told_without_folding() -> None:
    assert all(fold(char) == folded for char, folded in _letters((0xAA, 0x3400), (0xF900, 0x10000)))

"""Pages without a label, or with a wrong one, that have hardly more than a title with letters beyond ASCII."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.enrich.pages.charset import decode

SHORT = {
    "cp1252": (
        "São João é à noite", "Não há vagas", "Ação", "À mesa", "Informações", "é",
        "Café à l'été", "L’été", "Élève", "Crème brûlée", "Ça va", "créée", "Où êtes-vous ?",
        "Über uns", "Grüße", "Öl für Türen", "ÄÖÜ", "Kühe", "¿Qué pasó?", "España", "Año", "¡Olé!", "El niño y la niña",
        "Perché è così", "Città", "È più", "La verità è là", "Lunedì", "è", "Rødgrød med fløde", "Räksmörgås på ön",
        "90 m² à 5 €", "«Été»", "© 2026 José Müller™",
    ),
    "cp1250": (
        "Zażółć gęślą jaźń", "Łódź", "Pogoda w Łodzi: śnieg i mróz", "Był dzień, była noc, później już tylko śnieg",
        "Příliš žluťoučký kůň", "Dnešní počasí v Praze: déšť", "Zprávy o počasí: večer přijde déšť",
        "Időjárás: erős szél és eső", "Árvíztűrő tükörfúrógép", "A hegedű meglett az esőben",
    ),
    "iso8859_2": ("Zażółć gęślą jaźń", "Książki i gazety są tu", "Příliš žluťoučký kůň úpěl"),
    "cp1254": ("Işık ve gölge", "Şişli'de yağmur", "İstanbul'da hava bugün güneşli değil", "Çığlık"),
    "cp1251": (
        "Привет", "Новости", "НОВОСТИ", "Погода в Москве", "Привіт, світе", "Погода в Києві", "Їжак і ґава",
        "Windows 11: что нового",
    ),
    "koi8_r": ("Привет", "Новости", "НОВОСТИ", "Погода в Москве"),
    "koi8_u": ("Погода в Києві", "Новини України сьогодні"),
    "cp1253": ("Καλημέρα", "Ο καιρός στην Αθήνα", "ΑΘΗΝΑ", "Ειδήσεις"),
    "iso8859_7": ("Ο καιρός στην Αθήνα", "Άνεμος και ήλιος"),
    "cp1256": ("مرحبا بالعالم", "أخبار اليوم"),
    "cp932": ("こんにちは世界", "カラオケ"),
    "big5hkscs": ("今天台北的天氣很好",),
}  # fmt: skip
PIECES = [(codec, piece) for codec, pieces in SHORT.items() for piece in pieces]


@pytest.mark.parametrize("label", [None, "utf-8"], ids=["unlabelled", "wrong"])
@pytest.mark.parametrize(("codec", "piece"), PIECES, ids=[f"{codec}-{at}" for at, (codec, _) in enumerate(PIECES)])
def test_a_short_piece_is_read_as_it_was_written(codec: str, piece: str, label: str | None) -> None:
    for page in (piece, f"<title>{piece}</title><p>There is nothing else here.</p>", f"<p>{piece}</p>" * 40):
        assert decode(page.encode(codec), label) == page


@pytest.mark.parametrize(
    ("language", "codec", "piece", "otherwise"),
    [
        ("cs", "cp1250", "Počasí", "Poèasí"),
        ("pl", "cp1250", "Kości", "Koœci"),
        ("hu", "cp1250", "erdő", "erdõ"),
        ("he", "cp1255", "שלום עולם", "щмен темн"),
    ],
    ids=["cs", "pl", "hu", "he"],
)
def test_the_language_that_a_page_states_decides_where_letters_do_not(
    language: str, codec: str, piece: str, otherwise: str
) -> None:
    titled = f"<title>{piece}</title>"
    assert decode(titled.encode(codec), None) == f"<title>{otherwise}</title>"
    for stated in (
        f'<html class="no-js" lang="{language}-XX">',
        f'<meta property="og:locale" content="{language}_XX">',
    ):
        assert decode((stated + titled).encode(codec), None) == stated + titled
    # and a template's language says nothing against what is plainly another's
    stated = f'<html lang="{language}">'
    assert decode((stated + "São João é à noite").encode("cp1252"), None) == stated + "São João é à noite"


def test_a_label_of_another_script_is_not_believed_where_scripts_would_mix() -> None:
    assert decode("São João é à noite".encode("cp1252"), "windows-1251") == "São João é à noite"
    assert decode("Погода в Москве: Windows-мир".encode("cp1251"), "windows-1251") == "Погода в Москве: Windows-мир"


WORDS = ("à", "été", "où", "déjà", "garçon", "être", "naïve", "cœur", "août", "île", "noël", "the", "2026", "élève")


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=300), st.sampled_from((" ", ", ", "</p><p>")))
def test_french_stays_french_however_much_there_is(words: list[str], between: str) -> None:
    text = between.join(words)
    assert decode(text.encode("cp1252"), None) == text

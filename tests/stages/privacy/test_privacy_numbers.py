"""Telephone numbers and addresses: what is replaced, what is left."""

import pyarrow as pa
import pytest

from stages.privacy.guard import Guard

KEY = bytes(range(32))
AUTHOR = "\u202a+55 11 91234\u20115678\u202c"


@pytest.fixture(scope="module")
def plain() -> Guard:
    return Guard.build(KEY, ["Ana"])


@pytest.mark.parametrize(
    "number",
    [
        "+55 11 98888-7777",
        "+5511988887777",
        "+351 912 345 678",
        "+1 (415) 555-2671",
        "+1 555-0100",
        "+44 7700 900123",
        "+49 30 901820",
        "\u202a+55\u00a011\u00a098888\u20117777\u202c",
        "+٥٥١١٩٨٨٨٨٧٧٧٧",
        "0055 11 98888 7777",
        "(11) 98888-7777",
        "11 98888-7777",
        "98888-7777",
        "415-555-2671",
        "06 12 34 56 78",
        "0612345678",
        "030/12345678",
        "tel: 98887777",
        "whatsapp 11988887777",
    ],
)
def test_a_number_that_says_so_is_replaced(plain: Guard, number: str) -> None:
    shown = plain.text(f"me liga: {number}, ok?")
    assert "[number]" in shown
    assert not any(char.isdigit() for char in shown)
    assert shown.startswith("me liga: ")
    assert shown.endswith(", ok?")


@pytest.mark.parametrize(
    "text",
    [
        "R$ 1.234.567,00",
        "US$ 12345678",
        "1.234.567 people, 12 345 678 views",
        "11/03/2026, 2026-03-11 12:30:45, 11.03.2026",
        "20260311",
        "IMG-20260311-WA0004.jpg",
        "00000035-PHOTO-2022-03-27-21-41-55.jpg",
        "-23.550520, -46.633308",
        "https://maps.google.com/?q=-23.550520,-46.633308",
        "2019-2020 and 1999/2000",
        "order 12345678901, ticket #123456789012",
        "1710000000000",
        "3.14159265358979",
        "10:30:00.123456",
        "m-0123456789abcdef0123456789abcdef",
        "version 10.11.12.13",
        "+1.500.000",
        "1 + 2 = 3, C++ 2011",
        "10000000 steps",
        "https://youtu.be/dQw4w9WgXcQ?t=1234567",
        "100 200 300 400",
    ],
)
def test_prices_dates_ids_and_coordinates_are_left(plain: Guard, text: str) -> None:
    assert plain.text(text) == text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://wa.me/5511988887777", "https://wa.me/number"),
        ("wa.me/5511988887777?text=oi", "wa.me/number?text=oi"),
        (
            "https://api.whatsapp.com/send?phone=5511988887777&text=oi",
            "https://api.whatsapp.com/send?phone=number&text=oi",
        ),
        ("https://api.whatsapp.com/send?phone=%2B5511988887777", "https://api.whatsapp.com/send?phone=number"),
        ("<tel:+5511988887777>", "<tel:number>"),
        ("mailto:ana.souza@example.com?subject=x", "mailto:address?subject=x"),
        ("https://x.example/?to=ana%40example.com&b=1", "https://x.example/?to=address&b=1"),
        ("ana.souza+chat@mail.example.co.uk.", "[address]."),
        ("<joão@exemplo.com.br>", "<[address]>"),
        ("TEL;type=CELL;waid=5511988887777:+55 11 98888-7777", "TEL;type=CELL;waid=[number]:[number]"),
    ],
)
def test_links_cards_and_addresses_keep_their_syntax(plain: Guard, written: str, shown: str) -> None:
    assert plain.text(written) == shown


def test_the_number_of_an_author_is_their_alias_in_any_spelling() -> None:
    guard = Guard.build(KEY, [AUTHOR, "Ana"])
    alias = guard.authors(pa.array([AUTHOR]))[0].as_py()
    for spelling in (
        "+55 11 91234-5678",
        "5511912345678",
        "(11) 91234-5678",
        "11912345678",
        "912345678",
        "011 912345678",
    ):
        assert guard.text(f"liga {spelling} já") == f"liga {alias} já"
    assert guard.text("@5511912345678 oi") == f"@{alias} oi"
    assert guard.text("https://wa.me/5511912345678") == f"https://wa.me/{alias.replace(' ', '-')}"


def test_whoever_is_mentioned_by_number_has_an_alias_that_stays(plain: Guard) -> None:
    first = plain.text("@5511977776666")
    assert first == plain.text("@\u206855 11 97777-6666\u2069") == plain.text("@+5511977776666")
    assert first == "@" + Guard.build(KEY, ["+55 11 97777-6666"]).authors(pa.array(["+5511977776666"]))[0].as_py()


def test_a_region_decides_what_is_a_number_there() -> None:
    assert Guard.build(KEY, [], region="PT").text("liga 912345678") == "liga [number]"
    assert Guard.build(KEY, []).text("código 912345678") == "código 912345678"
    assert Guard.build(KEY, ["+351 911 111 111"]).text("liga 912345678") == "liga [number]"


@pytest.mark.parametrize(
    "text", ["9" * 200_000, "a@" * 100_000, "a" * 500_000, "1-" * 50_000, "a.b." * 100_000 + "@", "+" * 99_999]
)
@pytest.mark.timeout(60)
def test_long_hostile_texts_are_read_in_linear_time(plain: Guard, text: str) -> None:
    assert plain.text(text)


@pytest.mark.parametrize("name", ["photo_1@10-01-2025_12-09-00.jpg", "logo@2x.png", "voice_3@11-02-2024.ogg"])
def test_a_files_name_is_no_address(plain: Guard, name: str) -> None:
    before = len(plain.records())
    assert plain.text(f"see {name} there") == f"see {name} there"
    assert plain.file_name(name) == name
    assert len(plain.records()) == before

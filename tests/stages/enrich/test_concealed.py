"""What strangers write hides the chat's people; an address in which somebody was hidden is known as such."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stages.enrich.concealed import Concealer, is_altered
from stages.privacy.alias import aliases
from stages.privacy.guard import Guard

KEY = bytes(range(32))
PEOPLE = ("Marisol Vexley", "Tobias Quandt", "+351 912 345 678")
ALIASES = aliases(KEY, PEOPLE, {})


@pytest.fixture
def conceal() -> Concealer:
    return Concealer(KEY, Guard.build(KEY, PEOPLE).records(), None)


def test_people_of_the_chat_are_hidden_and_strangers_are_not(conceal: Concealer) -> None:
    assert conceal("Marisol Vexley wins against Rosa Luxemburg") == f"{ALIASES[PEOPLE[0]]} wins against Rosa Luxemburg"
    assert conceal("Nobody is named here") == "Nobody is named here"


def test_any_number_of_threads_get_the_same_words(conceal: Concealer) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = set(pool.map(conceal, ["By Tobias Quandt and Marisol Vexley"] * 200))
    assert said == {f"By {ALIASES[PEOPLE[1]]} and {ALIASES[PEOPLE[0]]}"}


@pytest.mark.parametrize("path", ["people/{}", "{}/notes", "?q={}", "a/{}.html", "wa/+{}"])
@pytest.mark.parametrize("who", ["Marisol-Vexley", "+351912345678"])
def test_an_address_that_named_somebody_is_altered(path: str, who: str) -> None:
    link = "https://example.org/" + path.format(who)
    text = Guard.build(KEY, PEOPLE).text(f"see {link} now").split()[1]
    assert text == link or is_altered(text)


@pytest.mark.parametrize(
    "link",
    [
        "https://wa.me/number", "https://example.org/mail/address?x=1", "https://example.org/find?who=name",
        f"https://example.org/{ALIASES[PEOPLE[0]].replace(' ', '-')}",
    ],
)  # fmt: skip
def test_what_stands_for_somebody_is_seen(link: str) -> None:
    assert is_altered(link)


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/number-theory", "https://example.org/a?name=x&address=y", "https://number.example.org/",
        "https://en.wikipedia.org/wiki/Foucault_knife-edge_test", "https://example.org/Melro-preto",
        "https://example.org/names", "https://example.org/",
    ],
)  # fmt: skip
def test_other_addresses_are_as_they_were_written(link: str) -> None:
    assert not is_altered(link)

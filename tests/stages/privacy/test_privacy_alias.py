"""Aliases: readable, stable, one a person."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from stages.privacy.alias import Aliases, aliases, identity
from stages.privacy.fold import fold
from stages.privacy.vocabulary import in_order, is_common, listed

KEY = bytes(range(32))
FIRST_NAMES = (
    "Maria Ana João José Antônio Francisco Carlos Paulo Pedro Lucas Luiz Marcos Gabriel Rafael Daniel Bruno Felipe "
    "Rodrigo Mateus André Fernando Fábio Gustavo Tiago Ricardo Jorge Diego Vitor Juliana Fernanda Camila Mariana "
    "Beatriz Clara Laura Sofia Helena Alice Inês Luna Bia Nina James Robert John Michael David William Joseph Thomas "
    "Mary Linda Susan Jessica Sarah Karen Lisa Emily Donna Carol Alice Bob Dave Eve Mallory Trent Peggy Jack Rob Frank "
    "Max Leo Ben Tom Tim Sam Joe Dan Ted Ali Mia Ella Ava Zoe Lily Amelia Stella Nora Ivy Iris Ruby Robin Martin Jay "
    "Carmen Pablo Lucia Elena Sergio Marina Hans Jürgen Klaus Lena Lea Leon Pierre Claire Chloé Giulia Chiara Marco "
    "Amber Hazel Fern Finch Sparrow Wren Heather Holly Basil Rowan Jade Pearl Coral Crystal Violet Olive Daisy Poppy "
    "Silva Santos Oliveira Souza Lima Pereira Ferreira Costa Almeida Smith Johnson Jones Garcia Müller Rossi Swift"
)


def test_the_lists_give_256_by_512_words_of_plain_letters() -> None:
    assert len(set(in_order("adjectives"))) == 256
    assert len(set(in_order("nouns"))) == 512
    assert all(set(word) <= set(string.ascii_lowercase) for word in in_order("adjectives") + in_order("nouns"))


def test_no_word_of_an_alias_is_a_name_and_no_first_name_is_a_common_word() -> None:
    names = {fold(name) for name in FIRST_NAMES.split()}
    assert not names & (listed("adjectives") | listed("nouns"))
    assert [name for name in sorted(names) if is_common(name)] == []


def test_words_that_people_are_called_in_contacts_are_common() -> None:
    called = (
        "Rose Will Mark Hope Sol Flor Pai Mãe Mom Dad Amor Vida Bar Rosa May Grace Joy Bill Uber Mutti Papa Zia Tía"
    )
    assert [name for name in called.split() if not is_common(fold(name))] == []


@given(st.lists(st.text(min_size=1, max_size=20), max_size=30), st.randoms())
@settings(max_examples=50, deadline=None)
def test_an_alias_depends_on_key_and_name_alone(names: list[str], chance) -> None:  # type: ignore[no-untyped-def]
    given_all = aliases(KEY, names, {})
    shuffled = list(names)
    chance.shuffle(shuffled)
    assert aliases(KEY, shuffled, {}) == given_all
    people = {identity(name) for name in names}
    assert len(set(given_all.values())) == len(people)
    for alias in given_all.values():
        first, second = alias.split(" ")[:2]
        assert first.lower() in listed("adjectives")
        assert second.lower() in listed("nouns")


def test_another_key_gives_other_aliases() -> None:
    names = [f"Person {number}" for number in range(50)]
    one, two = aliases(KEY, names, {}), aliases(bytes(32), names, {})
    assert sum(one[name] == two[name] for name in names) < 3


def test_spellings_of_one_person_are_one_person() -> None:
    number = "\u202a+55\u00a011\u00a091234\u20115678\u202c"
    for spellings in (
        [
            "Ana Souza",
            "~ Ana Souza",
            "~\u202fAna Souza",
            "ana  souza ",
            "\u200eAna Souza",
            "Ａｎａ Ｓｏｕｚａ",
            "\u2068Ana Souza\u2069",
        ],
        [number, "+5511912345678", "+55 (11) 91234-5678", "~ +55 11 91234 5678"],
    ):
        assert len(set(aliases(KEY, spellings, {}).values())) == 1
    assert identity(number) == "+5511912345678"
    assert identity("(11) 91234-5678", "BR") == "+5511912345678"
    different = ["Ana", "Ana 🌸", "Aná", "Ana 2", "Ana Souza", "Anna"]
    assert len(set(aliases(KEY, different, {}).values())) == len(different)


def test_two_people_never_share_an_alias_and_an_alias_once_given_stays() -> None:
    names = [f"n{number}" for number in range(3000)]
    given_all = aliases(KEY, names, {})
    assert len(set(given_all.values())) == len(names)
    numbered = [name for name in names if given_all[name].count(" ") == 2]
    assert 0 < len(numbered) < 150
    mac = Aliases(KEY, {}).mac
    taken = {mac(identity(names[0])): "Quiet Heron"}
    assert aliases(KEY, names[:3], taken)[names[0]] == "Quiet Heron"
    bare = aliases(KEY, [names[5]], {})[names[5]]
    later = aliases(KEY, [names[5]], {mac("somebody else"): bare})[names[5]]
    assert later.startswith(bare + " ")
    assert later[len(bare) + 1 :].isdigit()

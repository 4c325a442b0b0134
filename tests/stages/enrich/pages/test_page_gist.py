"""A page in few words of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.enrich.pages.facts import PageFacts
from stages.enrich.pages.gist import LENGTH, gist
from stages.enrich.pages.sentences import split_sentences

TWO = {
    "latin": ["Dr. Silva paid 3.5 euros on Monday.", "Was it enough?"],
    "cyrillic": ["Парк открыли в 2020 г. весной.", "Пришло много людей!"],
    "greek": ["Πού πας σήμερα;", "Πάω στο σπίτι."],
    "arabic": ["هل كانت التكلفة كبيرة؟", "قال المجلس إنها أقل."],
    "urdu": ["شہر نے باغ کھولا۔", "سب لوگ خوش ہیں۔"],
    "hebrew": ["העיר פתחה פארק חדש.", "האם הוא גדול?"],
    "devanagari": ["नगर ने नया बगीचा खोला।", "तीन साल लगे।"],
    "bengali": ["শহর একটি বাগান খুলেছে।", "সবাই খুশি।"],
    "tamil": ["நகரம் பூங்காவைத் திறந்தது.", "அனைவரும் மகிழ்ச்சி."],
    "han": ["该市开设了一个新公园。", "市民很高兴！"],
    "kana": ["市は公園を開きました。", "三年かかりましたか？"],
    "hangul": ["시는 새 공원을 열었다.", "모두 기뻐했다."],
    "armenian": ["Քաղաքը բացեց այգի։", "Բոլորը ուրախ են։"],
    "ethiopic": ["ከተማው ፓርክ ከፈተ።", "ሁሉም ደስተኛ ነው።"],
    "burmese": ["မြို့က ပန်းခြံဖွင့်ခဲ့သည်။", "သုံးနှစ်ကြာသည်။"],
    "khmer": ["ទីក្រុងបានបើកសួន។", "មនុស្សសប្បាយចិត្ត។"],
}


@pytest.mark.parametrize("script", TWO)
def test_sentences_end_where_readers_of_the_script_see_them_end(script: str) -> None:
    assert split_sentences(" ".join(TWO[script])) == TWO[script]


@pytest.mark.parametrize("script", TWO)
def test_a_gist_is_made_of_whole_sentences(script: str) -> None:
    first, second = TWO[script]
    facts = PageFacts(title=first[:6], text="\n".join(f"{first} {second} {number} {first}" for number in range(50)))
    said = gist(facts, "en")
    assert said
    assert len(said) <= LENGTH
    assert first in said or second in said
    assert not said.endswith("…")


def test_the_pages_own_description_is_taken() -> None:
    facts = PageFacts(
        title="T", description="A soup of red lentils that is ready in 25 minutes.", text="Other words. " * 50
    )
    assert gist(facts, "pt") == facts.description


@pytest.mark.parametrize(
    "description",
    [
        "Soup", "Lemon lentil soup", "soup, lentils, lemon, dinner, easy, quick, healthy, vegan",
        "We use cookies to make our site better for you and everyone else.",
        "Please enable JavaScript to view this page.",
    ],
)  # fmt: skip
def test_a_description_that_says_nothing_gives_way_to_the_text(description) -> None:
    text = (
        "Accept all cookies.\nRinse the lentils until the water stays clear. Then cook the lentils for twenty minutes."
    )
    said = gist(PageFacts(title="Lemon lentil soup", description=description, text=text), "en")
    assert said == "Rinse the lentils until the water stays clear. Then cook the lentils for twenty minutes."


def test_a_short_description_is_better_than_nothing() -> None:
    assert gist(PageFacts(title="T", description="A quick soup."), "en") == "A quick soup."
    assert gist(PageFacts(title="T"), "en") is None


def test_a_long_description_is_cut_between_words() -> None:
    said = gist(PageFacts(description="lentil " * 100), "en")
    assert said is not None
    assert len(said) <= LENGTH
    assert said.endswith("lentil…")


def test_what_the_text_is_about_is_told_rather_than_its_margins() -> None:
    text = (
        "12:30\nShare Print\nThe flood destroyed the garden. "
        + "The garden has trees. " * 3
        + "Weather: fine today, cold tomorrow."
    )
    said = gist(PageFacts(title="The garden", text=text), "en")
    assert said is not None
    assert "The flood destroyed the garden." in said
    assert "Share" not in said


@given(
    st.builds(
        PageFacts,
        title=st.none() | st.text(max_size=30),
        description=st.none() | st.text(max_size=500),
        text=st.none() | st.text(alphabet="ab .!?。؟\n漢字กข", max_size=900),
    )
)
def test_a_gist_is_short_and_always_the_same(facts: PageFacts) -> None:
    said = gist(facts, "en")
    assert said is None or 0 < len(said) <= LENGTH
    assert gist(facts, "pt") == said

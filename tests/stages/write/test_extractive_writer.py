"""The offline writer as readers meet it: true to the messages, about their subjects, never the same sentence twice."""

import asyncio
import json
import re
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archive.records import Enrichment
from stages.llm import Door
from stages.settings import Settings
from stages.write.extractive.provider import answer
from stages.write.prompts import window_prompt
from stages.write.schema import Post
from stages.write.validate import read_answer
from stages.write.window import render_window
from stages.write.writer import write_windows
from tests.stages.write.conftest import TALK, message_id, table_of, window_of

PLANTED = {
    "en": (
        "telescope",
        """
Quiet Heron: The telescope arrived this morning, two huge boxes
Brave Otter: At last! Is the mirror of the telescope in one piece?
Quiet Heron: Not a scratch. The mirror is heavier than my dog
Calm Fox: When do we look at Saturn with it?
Quiet Heron: Saturn rises late, so Friday after ten
Brave Otter: Agreed, Friday after ten on the hill
""",
    ),
    "pt": (
        "telhado",
        """
Garça Calma: O pedreiro veio ver o telhado e diz que são três semanas
Lontra Azul: Três semanas? O orçamento do telhado dizia dez dias
Garça Calma: Diz que a madeira está podre por baixo das telhas
Raposa Gentil: E quem paga a madeira nova?
Garça Calma: O senhorio, já falei com ele esta manhã
Raposa Gentil: Combinado, começam na segunda-feira
""",
    ),
    "es": (
        "piscina",
        """
Garza Azul: ¿Alguien sabe cuándo abre la piscina del barrio?
Nutria Roja: La piscina abre en junio, según el cartel de la entrada
Garza Azul: ¿Y cuánto cuesta el abono familiar este verano?
Nutria Roja: El abono familiar cuesta ochenta euros
Garza Azul: De acuerdo, compramos el abono familiar entre todos
""",
    ),
    "de": (
        "Tomaten",
        """
Ruhiger Reiher: Ich wollte am Samstag die Tomaten setzen
Blauer Otter: Die Tomaten brauchen noch zwei Wochen, es gibt Nachtfrost
Ruhiger Reiher: Der Wetterbericht meldet minus zwei Grad für das Gartenhaus
Blauer Otter: Dann warten wir mit den Tomaten bis zum nächsten Monat
Ruhiger Reiher: Abgemacht
""",
    ),
    "fr": (
        "chat",
        """
Héron Calme: Qui peut garder le chat pendant les vacances ?
Loutre Bleue: Moi, je garde le chat la première semaine
Héron Calme: Les croquettes du chat sont dans le placard de la cuisine
Loutre Bleue: Il lui faut ses gouttes du vétérinaire le soir ?
Héron Calme: Oui. C'est décidé alors, tu gardes le chat
""",
    ),
    "it": (
        "focaccia",
        """
Airone Calmo: Ragazzi, chi porta la focaccia alla festa di sabato?
Lontra Blu: La focaccia la porto io, la faccio venerdì sera
Airone Calmo: E la musica della festa? Le casse sono rotte
Lontra Blu: Le casse le ho io, le porto nel cortile
Airone Calmo: Allora è deciso, la festa comincia alle nove nel cortile
""",
    ),
}


def posts_of(window: Any) -> list[Post]:
    rendered = render_window(window)
    return read_answer(answer(window_prompt(rendered, window.language)), rendered)


def sentences(post: Post) -> list[str]:
    """Every sentence of the writer's own making: paragraphs, decisions, questions."""
    paragraphs = [p.text for section in post.sections for p in section.paragraphs]
    return paragraphs + [s.text for s in (*post.decisions, *post.open_questions)]


def quoted(text: str) -> list[str]:
    return re.findall("“([^”]*)”", text)


WORDS = "garden fence paint roof ladder neighbour money letter station orange the a and is we you what when".split()  # noqa: SIM905
LINES = st.lists(
    st.tuples(
        st.sampled_from(["Quiet Heron", "Brave Otter", "Calm Fox"]),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
        | st.text(st.characters(codec="utf-8"), max_size=50)
        | st.sampled_from(
            ["<script>x</script> roof", "https://a.example/x", "really?", "Agreed!", "[x](y)", "“quote” roof"]
        ),
        st.sampled_from([0, 1, 1, 2, 30, 200]),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(lines=LINES, context=st.integers(0, 10))
def test_every_answer_passes_the_checks_and_every_quoted_word_was_said(
    lines: list[tuple[str, str, int]], context: int
) -> None:
    context = min(context, len(lines) - 1)
    talk = "\n".join(f"{author}: x" for author, _, _ in lines)
    table = table_of(talk, more={seq: {"text": text} for seq, (_, text, _) in enumerate(lines)})
    minutes = [0]
    for _, _, wait in lines[1:]:
        minutes.append(minutes[-1] + wait)
    window = window_of(talk, own=(context, len(lines)))
    times = [table.column("ts")[0].as_py().timestamp() * 1e6 + 60e6 * minute for minute in minutes]
    column = table.schema.get_field_index("ts")
    table = table.set_column(column, table.schema.field("ts"), pa.array(map(int, times), pa.int64()).cast(
        table.schema.field("ts").type))  # fmt: skip
    window = type(window)(**{**window.__dict__, "messages": table})
    said = {message_id(seq): " ".join(text.split()) for seq, (_, text, _) in enumerate(lines)}
    for post in posts_of(window):
        for paragraph in [p for section in post.sections for p in section.paragraphs]:
            assert paragraph.text
            assert all(message_id(context) <= source for source in paragraph.sources)
            sources = " \n ".join(said[source] for source in paragraph.sources)
            folded = sources.translate(str.maketrans("“”", "‘’"))
            for words in quoted(paragraph.text):
                assert words.removesuffix("…") in folded
        for statement in (*post.decisions, *post.open_questions):
            assert statement.sources


@pytest.mark.parametrize("language", PLANTED)
def test_the_subject_is_found_in_each_language(language: str) -> None:
    subject, talk = PLANTED[language]
    [post] = posts_of(window_of(talk))
    assert post.language == language
    headline = f"{post.title} {post.dek}".casefold()
    assert subject.casefold() in headline
    assert any(subject.casefold() in tag.casefold() for tag in post.tags)


@pytest.mark.parametrize("language", PLANTED)
def test_decisions_are_found_by_what_people_say(language: str) -> None:
    _, talk = PLANTED[language]
    [post] = posts_of(window_of(talk))
    assert post.decisions, language


def test_it_reads_like_this() -> None:
    [post] = posts_of(window_of(TALK))
    assert post.title == "“The roof of the shed leaks as well”"
    assert (
        post.dek
        == "Calm Fox, Quiet Heron and Brave Otter, on the evening of 2 March: the roof, the ladder and the shed."
    )
    first = post.sections[0].paragraphs[0]
    assert first.text.startswith(
        "It began at 20:00 with Quiet Heron: “Shall we repaint the garden shed before the summer party?”"
    )
    assert post.sections[0].heading == ""
    assert [d.text for d in post.decisions] == ["“Agreed, roof on Saturday, paint on Sunday” — Brave Otter."]
    assert post.people == ("Calm Fox", "Quiet Heron", "Brave Otter")


def test_the_same_window_gives_the_same_bytes() -> None:
    prompt = window_prompt(render_window(window_of(TALK)), "auto")
    assert answer(prompt) == answer(prompt)


def test_the_language_can_be_chosen() -> None:
    [post] = posts_of(window_of(TALK, language="pt"))
    assert post.language == "pt"
    assert post.dek.startswith("Calm Fox, Quiet Heron e Brave Otter, na noite de 2 de março: ")


def test_different_subjects_of_a_rich_window_become_posts_of_their_own() -> None:
    roof, cat = ("telescope mirror saturn hill", "chessboard bishop rook tournament")
    lines = []
    for at, subject in enumerate([roof, cat]):
        words = subject.split()
        lines += [
            (f"Quiet Heron: The {words[n % 4]} and the {words[(n + 1) % 4]} number {n} are here again", at * 300 + n)
            for n in range(24)
        ]
    talk = "\n".join(line for line, _ in lines)
    window = window_of(talk)
    start = window.messages.column("ts")[0].as_py().timestamp()
    times = pa.array([int((start + 60 * minute) * 1e6) for _, minute in lines], pa.int64())
    field = window.messages.schema.field("ts")
    table = window.messages.set_column(2, field, times.cast(field.type))
    posts = posts_of(type(window)(**{**window.__dict__, "messages": table}))
    assert len(posts) == 2
    assert "telescope" in posts[0].tags
    assert "chessboard" in posts[1].tags
    assert set(posts[0].sources).isdisjoint(posts[1].sources)
    assert posts[0].title != posts[1].title


def test_no_sentence_is_said_twice_and_no_heading_either() -> None:
    talk = "\n".join(talk.strip() for _, talk in PLANTED.values()) + "\n" + TALK.strip()
    posts = posts_of(window_of(talk, every=400))
    told = Counter(text for post in posts for text in sentences(post))
    assert max(told.values()) == 1
    names = Counter(name for post in posts for name in [post.title, *(s.heading for s in post.sections)] if name)
    assert max(names.values()) == 1


def test_what_was_said_twice_is_told_once() -> None:
    line = "Quiet Heron: The boiler in the cellar is leaking again, please call the plumber"
    [post] = posts_of(window_of("\n".join([line] * 6 + TALK.strip().splitlines())))
    assert json.dumps(post.model_dump(), ensure_ascii=False).count("boiler in the cellar is leaking again") == 1


def test_pictures_files_and_links_stand_where_they_were_spoken_of() -> None:
    picture = Enrichment(
        key="k", kind="image", value="IMG-1.jpg", alt="Picture", files=("abc-640.webp", "abc-320.webp")
    )
    page = Enrichment(
        key="https://paint.example/green", kind="url", value="https://paint.example/green", title="Greens"
    )
    voice = Enrichment(key="v", kind="audio", value="PTT-1.opus", alt="Voice note, 0:12")
    more = {
        1: {"kind": "media", "media": ["IMG-1.jpg"], "text": "IMG-1.jpg (file attached)\nthe shed in its glory"},
        2: {"text": "This green is on sale: https://paint.example/green"},
        3: {"kind": "media", "media": ["PTT-1.opus"], "text": "PTT-1.opus (file attached)"},
    }
    [post] = posts_of(window_of(TALK, more=more, enrichments=[picture, page, voice]))
    paragraphs = [paragraph for section in post.sections for paragraph in section.paragraphs]
    at = [p.sources[0] for p in paragraphs]
    assert at == sorted(at)
    with_picture = next(p for p in paragraphs if p.pictures)
    assert with_picture.sources == (message_id(1),)
    shown = with_picture.pictures[0]
    assert (shown.file, shown.alt, shown.caption) == ("abc-640.webp", "Picture", "the shed in its glory")
    with_link = next(p for p in paragraphs if p.links)
    assert with_link.links[0].model_dump() == {
        "url": "https://paint.example/green", "title": "Greens", "source": message_id(2), "author": "Calm Fox",
        "text": "",
    }  # fmt: skip
    assert "“This green is on sale”" in with_link.text
    assert "://" not in with_link.text
    assert any("a voice note" in p.text for p in paragraphs)


def test_a_question_that_nobody_answered_is_kept_open() -> None:
    talk = TALK.strip() + "\nCalm Fox: And who feeds the hedgehogs in the garden meanwhile?"
    [post] = posts_of(window_of(talk))
    assert [q.sources for q in post.open_questions] == [(message_id(6),)]
    assert "“And who feeds the hedgehogs in the garden meanwhile?”" in post.open_questions[0].text


@pytest.mark.parametrize(
    "said", ["We haven't agreed on the paint colour", "Agreed on the paint colour?", "não está decidido, o telhado"]
)
def test_what_is_denied_or_asked_is_no_decision(said: str) -> None:
    for post in posts_of(window_of(f"{TALK.strip().rpartition(chr(10))[0]}\nBrave Otter: {said}")):
        assert not [d for d in post.decisions if message_id(5) in d.sources]


def test_system_lines_and_context_are_not_told() -> None:
    talk = "Brave Otter: The cellar flooded last week, remember the pumps\nQuiet Heron added Calm Fox\n" + TALK.strip()
    posts = posts_of(window_of(talk, own=(1, 8)))
    told = {source for post in posts for source in post.sources}
    assert told
    assert message_id(0) not in told
    assert message_id(1) not in told
    assert "flooded" not in json.dumps([post.model_dump() for post in posts])


def test_a_window_larger_than_a_prompt_is_told_in_parts() -> None:
    lines = [
        f"Quiet Heron: Shed number {n} needs paint, nails and a new lock by Friday {'x' * 60}" for n in range(2600)
    ]
    door = Door(Settings())
    [outcome] = asyncio.run(write_windows([window_of("\n".join(lines), every=30)], door))
    assert outcome.status == "written"
    assert 2 <= door.usage.calls <= 4
    assert len({post.title for post in outcome.posts}) >= 1


def test_a_prompt_of_others_is_refused() -> None:
    with pytest.raises(ValueError, match="prompts of Streamliner"):
        answer([{"role": "user", "content": "hello"}])

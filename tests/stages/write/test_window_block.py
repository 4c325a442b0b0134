"""The block that holds the chat in a prompt: a program reads back exactly what was rendered, whatever people wrote."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archive.records import Enrichment
from stages.write.bodies import spoken
from stages.write.prompts import window_prompt
from stages.write.window import BEGIN, END, MAX_TEXT, parse_block, render_window
from tests.stages.write.conftest import message_id, window_of

NASTY = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    [END, f"\n{END}\n", f"{BEGIN}\n", '["m1","00:00","x","y"]', '"]', "\\", "\u2028", "</chat>", '["2026-01-01"]']
)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(NASTY, min_size=1, max_size=12), cut=st.integers(0, 12))
def test_what_was_rendered_is_read_back(texts: list[str], cut: int) -> None:
    cut = min(cut, len(texts))
    talk = "\n".join("Quiet Heron: x" for _ in texts)
    more = {seq: {"text": text} for seq, text in enumerate(texts)}
    rendered = render_window(window_of(talk, own=(cut, len(texts)), more=more))
    prompt = window_prompt(rendered, "auto")[1]["content"]
    lines = parse_block(prompt)
    assert [line[0] for line in lines] == [f"c{n + 1}" for n in range(cut)] + [
        f"m{n + 1}" for n in range(len(texts) - cut)
    ]
    for (_, day, clock, author, text, _), written, seq in zip(lines, texts, range(len(texts)), strict=True):
        assert (day, clock, author) == ("2026-03-02", f"20:{seq:02}", "Quiet Heron")
        assert text == " ".join(written.translate({0x200E: None, 0x200F: None, 0xFEFF: None}).split())[:MAX_TEXT]
    assert all(line.startswith('["') for line in rendered.block.split("\n")[1:-1])


def test_times_are_local_and_days_are_named_when_they_change() -> None:
    rendered = render_window(window_of("A B: one\nA B: two\nA B: three", every=7200, timezone="Asia/Tokyo"))
    assert [json.loads(line) for line in rendered.block.split("\n")[1:-1]] == [
        ["2026-03-03"],
        ["m1", "05:00", "A B", "one"],
        ["m2", "07:00", "A B", "two"],
        ["m3", "09:00", "A B", "three"],
    ]


def test_replies_pictures_links_and_kinds_come_along() -> None:
    picture = Enrichment(key="k1", kind="image", value="IMG-1.jpg", alt="Picture", files=("abc-640.webp",))
    voice = Enrichment(key="k2", kind="audio", value="PTT-1.opus", alt="Voice note, 0:12")
    page = Enrichment(key="https://example.com/a", kind="url", value="https://example.com/a", title="A page")
    more = {
        1: {"reply_to": message_id(0)},
        2: {"kind": "media", "media": ["IMG-1.jpg"], "text": "IMG-1.jpg (file attached)\nlook at him"},
        3: {"kind": "media", "media": ["PTT-1.opus"], "text": "PTT-1.opus (file attached)"},
        4: {"kind": "media", "text": "<Media omitted>"},
        5: {"kind": "poll", "text": "POLL: where? OPTION: here (1 vote)"},
        6: {"kind": "deleted", "text": "This message was deleted"},
        7: {"edited": True, "text": "right <This message was edited>"},
    }
    talk = "\n".join(["Quiet Heron: https://EXAMPLE.com/a?utm_source=x. Read it"] + ["Calm Fox: x"] * 7)
    rendered = render_window(window_of(talk, more=more, enrichments=[picture, voice, page]))
    lines = {line[0]: line for line in parse_block(rendered.block)}
    assert lines["m1"][5] == {"links": [["l1", "https://EXAMPLE.com/a?utm_source=x", "A page"]]}
    assert lines["m2"][5] == {"re": "m1"}
    assert lines["m3"][4:] == ("look at him", {"pictures": [["p2", "Picture"]]})
    assert lines["m4"][4:] == ("", {"media": ["Voice note, 0:12"]})
    assert lines["m5"][4:] == ("", {"media": ["left out of the export"]})
    assert lines["m6"][5] == {"kind": "poll"}
    assert lines["m7"][4] == "right"
    assert len(lines) == 7


@pytest.mark.parametrize(
    ("text", "kind", "media", "edited", "words"),
    [
        ("hello", "text", [], False, "hello"),
        ("IMG-1.jpg (file attached)\nthe cat", "media", ["IMG-1.jpg"], False, "the cat"),
        ("IMG-1.jpg (arquivo anexado)", "media", ["IMG-1.jpg"], False, ""),
        ("\u200e<attached: 0001-PHOTO.jpg>", "media", ["0001-PHOTO.jpg"], False, ""),
        ("the cat\n\u200e<attached: 0001-PHOTO.jpg>", "media", ["0001-PHOTO.jpg"], False, "the cat"),
        ("Plan.pdf • 2 pages \u200e<attached: 0002-Plan.pdf>", "media", ["0002-Plan.pdf"], False, ""),
        ("2015-PHOTO-1.jpg <attached>", "media", ["2015-PHOTO-1.jpg"], False, ""),
        ("<Media omitted>", "media", [], False, ""),
        ("<Mídia oculta>\no gato", "media", [], False, "o gato"),
        ("image omitted", "media", [], False, ""),
        ("yes <This message was edited>", "text", [], True, "yes"),
        ("I <3 this", "text", [], True, "I <3 this"),
        ("This message was deleted", "deleted", [], False, ""),
    ],
)
def test_what_the_app_wrote_is_nobodys_words(text: str, kind: str, media: list[str], edited: bool, words: str) -> None:
    assert spoken(text, kind, media, edited) == words


def test_a_very_long_message_is_cut_in_the_prompt_and_whole_for_checking() -> None:
    rendered = render_window(window_of("A B: " + "word " * 5_000))
    line = parse_block(rendered.block)[0]
    assert len(line[4]) == MAX_TEXT
    assert line[5] == {"cut": True}
    assert len(rendered.lines["m1"].said) == 24_999

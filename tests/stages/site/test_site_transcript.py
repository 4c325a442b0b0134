"""The transcript: every message once, in order, on pages that stay small."""

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.archive.records import Enrichment
from stages.site.bubbles import HUES, Palette, initials, without_phrase
from stages.site.build import SiteSource, build_site

ANCHOR = re.compile(r' id="m-([0-9a-f]{32})"')


def test_every_message_stands_once_and_in_order(build, a):
    messages = a.rows(1234)
    site = build(messages=messages)
    found = [identity for page in site.transcript_pages() for identity in ANCHOR.findall(site.text(page))]
    assert found == [row["message_id"] for row in messages]
    assert site.report.messages == 1234
    assert site.report.transcript_pages == len(site.transcript_pages()) == 7


def test_a_page_holds_at_most_200_messages_and_90_kilobytes(build, a):
    site = build(messages=[row | {"text": "Ã&<" * (row["seq"] % 700)} for row in a.rows(900)])
    for page in site.transcript_pages():
        assert len(ANCHOR.findall(site.text(page))) <= 200
        assert len(site.files()[page]) <= 90_000
    assert any(len(site.files()[page]) > 80_000 for page in site.transcript_pages())


def test_a_message_larger_than_a_page_stands_alone_and_whole(build, a):
    messages = a.rows(3)
    messages[1]["text"] = "word " * 40_000
    site = build(messages=messages)
    assert [len(ANCHOR.findall(site.text(page))) for page in site.transcript_pages()] == [1, 1, 1]
    assert site.words("transcript/0002.html").count("word") == 40_000


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["text", "media", "system", "deleted", "poll", "call", "location", "contact"]),
            st.sampled_from(["Quiet Heron", "Amber Falcon", "<b>", None]),
            st.text(max_size=60),
            st.integers(0, 40_000),
        ),
        max_size=260,
    )
)
def test_any_messages_give_valid_pages_that_hold_them_all(build, a, drawn):
    messages = [
        row | {"kind": kind, "author": author, "text": text, "ts": row["ts"].replace(microsecond=0)}
        for row, (kind, author, text, _) in zip(a.rows(len(drawn)), drawn, strict=True)
    ]
    site = build(messages=messages)
    found = [identity for page in site.transcript_pages() for identity in ANCHOR.findall(site.text(page))]
    assert found == [row["message_id"] for row in messages]
    for page in site.transcript_pages():
        assert {f"m-{identity}" for identity in ANCHOR.findall(site.text(page))} <= site.anchors(page)


def test_days_are_those_of_the_zone_also_when_the_clock_changes(build, a):
    messages = a.rows(4)
    for row, moment in zip(
        messages, ("2026-03-28T23:59", "2026-03-29T00:30", "2026-03-29T22:59", "2026-03-29T23:00"), strict=True
    ):
        row["ts"] = a.start.fromisoformat(moment + "+00:00")
    site = build(messages=messages)
    days = ["".join(item.itertext()) for item in site.elements("transcript/0001.html", "h2", "day")]
    assert days == ["Saturday, 28 March 2026", "Sunday, 29 March 2026", "Monday, 30 March 2026"]
    times = ["".join(item.itertext()) for item in site.elements("transcript/0001.html", "time")]
    assert times == ["23:59", "00:30", "23:59", "00:00"]


def test_what_one_person_says_in_a_row_is_one_turn_in_one_colour(rich):
    turns = rich.elements("transcript/0002.html", "div", "turn")
    assert all(len([child for child in turn if child.get("class") == "msg"]) <= 2 for turn in turns)
    colours = Counter((turn.find("p").find("bdi").text, turn.get("class")) for turn in turns)
    assert set(colours) == {("Quiet Heron", "turn h0"), ("Amber Falcon", "turn h1"), ("Gentle Otter", "turn h2")}


def test_people_keep_their_colour_when_the_chat_grows_and_only_a_crowd_shares_one():
    palette = Palette()
    before = [palette.hue(f"person {number}") for number in range(HUES)]
    assert sorted(before) == list(range(HUES))
    assert palette.hue("somebody new") == 0
    assert [palette.hue(f"person {number}") for number in range(HUES)] == before


def test_every_colour_has_a_rule(rich):
    style = rich.text("assets/site.css")
    assert all(f".h{number} {{ --h:" in style for number in range(HUES))


def test_each_kind_is_shown_for_what_it_is(rich):
    page = "transcript/0001.html"
    assert "Quiet Heron added Amber Falcon" in "".join(rich.elements(page, "p", "sys")[0].itertext())
    gone = ["".join(item.itertext()) for item in rich.elements(page, "p", "gone")]
    assert gone == ["<Media omitted>", "This message was deleted"]
    cards = ["".join(item.itertext()).split("\n")[0] for item in rich.elements(page, "p", "card")]
    assert cards == ["POLL:", "location: https://maps.example.org/?q=1,2"]
    assert "Missed voice call" in "".join(rich.elements(page, "p", "call")[0].itertext())
    chips = [" ".join("".join(item.itertext()).split()) for item in rich.elements(page, "p", "chip")]
    assert chips == ["Voice note PTT-1.opus 34 KB", "File Gentle Otter.vcf"]
    assert "IMG-1.jpg (file attached)" not in rich.words(page)
    assert "edited" in rich.words(page)
    assert "<This message was edited>" not in rich.words(page)


def test_an_answer_leads_to_what_it_answers(rich, a):
    answer = rich.elements("transcript/0001.html", "a", "re")[0]
    assert answer.get("href") == f"0001.html#m-{a.message_id(1)}"
    assert "message number 1" in "".join(answer.itertext())


def test_links_in_messages_open_and_the_sentence_around_them_does_not_belong_to_them(rich):
    links = {
        item.get("href"): "".join(item.itertext())
        for item in rich.elements("transcript/0001.html", "a")
        if item.get("rel")
    }
    assert links["https://www.example.org/a_(b)"] == "www.example.org/a_(b)"
    assert links["https://example.com/?a=1&b=2"] == "https://example.com/?a=1&b=2"


def test_the_list_of_months_leads_to_the_first_day_of_each(build, a):
    messages = a.rows(500)
    for row in messages:
        row["ts"] = a.start.replace(month=1 + row["seq"] // 50, day=5)
    site = build(messages=messages)
    items = [item for item in site.elements("transcript/index.html", "li") if item.find("a") is not None]
    assert ["".join(item.itertext()).strip() for item in items[:2]] == ["January 50 messages", "February 50 messages"]
    targets = [site.resolve("transcript/index.html", item.find("a").get("href")) for item in items]
    assert targets[4] == ("transcript/0002.html", "d-2026-05-05")


def test_pages_are_written_while_messages_still_come(a, tmp_path, media_dir):
    messages, written = a.rows(2000), []

    def batches():
        for start in range(0, 2000, 250):
            written.append(len(list((tmp_path / "out").glob("transcript/0*.html"))))
            yield from a.table(messages[start : start + 250]).to_batches()

    build_site(SiteSource("x", "UTC", "en", True, [], batches, [], media_dir), tmp_path / "out")
    assert written == [0, 0, 1, 2, 3, 5, 6, 7]


@pytest.mark.parametrize(
    ("text", "name", "left"),
    [
        ("IMG-1.jpg (file attached)\nhello", "IMG-1.jpg", "\nhello"),
        ("\u200eIMG-1.jpg (Datei angehängt)", "IMG-1.jpg", ""),
        ("<attached: 0001-PHOTO.jpg>", "0001-PHOTO.jpg", ""),
        ("look <anexado: a.pdf> now", "a.pdf", "look  now"),
        ("a.pdf", "a.pdf", ""),
        ("I renamed a.pdf (sorry about that)", "a.pdf", "I renamed a.pdf (sorry about that)"),
        ("nothing here", "a.pdf", "nothing here"),
    ],
)
def test_the_apps_words_for_an_attachment_make_room_for_it(text, name, left):
    assert without_phrase(text, name) == left


def test_initials():
    assert [initials(name) for name in ("Quiet Heron", "éva", "", "<img src=x>", "  ")] == ["QH", "É", "?", "S", "?"]


def test_an_attachment_without_a_file_says_what_is_known(build, a):
    messages = a.rows(1, kind="media", text="", media=["plan.pdf"])
    document = Enrichment(key="plan.pdf", kind="document", value="plan.pdf", alt="PDF document", bytes=1_213_000)
    assert "PDF document plan.pdf 1.2 MB" in build(messages=messages, enrichments=[document]).words(
        "transcript/0001.html"
    )
    site = build(messages=messages, enrichments=[document], language="pt")
    assert "Documento PDF plan.pdf 1,2 MB" in site.words("transcript/0001.html")
    assert "File plan.pdf" in build(messages=messages).words("transcript/0001.html")

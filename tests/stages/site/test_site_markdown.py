"""Bodies of posts: what their Markdown becomes."""

import pytest


@pytest.fixture
def body(build, a, picture):
    """HTML of a post's body, without the page around it, from its Markdown and five messages."""

    def render(markdown: str) -> str:
        site = build([a.post(0, body_markdown=markdown)], a.rows(5), [picture])
        text = site.text("posts/2026/03/post-0.html")
        site.parse("posts/2026/03/post-0.html")
        return text.partition('<div class="prose">\n')[2].partition("\n</div>\n<footer>")[0].strip()

    return render


def test_a_short_label_is_a_mark_at_its_word_and_a_long_one_a_link_in_the_line(body, a):
    html = body(f"They met. [1](message:{a.message_id(2)}) [at noon](message:{a.message_id(3)})")
    target = f'href="../../../transcript/0001.html#m-{a.message_id(2)}"'
    assert f'They met.<sup class="ref"><a class="src" {target}' in html
    assert 'title="2 March 2026, 20:57 — Amber Falcon: message number 2"' in html
    assert 'aria-label="source: Amber Falcon, 2 March 2026, 20:57"' in html
    assert ">at noon</a>" in html
    assert html.count("<sup") == 1


def test_raised_digits_are_not_raised_twice(body, a):
    html = body(f"They met. [¹²](message:{a.message_id(2)}) [³](message:{a.message_id(3)})")
    assert ">12</a></sup>" in html
    assert ">3</a></sup>" in html
    assert "They met.<sup" in html


def test_an_unknown_source_is_dropped_and_its_text_kept(build, a):
    site = build([a.post(0, body_markdown="They [met](message:0123) [here](message:no/such) and left.")], a.rows(2))
    assert "They met here and left." in site.words("posts/2026/03/post-0.html")
    assert site.elements("posts/2026/03/post-0.html", "a", "src") == []
    assert site.report.unknown_sources == 2


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "ftp://x.example", "//x.example", "x.html", "#m-1", "tel:+1"]
)
def test_other_addresses_are_no_links(body, address):
    assert body(f"a [word]({address}) b") == '<p dir="auto">a word b</p>'


def test_links_out_give_nothing_away(body):
    html = body('[site](https://example.org/a?b=1&c=2 "t") <mailto:someone@example.org>')
    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="nofollow noopener noreferrer">site</a>' in html
    assert '<a href="mailto:someone@example.org" rel="nofollow noopener noreferrer">' in html


def test_a_picture_alone_or_with_a_caption_is_a_figure(body, picture):
    plain = body(f"![Eggs](media:{picture.files[1]})")
    assert plain.startswith("<figure><img ")
    assert "figcaption" not in plain
    assert "On top</figcaption>" in body(f"![Eggs](media:{picture.files[1]}) On top")
    assert 'alt="Eggs"' in plain
    assert 'loading="lazy"' in plain
    assert '<figcaption dir="auto">On top</figcaption></figure>' in body(f'![Eggs](media:{picture.files[1]} "On top")')
    assert '<figcaption dir="auto"><em>Below</em></figcaption>' in body(f"![Eggs](media:{picture.files[1]})\n*Below*")


def test_a_picture_that_is_not_there_leaves_its_words(body):
    assert body("![Three eggs](media:gone.webp)") == '<p dir="auto">Three eggs</p>'
    assert body("![Three eggs](https://example.org/x.png)") == '<p dir="auto">Three eggs</p>'


def test_headings_stand_below_the_title_in_their_order(body):
    html = body("# A\n\n### B\n\n## C")
    assert [tag in html for tag in ('<h2 dir="auto">A</h2>', '<h4 dir="auto">B</h4>', '<h3 dir="auto">C</h3>')] == [
        True
    ] * 3


def test_notes_and_speakers_are_set_apart(body):
    html = body("*A note on the post.*\n\n*Not* a *note*\n\n> said\n>\n> — Quiet Heron")
    assert '<p dir="auto" class="note"><em>A note on the post.</em></p>' in html
    assert html.count('note"') == 1
    assert '<p dir="auto" class="by">— Quiet Heron</p>' in html
    assert '<p dir="auto">said</p>' in html


def test_html_is_text(body):
    assert body("<b>x</b>\n\n<div>y</div>").count("&lt;") == 4

"""The pages of a chronicle: what a reader finds where, and the same bytes whoever makes them."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from stages.errors import StreamlinerError
from stages.site.build import SiteSource, build_site


def test_two_builds_are_equal_byte_for_byte(build, a, picture):
    posts, messages = [a.post(n) for n in range(5)], a.rows(450)
    assert build(posts, messages, [picture]).files() == build(posts, messages, [picture]).files()


def test_no_page_knows_the_folder_it_was_made_in(rich, tmp_path):
    for name, content in rich.files().items():
        assert str(tmp_path).encode() not in content, name


def test_home_shows_the_newest_post_first_and_the_others_by_month(build, a):
    site = build([a.post(0), a.post(29), a.post(40)], a.rows(10))
    hero = site.elements("index.html", "article", "hero")[0]
    assert "Post 40" in "".join(hero.itertext())
    months = ["".join(item.find("h2").itertext()) for item in site.elements("index.html", "section", "month")]
    assert months == ["March 2026"]
    entries = ["".join(item.itertext()) for item in site.elements("index.html", "article", "entry")]
    assert ["Post 29" in entries[0], "Post 0" in entries[1], len(entries)] == [True, True, 2]
    assert "2 March 2026 · 10 messages" in site.text("index.html").replace("</span> <span>", " · ")
    assert site.elements("index.html", "input")[0].get("type") == "search"


def test_home_stays_small_and_leads_to_the_rest(build, a):
    site = build([a.post(number, dek="A line about it. " * 8) for number in range(300)], a.rows(3))
    assert len(site.files()["index.html"]) < 100_000
    assert site.elements("index.html", "p", "more")
    assert "300 posts" in site.words("archive.html")


def test_a_post_page_has_its_parts(rich):
    page = "posts/2026/03/post-7.html"
    words = rich.words(page)
    assert "Post 7" in words
    assert "What happened on day 7." in words
    assert "9 March 2026" in words
    assert "1 min read" in words
    assert [item.get("rel") for item in rich.elements(page, "a") if item.get("rel") in ("prev", "next")] == [
        "prev",
        "next",
    ]
    assert {"".join(item.itertext()) for item in rich.elements(page, "bdi")} == {
        "Quiet Heron", "Amber Falcon", "walks", "Ponte",
    }  # fmt: skip
    assert len(rich.files()[page]) < 60_000


def test_the_date_of_a_post_is_that_of_the_chats_zone(build, a):
    late = a.start.replace(hour=23, minute=30)
    site = build([a.post(0, date=late)], timezone="Asia/Tokyo")
    assert "3 March 2026" in site.words("posts/2026/03/post-0.html")


def test_an_empty_chronicle_is_a_page_that_explains(build, a):
    nothing = build()
    assert "holds no messages yet" in nothing.words("index.html")
    assert nothing.report.pages == len(nothing.pages())
    quiet = build(messages=a.rows(3))
    assert "3 messages and no post yet" in quiet.words("index.html")
    for page in nothing.pages():
        nothing.parse(page)


def test_the_interface_speaks_portuguese(build, a):
    site = build([a.post(0)], a.rows(3), language="pt")
    assert site.parse("index.html").get("lang") == "pt"
    assert "2 de março de 2026" in site.words("posts/2026/03/post-0.html")
    assert "segunda-feira, 2 de março de 2026" in site.words("transcript/0001.html")
    assert "Transcript" not in site.words("index.html").replace("Transcrição", "")


def test_search_engines_are_kept_away_unless_the_setting_says_otherwise(build, a):
    private, public = build([a.post(0)], noindex=True), build([a.post(0)], noindex=False)
    for page in private.pages():
        assert '<meta name="robots" content="noindex, nofollow">' in private.text(page)
        assert "noindex" not in public.text(page)


def test_every_page_forbids_what_it_does_not_use(rich):
    for page in rich.pages():
        policies = [item.get("content") for item in rich.elements(page, "meta") if item.get("http-equiv")]
        assert len(policies) == 1
        assert policies[0].startswith("default-src 'none';")
        assert "unsafe" not in policies[0]


def test_files_of_enrichments_are_published_and_nothing_else_of_their_folder(build, a, picture, media_dir, tmp_path):
    (tmp_path / "outside.webp").write_bytes(b"outside")
    os.symlink(tmp_path / "outside.webp", media_dir / "link-640.webp")
    hostile = replace(
        picture, key="b", value="b", files=("../outside.webp", "secret.txt", "link-640.webp", "gone.webp")
    )
    site = build([a.post(0)], a.rows(3), [picture, hostile])
    assert {name for name in site.files() if name.startswith("media/")} == {f"media/{name}" for name in picture.files}
    assert site.files()[f"media/{picture.files[0]}"] == b"picture 1600"
    assert site.report.bytes == sum(map(len, site.files().values()))


def test_the_hero_and_the_figure_show_the_picture_with_its_size(rich):
    # in the transcript the size is that of the room which the picture takes there, so that nothing moves when it comes
    wide, narrow = ("4000", "3000"), ("352", "264")
    for page, size in (("index.html", wide), ("posts/2026/03/post-7.html", wide), ("transcript/0001.html", narrow)):
        images = rich.elements(page, "img")
        assert images
        for image in images:
            assert (image.get("width"), image.get("height")) == size
            assert image.get("alt")
            assert "640w" in image.get("srcset", "")
    caption = rich.elements("posts/2026/03/post-7.html", "figcaption")[0]
    assert "On the balcony." in "".join(caption.itertext())


def test_topics_that_differ_in_case_or_accents_are_one(build, a):
    site = build([a.post(0, tags=["Café"]), a.post(1, tags=["cafe", "CAFÉ"]), a.post(2, tags=["../x", "index", "  "])])
    assert [name for name in site.pages() if name.startswith("tags/")] == [
        "tags/cafe.html",
    ]  # fmt: skip
    assert "2 posts" in site.words("tags/cafe.html")


def test_a_title_in_any_script_has_a_page(build, a):
    posts = [
        a.post(n, path=f"2026/03/{slug}", slug=slug) for n, slug in enumerate(("o-pão", "夏の家", "بيت", "a b%c#d?e&f"))
    ]
    site = build(posts, a.rows(5))
    links = [item.get("href", "") for item in site.elements("index.html", "a")]
    found = {site.resolve("index.html", link)[0] for link in links}
    assert {f"posts/{one.path}.html" for one in posts} <= found


@pytest.mark.parametrize(
    "path", ["../../etc/x", "2026/03/../x", "/2026/03/x", "2026/03/.x", "2026/03/a/b", "x", "2026/3/x"]
)
def test_a_path_that_leads_elsewhere_is_refused(build, a, path):
    with pytest.raises(ValueError, match="<yyyy>/<mm>/<slug>"):
        build([a.post(0, path=path)])


def test_two_posts_of_one_path_and_a_folder_in_use_are_refused(build, a, tmp_path: Path, media_dir: Path):
    with pytest.raises(StreamlinerError, match="same name"):
        build([a.post(0, path="2026/03/x"), a.post(1, path="2026/03/X")])
    with pytest.raises(StreamlinerError, match="not empty"):
        build_site(SiteSource("x", "UTC", "en", True, [], lambda: [], [], media_dir), tmp_path)


def test_the_about_page_names_who_wrote_and_says_when_nothing_left_the_machine(build, a):
    offline = build([a.post(0)]).words("about.html")
    assert "without a language model" in offline
    remote = build([a.post(0, model="openai/gpt-x")]).words("about.html")
    assert "openai/gpt-x" in remote
    assert "without a language model" not in remote

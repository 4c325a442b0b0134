"""Pictures, sound and documents as readers meet them: sizes known beforehand, copies once, lengths and titles."""

import re

import pytest

from stages.archive.records import Enrichment
from stages.privacy.leaks import find_leaks
from stages.site.media import PREVIEW
from stages.site.words import Words
from tests.stages.site.archives import KEY, message_id

ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


def pictures(html: str, *, previews: bool = False) -> list[dict[str, str]]:
    """Attributes of the pictures of a page, without their previews."""
    found = [dict(ATTRIBUTE.findall(tag)) for tag in re.findall(r"<img\b[^>]*>", html)]
    return [image for image in found if (image.get("class") == "blur") == previews]


def sent(*names: str) -> list[dict[str, object]]:
    return [{"kind": "media", "text": f"{name} (file attached)", "media": [name]} for name in names]


def image(shed, name: str, *drawn, **how) -> Enrichment:
    return Enrichment(name, "image", name, alt="Picture", **shed.picture(*drawn, **how))


TALK = [
    "Shall we repaint the garden shed before the summer party?",
    "The roof of the shed leaks as well, last winter my bicycle got wet",
    "Then the roof first. Who has a ladder that reaches the roof?",
]


def test_a_picture_has_its_sizes_and_its_preview_before_it_comes(chronicle):
    shed = chronicle([*TALK, *sent("IMG-1.jpg")])
    known = image(shed, "IMG-1.jpg", 7, (2400, 1600))
    shed.learn(known)
    shed.publish()
    large, small = known.files
    [figure] = pictures(shed.post())
    assert (figure["width"], figure["height"]) == ("1600", "1067")
    assert figure["srcset"] == f"../../../media/{small} 640w, ../../../media/{large} 1600w"
    [talk] = pictures(shed.page("transcript/0001.html"))
    assert (talk["width"], talk["height"]) == ("352", "235")
    for page in (shed.post(), shed.page("transcript/0001.html"), shed.page("index.html")):
        [preview] = pictures(page, previews=True)
        assert preview["src"] == known.preview
        assert page.count("data:image") == 1
    assert "data:" not in shed.page("feed.xml")
    assert "data:" not in shed.page("assets/search-index.js")


def test_what_is_clear_has_no_preview_that_would_show_through(chronicle):
    shed = chronicle([*TALK, *sent("cut-out.png")])
    known = image(shed, "cut-out.png", 8, (900, 900), drawn=True)
    assert known.preview
    assert not PREVIEW.fullmatch(known.preview)
    shed.learn(known)
    shed.publish()
    assert "data:image" not in shed.post() + shed.page("transcript/0001.html")
    assert len(pictures(shed.post())) == 1


def test_a_picture_that_was_forwarded_is_shown_once_in_a_post_and_always_in_the_transcript(chronicle):
    shed = chronicle([*TALK, *sent("IMG-1.jpg", "IMG-2.jpg", "IMG-3.jpg", "IMG-4.jpg")])
    small, best, other, worst = (
        image(shed, "IMG-1.jpg", 7, (800, 600), quality=30),
        image(shed, "IMG-2.jpg", 7, (1600, 1200)),
        image(shed, "IMG-3.jpg", 9, (1600, 1200)),
        image(shed, "IMG-4.jpg", 7, (640, 480), quality=12),
    )
    shed.learn(small, best, other, worst)
    shed.publish()
    post = shed.post()
    assert len({known.sha256 for known in (small, best, worst)}) == 3
    assert [shown["src"].rpartition("/")[2][:32] for shown in pictures(post)] == [
        best.files[0][:32],
        other.files[0][:32],
    ]
    assert post.count("sent 3 times") == 1
    assert post.count("The same picture, shown above.") == 2
    for number in (3, 4, 5, 6):
        assert f"#m-{message_id(number)}" in post
    assert len(pictures(shed.page("transcript/0001.html"))) == 4


def test_pictures_of_other_looks_and_of_none_are_all_shown(build, a, media_dir):
    files = [f"{number}{'c' * 31}-640.jpg" for number in range(4)]
    records = []
    for number, (file, look) in enumerate(zip(files, ("0" * 16, "f" * 16, None, "nonsense"), strict=True)):
        (media_dir / file).write_bytes(b"x")
        records.append(Enrichment(f"{number}", "image", f"{number}", files=(file,), sizes=((640, 480),), look=look))
    body = "\n\n".join(f"![x](media:{file}) A [1](message:{a.message_id(0)})" for file in files)
    html = build([a.post(0, body_markdown=body)], a.rows(1), records).text("posts/2026/03/post-0.html")
    assert len(pictures(html)) == 4
    assert "times" not in html.replace("Times", "")


def test_one_picture_told_twice_of_one_message_was_not_sent_twice(build, a, picture):
    figure = f"![x](media:{picture.files[0]}) A [1](message:{a.message_id(0)})"
    html = build([a.post(0, body_markdown=f"{figure}\n\n{figure}")], a.rows(1), [picture]).text(
        "posts/2026/03/post-0.html"
    )
    assert len(pictures(html)) == 1
    assert "sent 2 times" not in html
    assert html.count("The same picture, shown above.") == 1


def test_sound_film_and_documents_tell_their_length_title_and_what_was_heard(chronicle):
    shed = chronicle([*TALK, *sent("PTT-1.opus", "VID-1.mp4", "plan.pdf", "old.opus")])
    shed.learn(
        Enrichment("PTT-1.opus", "audio", "PTT-1.opus", alt="Voice note, 0:12", bytes=34_213, seconds=12.4,
                   transcript="The ladder slips on <wet> grass"),
        Enrichment("VID-1.mp4", "video", "VID-1.mp4", alt="Video", bytes=8_100_000, seconds=3_725.0),
        Enrichment("plan.pdf", "document", "plan.pdf", alt="PDF document", bytes=1_200_000, title="The new <roof>"),
        Enrichment("old.opus", "audio", "old.opus", alt="Voice note, 0:05", bytes=900),
    )  # fmt: skip
    shed.publish()
    text = re.sub(r"<[^>]*>", "", shed.page("transcript/0001.html"))
    assert "Voice note PTT-1.opus 0:12 · 34 KB" in text
    assert "Heard by a program: The ladder slips on &lt;wet&gt; grass" in text
    assert "Video VID-1.mp4 1:02:05 · 8.1 MB" in text
    assert "PDF document The new &lt;roof&gt; plan.pdf 1.2 MB" in text
    assert "Voice note, 0:05 old.opus 900 B" in text
    post = re.sub(r"<[^>]*>", "", shed.post())
    assert "sent a PDF, “The new…”." in post
    assert "A program heard: “The ladder slips on…”" in post


@pytest.mark.parametrize(("seconds", "shown"), [(0.2, "0:01"), (12.4, "0:12"), (61, "1:01"), (3599.6, "1:00:00")])
def test_lengths(seconds, shown):
    assert Words.of("en", "UTC").length(seconds) == shown


def test_the_pages_depend_on_the_archive_alone(chronicle):
    def bytes_of() -> dict[str, bytes]:
        shed = chronicle([*TALK, *sent("IMG-1.jpg", "IMG-2.jpg"), "https://paint.example/a"])
        page = shed.fetched("https://paint.example/a", title="Greens", picture=(3, (900, 500)))
        shed.learn(image(shed, "IMG-1.jpg", 7, (1600, 1200)), image(shed, "IMG-2.jpg", 7, (800, 600)), page)
        shed.publish()
        return {str(path.relative_to(shed.site)): path.read_bytes() for path in shed.site.rglob("*") if path.is_file()}

    assert bytes_of() == bytes_of()


def test_the_letters_of_a_preview_are_no_leak_and_those_beside_it_are(tmp_path):
    from stages.archive.records import NameRecord
    from stages.privacy.fold import fold
    from stages.privacy.names import Macs

    preview = "data:image/webp;base64,UklGRvYAAABXRUJQVlA4IOoAAAB/Ana/Rui+Zoe/AAAA"
    macs = Macs(KEY)
    names = [
        NameRecord(macs.of("name", fold(name)), macs.of("name", fold(name)), 1, "name", False, "Quiet Heron")
        for name in ("Ana", "Rui", "Zoe")
    ]
    page = tmp_path / "index.html"
    page.write_text(f'<img src="{preview}">')
    assert find_leaks(tmp_path, KEY, names) == []
    page.write_text(f'<img src="{preview}">Ana<img alt="Rui" src="{preview}">')
    assert [leak.offset for leak in find_leaks(tmp_path, KEY, names)] == [12 + len(preview), 12 + len(preview) + 13]
    page.write_text('<img src="data:image/webp;base64,/Ana/">')
    assert len(find_leaks(tmp_path, KEY, names)) == 1

"""Whatever people, files and models write: nothing active comes out, and nothing of the page is broken."""

import json
import re
from dataclasses import replace
from urllib.parse import urlsplit
from xml.etree import ElementTree

import html5lib
import pytest
from PIL import Image

from stages.archive.records import Enrichment
from stages.enrich.preview import preview_uri
from stages.site.media import PREVIEW
from stages.write.markdown import body_markdown
from stages.write.schema import Link, Paragraph, Picture, Post, Section

PAYLOADS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "<svg><script>alert(1)</script></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data=data:text/html,x></object><embed src=//evil.example>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css'</style>",
    "<form action=//evil.example><input name=x>",
    "<!-- --><!--><script>alert(1)</script-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "]]></content><entry>",
    "</title><script>alert(1)</script>",
    "</textarea></noscript></style><script>alert(1)</script>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](https://evil.example/\"onclick=\"alert(1))",
    "[x](<https://evil.example/'onclick='alert(1)>)",
    "[x]: javascript:alert(1)\n\n[x]",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/p.png)",
    "![x](//evil.example/p.png)",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "![x](media:../../secret.txt)",
    '![x" onerror="alert(1)](media:x.webp)',
    "![a](https://evil.example/a '\" onerror=alert(1)')",
    "<javascript:alert(1)>",
    "<https://evil.example/?q=<script>>",
    "[x](message:zzz\" onclick=\"alert(1))",
    "[x](message:../../evil)",
    "[x](media:ab.webp)",
    "https://evil.example/\"onmouseover=alert(1)//",
    "https://user:pass@evil.example/ http://[::1]:99999/ http://[bad",
    "www.evil.example/<script>alert(1)</script>",
    "javascript:alert(1) data:text/html,x vbscript:x",
    "{{ 7 * 7 }} {% include 'x' %} ${7*7} #{7*7}",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#x3C;script&#x3E; &amp;quot;",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200f\u200e",
    "a\x00b\x08c\x0bd\x1b[31me\x7ff\x85g\ufffeh\uffffi",
    "x" * 10_000,
    "\u0301" * 500 + "Z\u0351\u0324\u0337",
    "`<script>alert(1)</script>` ```<img src=x onerror=alert(1)>```",
    "    <script>alert(1)</script>\n\n~~~\n<script>alert(1)</script>\n~~~",
    "|a|b|\n|-|-|\n|<script>alert(1)</script>|[x](javascript:alert(1))|",
    "*" * 300 + "[" * 300 + "(" * 300,
    "> " * 100 + "deep",
    "# </h1><script>alert(1)</script>\n\n- <img src=x onerror=alert(1)>\n1. </li></ol></main>",
    "\u2028</script>\u2029<script>alert(1)</script>",
    "=1+1 @import -- ; DROP TABLE posts; %0d%0aSet-Cookie:x ../../../../etc/passwd",
    "<a id=m-1 name=main class=skip><p id=search>",
    "../index", "CON", "..", ".", "/", "\\", " ", "",
]  # fmt: skip

TAG_NAMES = """
    html head meta title link script body a header nav main footer p h1 h2 h3 h4 h5 h6 div span article section time b i
    bdi ul ol li input label noscript img figure figcaption blockquote em strong s code pre hr br sup table thead tbody
    tr th td
"""
ATTRIBUTE_NAMES = """
    lang charset name content http-equiv rel href type title src defer class id dir datetime aria-label aria-current
    aria-hidden tabindex role for placeholder autocomplete spellcheck data-index data-none data-one data-many srcset
    sizes width height alt loading start
"""
TAGS, ATTRIBUTES = set(TAG_NAMES.split()), set(ATTRIBUTE_NAMES.split())
SCRIPTS = {"assets/search.js"}


CHUNKS = [PAYLOADS[start : start + 12] for start in range(0, len(PAYLOADS), 12)]
KINDS = ["text", "system", "deleted", "poll", "call", "location", "contact", "media"]


def hostile_body(payload, a, picture):
    return (
        f"{payload}\n\n## {payload}\n\n> {payload}\n\n- {payload}\n\n"
        f'![{payload}](media:{picture.files[0]} "t")\n{payload}\n\n'
        f"[{payload}](message:{a.message_id(0)}) [1](message:{a.message_id(1)})\n\n*{payload}*\n"
    )


@pytest.mark.parametrize("chunk", range(len(CHUNKS)))
def test_nothing_active_comes_out(build, a, chunk, picture):
    payloads = CHUNKS[chunk]
    messages = a.rows(len(payloads) * len(KINDS))
    for row in messages:
        payload, kind = payloads[row["seq"] // len(KINDS)], KINDS[row["seq"] % len(KINDS)]
        row |= {"kind": kind, "text": payload, "media": [payload], "reply_to": messages[0]["message_id"]}
        row["author"] = None if row["seq"] % 5 == 1 else payload
    records = [picture]
    posts = []
    for number, payload in enumerate(payloads):
        records.append(
            Enrichment(key=payload, kind="image", value=payload, alt=payload, width=4, height=3, files=picture.files)
        )
        records.append(Enrichment(key=f"d{number}", kind="document", value=f"{number}", alt=payload, files=(payload,)))
        texts = {"title": payload, "dek": payload, "model": payload, "tags": [payload, "x"], "people": [payload]}
        posts.append(a.post(number, body_markdown=hostile_body(payload, a, picture), **texts))
    site = build(posts, messages, records)

    for page in site.pages():
        _inert(site, page, site.parse(page).iter())
        assert len(list(site.parse(page).iter("main"))) == 1
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", site.text(page))
    for entry in ElementTree.fromstring(site.files()["feed.xml"]).iter("{http://www.w3.org/2005/Atom}content"):
        fragment = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(entry.text)
        _inert(site, "feed.xml", fragment.iter())
    script = site.text("assets/search-index.js")
    assert not set("<>&\u2028\u2029") & set(script)
    assert len(json.loads(script.removeprefix("window.chronicle=").rstrip().removesuffix(";"))) == len(payloads)
    assert all(path.resolve().is_relative_to(site.folder.resolve()) for path in site.folder.rglob("*"))


@pytest.mark.parametrize("chunk", range(len(CHUNKS)))
def test_nothing_that_pages_and_files_say_of_themselves_is_more_than_words(build, a, chunk, picture):
    payloads = CHUNKS[chunk]
    sizes = ((1600, 1200), (640, 480))
    records, messages, posts = [picture], a.rows(2 * len(payloads)), []
    for number, payload in enumerate(payloads):
        url, name = f"https://s{number}.example/a", f"{number}.pdf"
        said = {"title": payload, "text": payload, "site": payload, "published": payload, "language": payload}
        records += [
            Enrichment(url, "url", url, fetched=True, files=picture.files, sizes=sizes, preview=payload, **said),
            Enrichment(name, "document", name, alt=payload, title=payload, transcript=payload),
            Enrichment(f"{number}.jpg", "image", f"{number}.jpg", alt=payload, files=(f"x{number}",), look=payload),
        ]  # fmt: skip
        messages[2 * number] |= {"text": f"see {url}"}
        messages[2 * number + 1] |= {"kind": "media", "text": "", "media": [name, f"{number}.jpg"]}
        source = messages[2 * number]["message_id"]
        words = payload or "x"
        paragraph = Paragraph(
            text=words,
            sources=(source,),
            links=(Link(url=url, title=words, source=source, author=words, text=payload),) * 2,
            pictures=(Picture(file=picture.files[0], alt=payload, source=source, author=payload, caption=payload),) * 2,
        )
        post = Post(title=words, dek=payload, sections=(Section(heading="", paragraphs=(paragraph,)),), language="en")
        posts.append(a.post(number, title=words, body_markdown=body_markdown(post)))
    site = build(posts, messages, records)
    cards = 0
    for page in site.pages():
        _inert(site, page, site.parse(page).iter())
        cards += len(site.elements(page, "a", "pagecard"))
        assert len(list(site.parse(page).iter("main"))) == 1
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", site.text(page))
        for image in site.elements(page, "img"):
            assert {"width", "height", "alt"} <= set(image.attrib)
            assert not image.get("src").startswith("data:")
    for entry in ElementTree.fromstring(site.files()["feed.xml"]).iter("{http://www.w3.org/2005/Atom}content"):
        fragment = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(entry.text)
        _inert(site, "feed.xml", fragment.iter())
    silent = sum(not payload.strip() for payload in payloads)
    assert cards == 2 * (len(payloads) - silent)


@pytest.mark.parametrize(
    "preview",
    [
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:text/html,<script>alert(1)</script>",
        "javascript:alert(1)",
        "https://evil.example/p.webp",
        'data:image/webp;base64,UklGRvYAAABXRUJQVlA4IOoAAAB" onload="alert(1)',
        "data:image/webp;base64,UklGRtgAAABXRUJQVlA4WAoAAAAQAAAA",
        "data:image/webp;base64," + "A" * 9_000,
        "",
    ],
)
def test_only_a_preview_of_our_own_making_stands_in_a_page(build, a, picture, preview):
    page = replace(picture, preview=preview)
    site = build([a.post(0, body_markdown=f"![x](media:{picture.files[0]})")], a.rows(1), [page])
    for name in ("posts/2026/03/post-0.html", "index.html"):
        assert [image.get("class") for image in site.elements(name, "img")] == [None]
        _inert(site, name, site.parse(name).iter())


def test_a_preview_stands_behind_its_picture_and_nowhere_else(build, a, picture):
    preview = preview_uri(Image.effect_noise((64, 48), 90).convert("RGB"))
    messages = a.rows(2)
    messages[1] |= {"kind": "media", "text": "", "media": ["IMG-1.jpg"]}
    body = f"![x](media:{picture.files[0]})\n\n![y]({preview})\n\n[z]({preview})\n\n<img src={preview}>"
    site = build([a.post(0, body_markdown=body)], messages, [replace(picture, preview=preview)])
    for page in ("index.html", "posts/2026/03/post-0.html", "transcript/0001.html"):
        _inert(site, page, site.parse(page).iter())
        behind, shown = site.elements(page, "img")
        assert behind.get("src") == preview
        assert (behind.get("class"), behind.get("alt"), behind.get("aria-hidden")) == ("blur", "", "true")
        assert (behind.get("width"), behind.get("height")) == (shown.get("width"), shown.get("height"))
        assert shown.get("alt")
    feed = ElementTree.fromstring(site.files()["feed.xml"]).find(".//{http://www.w3.org/2005/Atom}content").text
    fragment = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(feed)
    [shown] = fragment.iter("img")
    assert shown.get("src").startswith("media/")


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_hostile_title_of_the_chat_is_a_title(build, payload):
    site = build(title=payload)
    _inert(site, "index.html", site.parse("index.html").iter())
    ElementTree.fromstring(site.files()["feed.xml"])


def test_what_was_written_can_still_be_read(build, a):
    site = build(
        [a.post(0, title='a < b & "c"', body_markdown="1 < 2 & `<b>`")], a.rows(1, text='<script>x</script> & "y"')
    )
    assert '<script>x</script> & "y"' in site.words("transcript/0001.html")
    words = site.words("posts/2026/03/post-0.html")
    assert 'a < b & "c"' in words
    assert "1 < 2 & <b>" in words


def _inert(site, page, elements):
    """Known elements and attributes only; scripts, pictures and internal links of the site's own; no other scheme."""
    files = set(site.files())
    for element in elements:
        if not isinstance(element.tag, str) or element.tag == "DOCUMENT_FRAGMENT":
            continue
        assert element.tag in TAGS, (page, element.tag)
        assert set(element.attrib) <= ATTRIBUTES, (page, element.attrib)
        if element.tag == "meta":
            assert element.get("http-equiv") in (None, "Content-Security-Policy")
        if element.tag == "script":
            assert site.resolve(page, element.get("src"))[0] in SCRIPTS
            assert not (element.text or "").strip()
        if element.tag == "img" and element.get("class") == "blur":
            assert PREVIEW.fullmatch(element.get("src"))
        elif element.tag in ("img", "link"):
            assert site.resolve(page, element.get("src") or element.get("href"))[0] in files
        if element.tag == "a":
            link = element.get("href", "")
            scheme = urlsplit(link).scheme
            if scheme:
                assert scheme in ("http", "https", "mailto"), (page, link)
                assert element.get("rel") == "nofollow noopener noreferrer"
            else:
                target, anchor = site.resolve(page, link)
                assert target in files, (page, link)
                assert not anchor or anchor in site.anchors(target), (page, link)

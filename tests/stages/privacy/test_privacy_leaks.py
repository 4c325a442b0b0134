"""The leak check: whatever is planted is found, wherever, and nothing else is."""

import gzip
import html
import io
import json
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from stages.privacy import readings
from stages.privacy.guard import Guard
from stages.privacy.leaks import Leak, find_leaks

KEY = bytes(range(32))
PEOPLE = ["João Silva", "Ana", "Max Wolf", "Will", "王小明", "Иван", "+55 11 91234-5678", "Bartolomeu"]
GUARD = Guard.build(KEY, PEOPLE)
GUARD.text("escreve para dora@example.com ou liga +351 933 444 555")
RECORDS = GUARD.records()
PLANTS = [
    ("João Silva", "name"),
    ("joao", "name"),
    ("SILVA", "name"),
    ("Joa\u0303o", "name"),
    ("joaosilva", "name"),
    ("Ana", "name"),
    ("王小明", "name"),
    ("иван", "name"),
    ("+55 (11) 91234-5678", "phone"),
    ("5511912345678", "phone"),
    ("11 912345678", "phone"),
    ("+351933444555", "phone"),
    ("wa.me/351933444555", "phone"),
    ("Dora@example.com", "email"),
]
PROSE = "<p>Amanhã vamos à praia, diz Quiet Heron; banana, sala 12, em 11/03/2026 10:30 por R$ 1.234,56, I will</p>\n"


def leaks(folder: Path) -> list[Leak]:
    return find_leaks(folder, KEY, RECORDS)


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def picture(kind: str, **extra: object) -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, kind, **extra)
    return out.getvalue()


def test_what_the_guard_leaves_is_no_leak(tmp_path: Path) -> None:
    texts = [
        PROSE,
        "João, Ana e Max Wolf",
        "@Will, I will",
        "11 91234-5678, ana@x.com",
        "Jo&atilde;o \\nAna 100%25 \\u0041na",
    ]
    shown = [GUARD.text(text) for text in texts]
    put(tmp_path, "a.html", "".join(f"<p title='{html.escape(text)}'>{html.escape(text)}</p>" for text in shown))
    put(tmp_path, "a.json", json.dumps(shown))
    put(tmp_path, "b.json", json.dumps(shown, ensure_ascii=False))
    put(tmp_path, "posts/a.md", "\n\n".join(shown))
    put(tmp_path, "a.bin", b"\0\1\2" + "\0".join(shown).encode())
    assert leaks(tmp_path) == []


@pytest.mark.parametrize(("plant", "kind"), PLANTS)
@pytest.mark.parametrize(
    "shape",
    [
        "{}",
        "<p>{}</p>",
        "<img alt='{}'>",
        '<a href="x/{}.html">',
        "<!-- {} -->",
        '{{"a": "b\\n{}"}}',
        "(**{}**)",
        "{}\n",
    ],
)
def test_a_plant_in_a_page_is_found_where_it_stands(tmp_path: Path, plant: str, kind: str, shape: str) -> None:
    written = PROSE + shape.format(plant) + PROSE
    for name in ("page.html", "feed.xml", "search.json", "post.md", "plain", "style.css", "app.js"):
        put(tmp_path, name, written)
    found = leaks(tmp_path)
    assert {leak.file for leak in found} == {path.name for path in tmp_path.iterdir()}
    assert {leak.kind for leak in found} == {kind}
    for leak in found:
        near = written.encode()[leak.offset : leak.offset + 12].decode("utf-8", "ignore")
        assert any(char in plant for char in near[:2])
        assert plant not in repr(leak)


@pytest.mark.parametrize(("plant", "kind"), PLANTS)
def test_escapes_hide_nothing(tmp_path: Path, plant: str, kind: str) -> None:
    entities = "".join(f"&#{ord(char)};" for char in plant)
    put(tmp_path, "entities.html", f"<p>{entities}</p>")
    put(tmp_path, "entities.svg", f"<svg><title>{html.escape(plant)}</title></svg>")
    put(tmp_path, "percent.html", f'<a href="https://x.example/?q={quote(plant, safe="")}">x</a>')
    put(tmp_path, "escapes.json", json.dumps({"x": plant}))
    put(tmp_path, "twice.html", f"<script>const x = {json.dumps(plant)}</script>")
    put(tmp_path, "packed.gz", gzip.compress((PROSE * 50 + plant).encode()))
    put(tmp_path, "wide.txt", f"x {plant} x".encode("utf-16"))
    assert {(leak.file, leak.kind) for leak in leaks(tmp_path)} == {(path.name, kind) for path in tmp_path.iterdir()}


def test_names_of_files_and_folders_and_targets_of_links_are_read(tmp_path: Path) -> None:
    put(tmp_path, "2026/joao-ganhou.html", "x")
    put(tmp_path, "Ana/index.html", "x")
    (tmp_path / "link").symlink_to("../elsewhere/silva")
    (tmp_path / "outside").symlink_to("/")
    put(tmp_path, "foto-%41na.jpg", "x")
    assert {leak.file for leak in leaks(tmp_path)} == {"2026/joao-ganhou.html", "Ana", "link", "foto-%41na.jpg"}
    assert {leak.offset for leak in leaks(tmp_path)} == {-1}


def test_what_pictures_say_about_themselves_is_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Ana"
    wide = Image.Exif()
    wide[0x9C9D] = "Ana".encode("utf-16-le")
    text = PngImagePlugin.PngInfo()
    text.add_itxt("Author", "João", zip=True)
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><creator>Ana</creator></x:xmpmeta>"
    kinds = {
        "artist.jpg": picture("JPEG", exif=exif),
        "wide.jpg": picture("JPEG", exif=wide),
        "comment.jpg": picture("JPEG", comment=b"Ana"),
        "text.png": picture("PNG", pnginfo=text),
        "exif.png": picture("PNG", exif=exif),
        "exif.webp": picture("WEBP", exif=exif.tobytes()),
        "xmp.webp": picture("WEBP", xmp=xmp),
        "comment.gif": picture("GIF", comment=b"Ana"),
        "tail.jpg": picture("JPEG") + b"Ana",
        "tail.png": picture("PNG") + "João".encode(),
        "tail.webp": picture("WEBP") + b"x Ana x",
    }
    for name, data in kinds.items():
        put(tmp_path, name, data)
    assert {leak.file for leak in leaks(tmp_path)} == set(kinds)


def test_pixels_and_other_noise_are_no_names(tmp_path: Path) -> None:
    put(tmp_path, "noise.bin", np.random.default_rng(7).integers(0, 256, 4_000_000, dtype=np.uint8).tobytes())
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        put(tmp_path, f"picture.{kind.lower()}", picture(kind))
    put(tmp_path, "broken.jpg", picture("JPEG")[:900])
    put(tmp_path, "empty", b"")
    assert leaks(tmp_path) == []


LONG = [(plant, kind) for plant, kind in PLANTS if len(plant.encode()) >= 7] + [("Bartolomeu", "name")]


@given(st.sampled_from(LONG), st.integers(100, 20_000), st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plant_among_pixels_is_found(tmp_path: Path, plant: tuple[str, str], place: int, kind: str) -> None:
    data = picture(kind)
    place = min(place, len(data) - 50)
    put(tmp_path, "picture", data[:place] + b"\0" + plant[0].encode() + b"\0" + data[place:])
    assert {leak.kind for leak in leaks(tmp_path)} == {plant[1]}


@given(st.sampled_from(PLANTS), st.integers(-60, 60), st.integers(1, 3), st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plant_at_the_edge_of_a_block_is_found_once(
    tmp_path: Path, plant: tuple[str, str], shift: int, block: int, binary: bool
) -> None:
    size, readings.BLOCK = readings.BLOCK, 8192
    try:
        filler = (b"\x01\x02 " if binary else "aé ".encode()) * 20_000
        place = block * 8192 + shift
        place -= place % len(b"\x01\x02 " if binary else "aé ".encode())
        plants = (plant[0] + " of the people of this chat").encode()
        put(tmp_path, "file", (b"\0" if binary else b"") + filler[:place] + plants + filler[place : place + 9000])
        found = leaks(tmp_path)
    finally:
        readings.BLOCK = size
    assert [leak.kind for leak in found] == [plant[1]]
    assert abs(found[0].offset - place) <= 8


def test_words_of_the_web_are_leaks_in_what_is_read_and_not_in_code(tmp_path: Path) -> None:
    put(tmp_path, "ok.css", "main { max-width: 60ch; will-change: auto }")
    put(tmp_path, "ok.js", "const x = Math.max(1, 2)")
    put(tmp_path, "ok.html", "<style>p { max-width: 1px }</style><p class='max' style=\"max-width: 2px\">x</p>")
    put(tmp_path, "script.html", "<script>Math.max(1)</script><meta name='viewport' content='x'>")
    assert leaks(tmp_path) == []
    for name, text in {
        "text.html": "<p>Max came</p>",
        "alt.html": "<img alt='Max laughs'>",
        "json.html": "<script type='application/json'>[\"Max\"]</script>",
        "data.json": '["max"]',
        "name.css": "/* joao */",
        "name.js": "const joao = 1",
    }.items():
        put(tmp_path, f"bad/{name}", text)
    found = {leak.file for leak in leaks(tmp_path)}
    assert found == {str(path.relative_to(tmp_path)) for path in (tmp_path / "bad").iterdir()}


def test_a_number_met_on_the_way_counts_only_where_it_says_so(tmp_path: Path) -> None:
    put(tmp_path, "a.html", "order 351933444555, 933444555")
    assert leaks(tmp_path) == []
    put(tmp_path, "a.html", "+351 933 444 555")
    assert [leak.kind for leak in leaks(tmp_path)] == ["phone"]


def test_a_file_full_of_names_says_so_a_few_times(tmp_path: Path) -> None:
    put(tmp_path, "a.html", "Ana " * 1000)
    assert 1 <= len(leaks(tmp_path)) <= 20

"""Pictures of strangers: bombs, halves, masks and oddities end as files or as one sentence; the rest goes on."""

import hashlib
import io
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from stages.enrich.media import Picture, UnusablePictureError, bare_jpeg, store_picture
from tests.stages.enrich.pictures import encoded, page, photograph, sticker

ROOT = Path(__file__).parents[3]
Keep = Callable[..., Picture]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    def run(data: bytes, widths: tuple[int, ...] = (640,), max_pixels: int = 1_000_000) -> Picture:
        return store_picture(data, tmp_path / "media", tmp_path / "work", widths=widths, max_pixels=max_pixels)

    return run


def stored(tmp_path: Path, made: Picture, at: int = 0) -> Image.Image:
    return Image.open(tmp_path / "media" / made.files[at])


def resized(image: Image.Image, width: int) -> Image.Image:
    size = width, round(image.height * width / image.width)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


@pytest.mark.parametrize("widths", [(600,), (600, 300), (2000, 150)], ids=str)
def test_files_are_the_bytes_that_archives_hold(keep: Keep, tmp_path: Path, widths: tuple[int, ...]) -> None:
    """Names and bytes are a promise: an archive that has a picture never gets it a second time in other words."""
    drawn, taken = page(1), photograph(1, (600, 450))
    for image, data, ending, how in (
        (drawn, encoded(drawn, "PNG"), "webp", {"format": "WEBP", "quality": 85, "method": 4}),
        (taken, encoded(taken, "BMP"), "jpg",
         {"format": "JPEG", "quality": 82, "optimize": True, "progressive": True, "subsampling": "4:2:0"}),
    ):  # fmt: skip
        made = keep(data, widths)
        sizes = [min(width, image.width) for width in widths]
        name = hashlib.sha256(data).hexdigest()[:32]
        assert made.files == tuple(f"{name}-{width}.{ending}" for width in sizes)
        for file, width in zip(made.files, sizes, strict=True):
            buffer = io.BytesIO()
            resized(image, width).save(buffer, **how)
            assert (tmp_path / "media" / file).read_bytes() == buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "size"),
    [(kind, size) for kind in ("PNG", "GIF", "JPEG", "BMP", "TIFF") for size in ((1, 1), (20_000, 1), (1, 20_000))]
    + [("WEBP", (1, 1)), ("WEBP", (16_383, 1)), ("WEBP", (1, 16_383))],
)
def test_the_smallest_and_the_thinnest_are_kept(keep: Keep, tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    made = keep(encoded(Image.new("RGB", size, (200, 40, 40)), kind))
    assert stored(tmp_path, made).size == (made.width, made.height) == made.sizes[0]
    assert made.look is None
    assert made.preview is not None
    r, g, b = stored(tmp_path, made).convert("RGB").getpixel((0, 0))  # type: ignore[misc]
    assert r > 150 > 90 > max(g, b)


def gif_bomb() -> bytes:
    """A screen of 8 x 8 and a frame of 60,000 x 60,000 on it."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x4c\x01\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6) + frame


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(3 * width) for _ in range(min(height, 40)))))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*each) for each in chunks) + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [gif_bomb(), png(60_000, 60_000), encoded(Image.new("1", (4_000, 4_000)), "PNG"),
     encoded(Image.new("L", (4_000, 4_000)), "JPEG"),
     encoded(Image.new("1", (4_000, 4_000)), "TIFF", compression="group4")],
    ids=["gif", "png", "png-of-one-bit", "jpeg", "tiff"],
)  # fmt: skip
def test_a_bomb_is_refused_unopened(keep: Keep, tmp_path: Path, data: bytes) -> None:
    for act in (lambda: keep(data), lambda: bare_jpeg(data, 100, max_pixels=1_000_000)):
        with pytest.raises(UnusablePictureError, match="more than 1000000 pixels"):
            act()
    assert not (tmp_path / "media").exists()


def test_a_bomb_in_the_words_of_a_picture_is_harmless(keep: Keep) -> None:
    words = zlib.compress(bytes(200 << 20))
    for name, body in ((b"zTXt", b"Comment\0\0" + words), (b"iCCP", b"profile\0\0" + words)):
        try:
            made = keep(png(40, 40, (name, body)))
        except UnusablePictureError:
            continue
        assert (made.width, made.height) == (40, 40)


def test_memory_stays_within_the_pixels_that_are_allowed(tmp_path: Path) -> None:
    program = f"""
import resource, sys
from pathlib import Path
from stages.enrich.media import UnusablePictureError, store_picture
from tests.stages.enrich.test_media_robust import gif_bomb, png
folder = Path({str(tmp_path)!r})
store_picture(png(40, 40), folder, folder, widths=(640,), max_pixels=1_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in (gif_bomb(), png(60_000, 60_000)):
    try:
        store_picture(data, folder, folder, widths=(640,), max_pixels=1_000_000)
    except UnusablePictureError:
        continue
    sys.exit("not refused")
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert grown < 20_000, grown
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="file:///etc/passwd"/></svg>'
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n"


@pytest.mark.parametrize(
    "data",
    [SVG, SVG[SVG.index(b"<svg") :], POSTSCRIPT, b"#define a_width 9\n#define a_height 9\nstatic char a_bits[] = {0};",
     b"<html><script>alert(1)</script></html>", b"%PDF-1.7\n", b"PK\x03\x04" + bytes(60), b"MZ" + bytes(90), b"",
     b"\0"],
    ids=["svg", "bare-svg", "postscript", "xbm", "html", "pdf", "zip", "program", "empty", "nul"],
)  # fmt: skip
def test_what_is_drawn_by_a_program_is_never_run(keep: Keep, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UnusablePictureError):
        keep(data)
    assert not (tmp_path / "media").exists()


def test_of_a_picture_that_is_something_else_as_well_the_picture_is_kept(keep: Keep, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("evil.html", "<script>alert(1)</script>")
    script = b"<script>alert(1)</script><?php system('id') ?>"
    for data in (
        encoded(photograph(1)) + archive.getvalue(),
        encoded(page(1), "PNG") + script,
        encoded(photograph(1), comment=script),
        encoded(sticker(1), "GIF", comment=script) + script,
    ):
        made = keep(data)
        for file in made.files:
            kept = (tmp_path / "media" / file).read_bytes()
            assert not any(mark in kept for mark in (b"PK\x03\x04", b"script", b"<?php", b"evil"))
            Image.open(io.BytesIO(kept)).load()


def test_the_name_says_nothing(keep: Keep, tmp_path: Path) -> None:
    data = encoded(page(1), "PNG")
    made = keep(data)
    assert made.mime == "image/webp"
    assert stored(tmp_path, made).format == "WEBP"


def test_what_moves_for_ever_is_one_frame(keep: Keep, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (60, 60), (n % 256, 90, 200)) for n in range(400)]
    for kind in ("GIF", "WEBP", "PNG"):
        made = keep(encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=10, loop=0))
        assert made.animated
        assert getattr(stored(tmp_path, made), "n_frames", 1) == 1


@pytest.mark.parametrize("part", [0.3, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_half_a_picture_is_refused_in_a_sentence(keep: Keep, tmp_path: Path, kind: str, part: float) -> None:
    data = encoded(photograph(1), kind)
    with pytest.raises(UnusablePictureError) as raised:
        keep(data[: int(len(data) * part)])
    assert str(raised.value).endswith(".")
    assert not (tmp_path / "media").exists()


def test_several_threads_make_the_same_files_once(keep: Keep, tmp_path: Path) -> None:
    pictures = [encoded(photograph(seed), quality=70) for seed in range(3)] + [encoded(sticker(1), "WEBP")]
    expected = [keep(data, (300, 150)) for data in pictures]
    before = {path.name: path.read_bytes() for path in (tmp_path / "media").iterdir()}
    for path in (tmp_path / "media").iterdir():
        path.unlink()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda data: keep(data, (300, 150)), pictures * 6))
    assert made == expected * 6
    assert {path.name: path.read_bytes() for path in (tmp_path / "media").iterdir()} == before
    assert list((tmp_path / "work").iterdir()) == []


def heic(image: Image.Image) -> bytes:
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return encoded(image, "HEIF", quality=80)


def test_a_picture_of_a_telephone_is_kept_where_the_extra_is_there(keep: Keep, tmp_path: Path) -> None:
    made = keep(heic(photograph(1)))
    assert (made.mime, made.width, made.height) == ("image/jpeg", 640, 480)
    assert made.look is not None
    assert stored(tmp_path, made).format == "JPEG"


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"heim"])
def test_without_the_extra_it_says_what_to_install(tmp_path: Path, brand: bytes) -> None:
    data = struct.pack(">I", 24) + b"ftyp" + brand + bytes(400)
    program = f"""
import sys
sys.modules["pillow_heif"] = None
from pathlib import Path
from stages.enrich.media import UnusablePictureError, store_picture
folder = Path({str(tmp_path)!r})
try:
    store_picture({data!r}, folder, folder, widths=(640,), max_pixels=1_000_000)
except UnusablePictureError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True, text=True)
    assert (
        told.stdout == "HEIC pictures need the extra `heic`: pip install 'streamliner[heic]', then streamliner retry.\n"
    )


def test_a_picture_is_bared_for_sending() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    data = bare_jpeg(encoded(photograph(1, (1200, 600)), exif=turned), 400, max_pixels=1_000_000)
    assert Image.open(io.BytesIO(data)).size == (200, 400)
    assert b"Exif" not in data
    assert Image.open(io.BytesIO(bare_jpeg(encoded(page(1, (30, 20)), "PNG"), 400, max_pixels=900))).size == (30, 20)

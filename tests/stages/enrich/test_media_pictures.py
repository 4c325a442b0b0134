"""Pictures as they are published: upright, small, bare, the same bytes every time."""

import contextlib
import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from stages.enrich.media import Picture, UnusablePictureError, store_picture
from stages.errors import StreamlinerError

Store = Callable[..., Picture]
SECRET = b"Maria de Lourdes"


def picture(size: tuple[int, int] = (60, 40), mode: str = "RGB", kind: str = "JPEG", **how: Any) -> bytes:
    """Left half red, right half blue, the top quarter white."""
    image = Image.new("RGB", size, (220, 20, 20))
    image.paste((20, 20, 220), (size[0] // 2, 0, size[0], size[1]))
    image.paste((255, 255, 255), (0, 0, size[0], size[1] // 4))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, kind, **how)
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    def run(data: bytes, widths: tuple[int, ...] = (1600, 640), max_pixels: int = 1_000_000) -> Picture:
        return store_picture(data, tmp_path / "media", tmp_path / "work", widths=widths, max_pixels=max_pixels)

    return run


def stored(tmp_path: Path, name: str) -> Image.Image:
    return Image.open(tmp_path / "media" / name)


def colour(image: Image.Image, x: float, y: float) -> str:
    r, g, b = image.convert("RGB").getpixel((int(image.width * x), int(image.height * y)))  # type: ignore[misc]
    return "white" if min(r, g, b) > 200 else "red" if r > b else "blue"


def test_sizes_are_those_asked_for_and_never_larger_than_the_picture(store: Store, tmp_path: Path) -> None:
    data = picture((2000, 1000))
    made = store(data, max_pixels=2_000_000)
    name = hashlib.sha256(data).hexdigest()[:32]
    assert made.files == (f"{name}-1600.jpg", f"{name}-640.jpg")
    assert [stored(tmp_path, file).size for file in made.files] == [(1600, 800), (640, 320)]
    assert (made.width, made.height, made.mime, made.sha256[:32]) == (1600, 800, "image/jpeg", name)
    assert [stored(tmp_path, file).size for file in store(picture((900, 300))).files] == [(900, 300), (640, 213)]
    assert [stored(tmp_path, file).size for file in store(picture((60, 40))).files] == [(60, 40)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright(store: Store, tmp_path: Path, orientation: int) -> None:
    upright = Image.open(io.BytesIO(picture((1200, 800), kind="PNG")))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    as_taken = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    as_taken.save(buffer, "JPEG", exif=exif, quality=95)
    made = store(buffer.getvalue(), widths=(300,))
    shown = stored(tmp_path, made.files[0])
    assert shown.size == (made.width, made.height) == (300, 200)
    assert [colour(shown, *at) for at in ((0.2, 0.6), (0.8, 0.6), (0.5, 0.1))] == ["red", "blue", "white"]


def test_no_metadata_survives(store: Store, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x0112] = SECRET.decode(), SECRET.decode(), 6
    exif.get_ifd(0x8825)[2] = (38.0, 42.0, 0.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", SECRET.decode())
    originals = [
        picture(exif=exif, comment=SECRET, icc_profile=profile, xmp=b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"),
        picture(kind="PNG", exif=exif, pnginfo=texts, icc_profile=profile),
        picture(kind="WEBP", exif=exif, xmp=SECRET, icc_profile=profile),
        picture(kind="GIF", comment=SECRET),
        picture(kind="TIFF", exif=exif, icc_profile=profile),
    ]
    for original in originals:
        assert SECRET in original or b"iCCP" in original
        for file in store(original).files:
            data = (tmp_path / "media" / file).read_bytes()
            for mark in (SECRET, b"Exif", b"ICC_PROFILE", b"ICCP", b"EXIF", b"XMP", b"xmpmeta", b"http"):
                assert mark not in data
            assert not set(Image.open(io.BytesIO(data)).info) & {"exif", "icc_profile", "xmp", "comment"}


def exchanged_profile() -> bytes:
    """sRGB in which red and blue have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_of_another_profile_are_converted(store: Store, tmp_path: Path, mode: str) -> None:
    shown = stored(tmp_path, store(picture(mode=mode, kind="PNG", icc_profile=exchanged_profile())).files[0])
    assert [colour(shown, 0.2, 0.6), colour(shown, 0.8, 0.6)] == ["blue", "red"]


@pytest.mark.parametrize("profile", [b"broken", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()])
def test_a_profile_that_says_nothing_is_passed_over(store: Store, tmp_path: Path, profile: bytes) -> None:
    shown = stored(tmp_path, store(picture(kind="PNG", icc_profile=profile)).files[0])
    assert [colour(shown, 0.2, 0.6), colour(shown, 0.8, 0.6)] == ["red", "blue"]


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "JPEG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("LA", "PNG"),
     ("1", "PNG"), ("L", "PNG"), ("P", "GIF"), ("RGB", "WEBP"), ("RGBA", "WEBP"), ("RGB", "BMP"), ("CMYK", "TIFF"),
     ("RGB", "AVIF")],
)  # fmt: skip
def test_every_kind_of_picture_that_a_chat_holds_is_stored(store: Store, tmp_path: Path, mode: str, kind: str) -> None:
    made = store(picture(mode=mode, kind=kind))
    shown = stored(tmp_path, made.files[0])
    assert shown.format == ("WEBP" if kind in ("PNG", "GIF", "WEBP") else "JPEG")
    assert colour(shown, 0.5, 0.1) == "white"
    if mode not in ("L", "LA", "1"):
        assert (colour(shown, 0.2, 0.6), colour(shown, 0.8, 0.6)) == ("red", "blue")
    assert not made.animated


def test_transparency_stays_where_there_is_any(store: Store, tmp_path: Path) -> None:
    for mode, transparent in (("RGBA", True), ("RGB", False)):
        image = Image.new(mode, (40, 40), (255, 0, 0, 0) if transparent else (255, 0, 0))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        shown = stored(tmp_path, store(buffer.getvalue()).files[0])
        assert shown.has_transparency_data is transparent


def test_sixteen_bits_keep_their_greys(store: Store, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("I;16", (40, 40), 200 * 256).save(buffer, "PNG")
    shown = stored(tmp_path, store(buffer.getvalue()).files[0]).convert("RGB")
    assert shown.getpixel((20, 20)) == pytest.approx((200, 200, 200), abs=4)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_what_moves_is_kept_as_its_first_frame(store: Store, tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ((250, 0, 0), (0, 0, 250))]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=100)
    made = store(buffer.getvalue())
    shown = stored(tmp_path, made.files[0])
    assert made.animated
    assert getattr(shown, "n_frames", 1) == 1
    assert colour(shown, 0.5, 0.5) == "red"


def test_a_very_tall_picture_fits_what_the_format_can_hold(store: Store, tmp_path: Path) -> None:
    made = store(picture((10, 40_000), kind="PNG"))
    assert stored(tmp_path, made.files[0]).size == (made.width, made.height) == (4, 16_383)


def test_the_same_picture_is_stored_once_with_the_same_bytes(store: Store, tmp_path: Path) -> None:
    data = picture((900, 600))
    first = store(data)
    contents = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in (tmp_path / "media").iterdir()}
    assert store(data) == first
    assert {
        file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in (tmp_path / "media").iterdir()
    } == contents
    for name, (content, _) in contents.items():
        (tmp_path / "media" / name).unlink()
        store(data)
        assert (tmp_path / "media" / name).read_bytes() == content
    assert list((tmp_path / "work").iterdir()) == []


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that states a size of its own."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(1001, 1000), (1500, 1000), (60_000, 60_000)])
def test_a_picture_with_too_many_pixels_is_refused_unopened(
    store: Store, recwarn: pytest.WarningsRecorder, size: tuple[int, int]
) -> None:
    with pytest.raises(UnusablePictureError, match=r"more than 1000000 pixels .*picture_max_pixels"):
        store(bomb(*size))
    assert not recwarn.list


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not one that can be read"),
        (b"hello", "not one that can be read"),
        (b"%PDF-1.7 not a picture", "not one that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not one that can be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not one that can be read"),
        (picture((600, 400))[:2000], "cut off"),
        (picture((600, 400), kind="PNG")[:300], "cut off"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 100, "read"),
    ],
)  # fmt: skip
def test_what_is_no_picture_says_so(store: Store, tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(UnusablePictureError, match=reason):
        store(data)
    assert not (tmp_path / "media").exists()


@settings(max_examples=60, deadline=None)
@given(damage=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12), cut=st.integers(0, 400),
       kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"]))  # fmt: skip
def test_a_damaged_picture_is_stored_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]], cut: int, kind: str
) -> None:
    data = bytearray(picture((50, 40), kind=kind))
    for place, value in damage:
        data[place % len(data)] = value
    folder = tmp_path_factory.mktemp("damaged")
    with contextlib.suppress(UnusablePictureError):
        made = store_picture(bytes(data[: len(data) - cut]), folder, folder / "w", widths=(30,), max_pixels=10_000)
        assert Image.open(folder / made.files[0]).size == (made.width, made.height)


def test_a_folder_that_cannot_be_written_ends_the_run_and_not_the_item(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(b"a file")
    with pytest.raises(StreamlinerError, match="cannot be written") as caught:
        store_picture(picture(), tmp_path / "media", tmp_path / "work", widths=(30,), max_pixels=10_000)
    assert not isinstance(caught.value, UnusablePictureError)

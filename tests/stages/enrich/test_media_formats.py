"""What each format of pictures has of its own: its bombs, its way of being turned, its colours, its depth, its end."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from stages.archive.records import Attachment
from stages.enrich.batch import enrich_batch
from stages.enrich.media import Picture, UnusablePictureError, bare_jpeg, store_picture
from stages.enrich.store import Task
from stages.settings import EnrichSettings
from tests.stages.enrich.pictures import encoded, photograph

ROOT = Path(__file__).parents[3]
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF")


@pytest.fixture(autouse=True)
def _heif() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()


def kept(folder: Path, data: bytes, max_pixels: int = 1_000_000) -> tuple[Picture, Image.Image]:
    made = store_picture(data, folder / "media", folder / "work", widths=(640,), max_pixels=max_pixels)
    return made, Image.open(folder / "media" / made.files[0])


def pixel(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    found = image.convert("RGBA").getpixel((int(image.width * x), int(image.height * y)))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_of_too_many_pixels_is_refused_in_every_format(tmp_path: Path, kind: str) -> None:
    data = encoded(Image.new("RGB", (2_000, 501)), kind)
    for act in (lambda: kept(tmp_path, data), lambda: bare_jpeg(data, 100, max_pixels=1_000_000)):
        with pytest.raises(UnusablePictureError, match="more than 1000000 pixels"):
            act()
    assert not (tmp_path / "media").exists()
    assert kept(tmp_path, data, 1_002_000)[0].width == 640


UNDONE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_what_was_taken_on_its_side_stands_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    upright = Image.new("RGB", (160, 96), (220, 20, 20))
    upright.paste((20, 20, 220), (80, 0, 160, 96))
    upright.paste((255, 255, 255), (0, 0, 160, 24))
    taken = upright.transpose(UNDONE[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(taken, kind, exif=exif.tobytes())
    made, shown = kept(tmp_path, data)
    assert shown.size == (made.width, made.height) == made.sizes[0] == (160, 96)
    left, right, top = pixel(shown, 0.2, 0.6), pixel(shown, 0.8, 0.6), pixel(shown, 0.5, 0.1)
    assert left[0] > 150 > 90 > left[2]
    assert right[2] > 150 > 90 > right[0]
    assert min(top) > 200
    assert Image.open(io.BytesIO(bare_jpeg(data, 80, max_pixels=1_000_000))).size == (80, 48)


def display_p3() -> bytes:
    """The profile of telephones: the curve of sRGB with wider primaries, as ICC writes them for D50."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105), b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }  # fmt: skip
    for number in range(int.from_bytes(profile[128:132], "big")):
        name, at, _ = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if name in primaries:
            struct.pack_into(">iii", profile, at + 8, *(round(value * 65_536) for value in primaries[name]))
    return bytes(profile)


def in_srgb(colour: tuple[int, int, int]) -> list[float]:
    """A colour of Display P3 by the matrices of the standards."""
    wide = np.array([[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869], [0.0, 0.0451134, 1.0439444]])
    narrow = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
    )
    given = np.array(colour) / 255
    linear = np.where(given <= 0.04045, given / 12.92, ((given + 0.055) / 1.055) ** 2.4)
    there = (narrow @ wide @ linear).clip(0, 1)
    shown = np.where(there <= 0.0031308, there * 12.92, 1.055 * there ** (1 / 2.4) - 0.055)
    return [float(value) for value in shown * 255]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("colour", [(128, 64, 64), (64, 160, 96), (250, 20, 20), (30, 60, 200), (128, 128, 128)])
def test_a_wide_gamut_is_told_in_srgb(tmp_path: Path, kind: str, colour: tuple[int, int, int]) -> None:
    data = encoded(Image.new("RGB", (64, 64), colour), kind, icc_profile=display_p3(), quality=95)
    _, shown = kept(tmp_path, data)
    assert pixel(shown, 0.5, 0.5)[:3] == pytest.approx(in_srgb(colour), abs=5)
    assert "icc_profile" not in shown.info


def png(bits: int, kind: int, row: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """40 x 40 pixels, all rows alike."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, bits, kind, 0, 0, 0))
    body = b"".join(chunk(*each) for each in chunks) + chunk(b"IDAT", zlib.compress((b"\0" + row) * 40))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def deep(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *(257 * value for value in values))


PALETTE = (b"PLTE", bytes((0, 0, 0, 200, 100, 50)))
DEPTHS = {
    "16 bits": (png(16, 2, deep(200, 100, 50) * 40), (200, 100, 50, 255)),
    "16 bits and clear": (png(16, 6, deep(200, 100, 50, 0) * 40), (200, 100, 50, 0)),
    "16 bits of grey": (png(16, 0, deep(200) * 40), (200, 200, 200, 255)),
    "16 bits of grey, clear": (png(16, 4, deep(200, 0) * 40), (200, 200, 200, 0)),
    "16 bits of grey, one of them clear": (png(16, 0, deep(200) * 40, (b"tRNS", deep(200))), (200, 200, 200, 0)),
    "one colour clear": (png(8, 2, bytes((200, 100, 50)) * 40, (b"tRNS", b"\0\xc8\0\x64\0\x32")), (200, 100, 50, 0)),
    "palette": (png(8, 3, b"\1" * 40, PALETTE), (200, 100, 50, 255)),
    "palette of two": (png(1, 3, b"\xff" * 5, PALETTE), (200, 100, 50, 255)),
    "palette and clear": (png(8, 3, b"\1" * 40, PALETTE, (b"tRNS", b"\xff\x00")), (200, 100, 50, 0)),
    "two bits of grey": (png(2, 0, b"\xaa" * 10), (170, 170, 170, 255)),
    "CMYK": (encoded(Image.new("CMYK", (40, 40), (55, 155, 205, 0)), "JPEG", quality=95), (200, 100, 50, 255)),
    "CMYK, progressive": (
        encoded(Image.new("CMYK", (40, 40), (55, 155, 205, 0)), "JPEG", quality=95, progressive=True),
        (200, 100, 50, 255),
    ),
}


@pytest.mark.parametrize("name", DEPTHS)
def test_every_depth_keeps_its_colours(tmp_path: Path, name: str) -> None:
    data, colour = DEPTHS[name]
    _, shown = kept(tmp_path, data)
    assert pixel(shown, 0.5, 0.5) == pytest.approx(colour, abs=4)
    assert shown.has_transparency_data is (colour[3] == 0)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_what_moves_the_first_frame_stays_as_clear_as_it_is(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGBA", (40, 40), (250, 0, 0, alpha)) for alpha in (0, 255)]
    made, shown = kept(tmp_path, encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100))
    assert made.animated
    assert getattr(shown, "n_frames", 1) == 1
    assert pixel(shown, 0.5, 0.5)[3] == 0


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_what_is_clear_stays_clear_in_every_format(tmp_path: Path, kind: str) -> None:
    image = Image.new("RGBA", (80, 40), (250, 20, 20, 0))
    image.paste((20, 20, 250, 255), (40, 0, 80, 40))
    made, shown = kept(tmp_path, encoded(image, kind))
    assert made.mime == "image/webp"
    assert pixel(shown, 0.2, 0.5)[3] < 8
    assert pixel(shown, 0.8, 0.5) == pytest.approx((20, 20, 250, 255), abs=8)


def test_a_progressive_photograph_is_kept_whole_or_refused(tmp_path: Path) -> None:
    data = encoded(photograph(1), progressive=True, quality=90)
    assert kept(tmp_path, data)[1].size == (640, 480)
    for part in (0.3, 0.95):
        with pytest.raises(UnusablePictureError, match="cut off"):
            kept(tmp_path / str(part), data[: int(len(data) * part)])


def enriched(folder: Path, name: str, data: bytes) -> Any:
    """What becomes of a chat's attachment of that name."""
    (folder / "chat.zip").write_bytes(b"")
    (folder / "archive").mkdir(exist_ok=True)
    result = enrich_batch(
        [Task(name, "image", name, 0, 1, 1)],
        media_dir=folder / "archive" / "media",
        attachments={name: Attachment(name, "1", 0, len(data))},
        exports={"1": folder / "chat.zip"},
        settings=EnrichSettings(),
        open_member=lambda path, member, *, limit: io.BytesIO(data),
    )
    [outcome] = result.done or result.failed
    return outcome


@pytest.mark.parametrize("name", ["IMG-1.png", "IMG-1.webp", "IMG-1.heic", "IMG-1.JPG", "IMG-1.tiff"])
def test_a_photograph_under_any_name_is_shown(tmp_path: Path, name: str) -> None:
    done = enriched(tmp_path, name, encoded(photograph(1)))
    assert (done.mime, done.width, done.height) == ("image/jpeg", 640, 480)
    assert all((tmp_path / "archive" / "media" / file).is_file() for file in done.files)


@pytest.mark.parametrize("data", [b"", b"\0", b"words"], ids=["empty", "nul", "words"])
def test_what_is_named_like_a_picture_and_is_none_ends_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    failed = enriched(tmp_path, "IMG-1.jpg", data)
    assert failed.error_class == "permanent"
    assert failed.reason.endswith(".")


WITHOUT = """
import sys
sys.modules["pillow_heif"] = None
from pathlib import Path
from tests.stages.enrich.test_media_formats import enriched
failed = enriched(Path(sys.argv[1]), "IMG_0001.HEIC", Path(sys.argv[2]).read_bytes())
print(failed.error_class, failed.reason)
"""


def test_a_picture_of_a_telephone_is_shown_with_the_extra_and_named_without(tmp_path: Path) -> None:
    data = encoded(photograph(1), "HEIF")
    (tmp_path / "taken.heic").write_bytes(data)
    command = [sys.executable, "-c", WITHOUT, str(tmp_path), str(tmp_path / "taken.heic")]
    told = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    assert told.stdout == (
        "permanent HEIC pictures need the extra `heic`: pip install 'streamliner[heic]', then streamliner retry.\n"
    )
    assert not (tmp_path / "archive" / "media").exists()
    done = enriched(tmp_path, "IMG_0001.HEIC", data)
    assert (done.mime, done.width, done.height) == ("image/jpeg", 640, 480)


MANY = """
import resource, sys
from pathlib import Path
from stages.enrich.media import store_picture
folder = Path(sys.argv[1])
taken = [path.read_bytes() for path in sorted(folder.glob("taken*"))]
for number in range(30):
    if number == 6:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store_picture(taken[number % len(taken)] + bytes([number]), folder / "media", folder / "work", widths=(320, 160),
                  max_pixels=10_000_000)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_many_pictures_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    photo, exif = photograph(1, (1_200, 900)), Image.Exif()
    exif[0x0112] = 6
    for number, data in enumerate((encoded(photo), encoded(photo, exif=exif), encoded(photo, "PNG", compress_level=1))):
        (tmp_path / f"taken{number}").write_bytes(data)
    told = subprocess.run(
        [sys.executable, "-c", MANY, str(tmp_path)], check=True, cwd=ROOT, capture_output=True, text=True
    )
    assert int(told.stdout) < 8
    assert len(list((tmp_path / "media").iterdir())) == 60

"""Pictures: upright, in sRGB, without any metadata, in the sizes that the site shows, named by their content.

The bytes depend on the picture, the sizes and the encoder alone. A file stands in ``media/`` whole or not at all, so
one that is there is never made again, and a picture that was forwarded ten times is stored once. What moves is kept
as its first frame.
"""

import hashlib
import io
import threading
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stages.durable import Draft
from stages.enrich.content import MEDIA
from stages.errors import StreamlinerError

if TYPE_CHECKING:
    from PIL.Image import Image

# nothing that runs a program (EPS) or that a chat does not send is ever tried
_FORMATS: Final = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF")
# these may have transparency, flat colour and sharp edges, which JPEG has not or blurs
_DRAWN: Final = frozenset(("PNG", "GIF", "WEBP"))
# what has several frames elsewhere has pages (TIFF) or a preview (MPO)
_MOVING: Final = frozenset(("PNG", "GIF", "WEBP", "AVIF"))
_HEIC: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
_LONGEST: Final = 16_383
"""The longest side that WebP can store, in pixels."""

_pillow = threading.Lock()


class UnusablePictureError(StreamlinerError):
    """The bytes cannot become a picture; the sentence says why, to the person whose picture it is."""


@dataclass(frozen=True)
class Picture:
    """What was stored: names largest first, the size of the largest, and the sha256 (hex) of the original bytes.

    ``sizes`` are (width, height) of each file, in the order of ``files``. ``preview`` is a ``data:`` address of at
    most 600 characters to show until the file has come. ``look`` is 16 hex digits that copies of the picture share
    but for a few bits (see :mod:`stages.enrich.similar`), or None where too little is to be seen. Both are made
    from the smallest file, so that they are the same whenever they are asked for, and both are None where that file
    can no longer be read.
    """

    files: tuple[str, ...]
    width: int
    height: int
    mime: str
    sha256: str
    animated: bool
    sizes: tuple[tuple[int, int], ...]
    preview: str | None
    look: str | None


def store_picture(data: bytes, media_dir: Path, scratch: Path, *, widths: Iterable[int], max_pixels: int) -> Picture:
    """Store a picture in each of the widths that it fills, else in its own; never enlarged.

    Files are ``<sha256[:32]>-<width>.jpg``, or ``.webp`` for what was drawn rather than photographed and for what is
    clear in parts. They are written in ``scratch`` and renamed.

    Cost: one decoding, at a fraction of the size where JPEG allows it, and one encoding a size. A photo of 12
    megapixels takes 0.3 s and 35 MB; turned on its side, where no fraction is wide enough, 0.7 s and 100 MB; as PNG
    or WebP 0.9 s and 100 to 190 MB. Memory is 4 to 16 bytes a pixel of what is decoded and is given back: many
    pictures take no more than one. A picture whose files are there costs a small decoding, a PNG a whole one.

    Raises :class:`UnusablePictureError` for what is no picture, cut off, or has more than ``max_pixels``, and
    :class:`StreamlinerError` when the folder cannot be written.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    with _opened(data, max_pixels) as image:
        drawn = image.format in _DRAWN or image.has_transparency_data
        animated = image.format in _MOVING and bool(getattr(image, "is_animated", False))
        sizes = _sizes(_turned(image, image.size), widths)
        ending = "webp" if drawn else "jpg"
        targets = {media_dir / f"{sha256[:32]}-{width}.{ending}": (width, height) for width, height in sizes}
        if not all(target.is_file() for target in targets):
            upright = _upright(image, sizes[0])
            if upright is not image:
                image.close()  # its pixels are not needed beside those that stand upright
            for target, target_size in targets.items():
                if not target.is_file():
                    with Draft(scratch, MEDIA) as draft:
                        draft.write(_encoded(upright, target_size, drawn))
                        draft.keep_as(target)
    width, height = sizes[0]
    mime = "image/webp" if drawn else "image/jpeg"
    preview, look = _seen(list(targets)[-1])
    return Picture(
        tuple(target.name for target in targets), width, height, mime, sha256, animated, tuple(sizes), preview, look
    )


def _seen(stored: Path) -> tuple[str | None, str | None]:
    """Preview and hash of a stored file, read at a fraction of its size where it is a JPEG."""
    from PIL import Image

    from stages.enrich.preview import preview_uri
    from stages.enrich.similar import ENOUGH, coarse, picture_hash

    try:
        with Image.open(stored, formats=("JPEG", "WEBP")) as image:
            image.draft(None, (ENOUGH, ENOUGH))
            shape, small = image.size, coarse(image)
            return preview_uri(small, shape), picture_hash(small)
    except (OSError, SyntaxError, ValueError):
        # the disk has lost what was stored whole; the picture is neither better nor worse without its preview
        return None, None


def bare_jpeg(data: bytes, longest: int, *, max_pixels: int) -> bytes:
    """The picture as it is sent to a model: upright, in sRGB, at most ``longest`` pixels a side, what is clear on
    white, and with nothing in it but pixels: no place, time, owner or thumbnail. Raises as :func:`store_picture`.
    """
    from PIL import Image

    with _opened(data, max_pixels) as image:
        width, height = _turned(image, image.size)
        scale = min(1.0, longest / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        upright = _upright(image, size)
    if upright.mode == "RGBA":
        white = Image.new("RGBA", upright.size, (255, 255, 255, 255))
        white.alpha_composite(upright)
        upright = white.convert("RGB")
    return _encoded(upright, size, drawn=False)


def _opened(data: bytes, max_pixels: int) -> "Image":
    from PIL import Image, UnidentifiedImageError

    with _pillow:
        # Pillow's own guard is one number for the process, and only a warning up to twice that number
        Image.MAX_IMAGE_PIXELS = max_pixels
        warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
        # a damaged file is refused in a sentence of our own or it can be read
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    _register_heif()
    try:
        image = Image.open(io.BytesIO(data), formats=_available(_FORMATS))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusablePictureError(_too_large(max_pixels)) from None
    except UnidentifiedImageError:
        if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
            raise UnusablePictureError(
                "HEIC pictures need the extra `heic`: pip install 'streamliner[heic]', then streamliner retry."
            ) from None
        raise UnusablePictureError("The file is named like a picture but is not one that can be read.") from None
    except MemoryError:
        raise
    except Exception as error:  # a broken file makes Pillow's readers raise whatever they stumble on
        raise UnusablePictureError("The picture is damaged and cannot be read.") from error
    if image.width * image.height > max_pixels:
        image.close()
        raise UnusablePictureError(_too_large(max_pixels))
    return image


def _too_large(max_pixels: int) -> str:
    return f"The picture has more than {max_pixels} pixels (enrich.picture_max_pixels) and was not opened."


def _register_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return
    register_heif_opener()


def _available(formats: Iterable[str]) -> list[str]:
    from importlib import import_module

    from PIL import Image

    Image.preinit()  # the most common five; all of Pillow's seventy readers would take a tenth of a second
    for plugin in ("WebP", "Tiff", "Mpo", "Avif"):
        import_module(f"PIL.{plugin}ImagePlugin")
    return [name for name in formats if name in Image.OPEN]


def _turned(image: "Image", size: tuple[int, int]) -> tuple[int, int]:
    # 5 to 8 are the orientations that exchange width and height; Pillow turns a TIFF by itself
    return size[::-1] if image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8) else size


def _orientation(image: "Image") -> Any:
    try:
        return image.getexif().get(0x0112, 1)
    except Exception:  # noqa: BLE001 - damaged metadata must not cost the picture that it describes
        return 1


def _sizes(size: tuple[int, int], widths: Iterable[int]) -> list[tuple[int, int]]:
    """(width, height) of each stored file, widest first, without repeats."""
    width, height = size
    sizes = {}
    for wanted in sorted(set(widths), reverse=True) or [width]:
        scale = min(1.0, wanted / width, _LONGEST / max(size))
        fitted = max(1, round(width * scale)), max(1, round(height * scale))
        sizes[fitted[0]] = fitted
    return list(sizes.values())


def _upright(image: "Image", largest: tuple[int, int]) -> "Image":
    """The first frame, decoded, turned, in sRGB, as RGB or RGBA, and free of everything else."""
    from PIL import ImageOps

    try:
        image.draft(None, _turned(image, largest))
        image.load()
        profile = image.info.get("icc_profile")
        if _orientation(image) != 1:
            image = ImageOps.exif_transpose(image)
        clear = image.has_transparency_data
        image = _in_srgb(image, profile, "RGBA" if clear else "RGB")
    except MemoryError:
        raise
    except Exception as error:  # a broken file makes Pillow's decoders raise whatever they stumble on
        cut = "truncated" in str(error).lower() or "unexpected end" in str(error).lower()
        reason = "The picture is cut off." if cut else "The picture is damaged and cannot be read."
        raise UnusablePictureError(reason) from error
    if clear and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info = {}
    return image


def _in_srgb(image: "Image", profile: bytes | None, mode: str) -> "Image":
    from PIL import ImageCms

    if image.mode.startswith("I;16"):
        # Pillow cuts 16 bits off at 255; the upper eight are the picture
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode not in ("RGB", "RGBA", "L", "CMYK"):
        image = image.convert(mode)
    if profile:
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            colours = image.convert("RGB") if alpha else image
            converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            # a profile that is broken or of another colour space says nothing: the numbers are taken as sRGB
            converted = None
        if converted is not None:
            image = converted
            if alpha:
                image.putalpha(alpha)
    return image if image.mode == mode else image.convert(mode)


def _encoded(image: "Image", size: tuple[int, int], drawn: bool) -> bytes:
    from PIL import Image

    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    image.info = {}
    buffer = io.BytesIO()
    try:
        if drawn:
            image.save(buffer, "WEBP", quality=85, method=4, icc_profile=b"", exif=b"", xmp=b"")
        else:
            image.save(buffer, "JPEG", quality=82, optimize=True, progressive=True, subsampling="4:2:0")
    except (OSError, ValueError) as error:  # one picture that an encoder will not have must not end the batch
        raise UnusablePictureError("The picture cannot be stored in a form that browsers show.") from error
    return buffer.getvalue()

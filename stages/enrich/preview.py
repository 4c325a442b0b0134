"""What a reader sees before a picture has come: a picture of a few hundred bytes, to be stretched and blurred."""

import base64
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL.Image import Image

LIMIT: Final = 600
"""Most characters of a preview."""

_STEPS: Final = ((24, 40), (16, 30), (12, 10), (6, 0))
"""Longest side in pixels and quality of the encoder, tried in turn until the preview is small enough."""


def preview_uri(image: "Image", shape: tuple[int, int] | None = None) -> str:
    """A ``data:image/webp`` address of at most 600 characters: letters, digits and ``+/=:;,`` alone, so that it can
    stand in an attribute. What is clear stays clear. ``shape`` is the width and height of what is to be shown, where
    ``image`` is a reduction of other proportions; the preview has its proportions to within a pixel of 24.

    The same pixels give the same address with the same encoder. Cost: one reduction and one encoding of at most
    24 x 24 pixels; noise takes up to four.
    """
    width, height = shape or image.size
    for longest, quality in _STEPS:
        scale = longest / max(width, height)
        uri = _encoded(image, (max(1, round(width * scale)), max(1, round(height * scale))), quality)
        if len(uri) <= LIMIT:
            return uri
    # 6 x 6 pixels never come here with the encoders that were tried; one that writes more has a plain colour left
    return _encoded(image.convert("RGB"), (1, 1), 0)


def _encoded(image: "Image", size: tuple[int, int], quality: int) -> str:
    from PIL import Image

    # BOX reads every pixel once; what it blurs is to be blurred
    small = image.resize(size, Image.Resampling.BOX)
    small.info = {}
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=quality, method=4, alpha_quality=0, icc_profile=b"", exif=b"", xmp=b"")
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

"""The five pictures of the chat, drawn with Pillow, and the metadata that phones write into such files.

Place, owner and orientation are put in on purpose: publishing must turn the pictures upright and drop the rest.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from samples.pictures import cat, loaf, moon, nest, route

_ORIENTATION, _MAKE, _MODEL, _ARTIST, _TAKEN, _GPS = 0x0112, 0x010F, 0x0110, 0x013B, 0x0132, 0x8825
_STORED: Final = {6: Image.Transpose.ROTATE_90, 3: Image.Transpose.ROTATE_180, 8: Image.Transpose.ROTATE_270}
"""How the pixels are turned before they are stored, so that the orientation tag turns them upright again."""


@dataclass(frozen=True)
class Picture:
    """A drawing and its EXIF block: ``orientation`` 1, 3, 6 or 8, ``place`` as (latitude, longitude) in degrees."""

    draw: Callable[[], Image.Image]
    orientation: int = 1
    place: tuple[float, float] | None = None
    tags: dict[int, str] = field(default_factory=dict)

    def jpeg(self) -> bytes:
        """The file's bytes. Deterministic for one version of Pillow."""
        image = self.draw()
        if self.orientation in _STORED:
            image = image.transpose(_STORED[self.orientation])
        exif = Image.Exif()
        for tag, value in self.tags.items():
            exif[tag] = value
        if self.orientation != 1:
            exif[_ORIENTATION] = self.orientation
        if self.place is not None:
            gps = exif.get_ifd(_GPS)
            latitude, longitude = self.place
            gps[1], gps[2] = "N" if latitude >= 0 else "S", _degrees(latitude)
            gps[3], gps[4] = "E" if longitude >= 0 else "W", _degrees(longitude)
        out = io.BytesIO()
        image.save(out, "JPEG", quality=86, optimize=True, exif=exif.tobytes() if len(exif) else b"")
        return out.getvalue()


def _degrees(value: float) -> tuple[float, float, float]:
    """Degrees, minutes, seconds to a tenth."""
    tenths = round(abs(value) * 36000)
    return (float(tenths // 36000), float(tenths // 600 % 60), tenths % 600 / 10)


PICTURES: Final = {
    "cat": Picture(
        cat.draw,
        orientation=6,
        place=(53.3529, -6.2857),
        tags={_MAKE: "Pocketphone", _MODEL: "P14", _TAKEN: "2026:03:13 10:32:07"},
    ),
    "loaf": Picture(loaf.draw, tags={_ARTIST: "Kenji Morimoto", _TAKEN: "2026:03:22 13:30:44"}),
    "nest": Picture(nest.draw, orientation=3, place=(41.1496, -8.6110), tags={_TAKEN: "2026:03:23 10:20:12"}),
    "map": Picture(route.draw),
    "moon": Picture(moon.draw, place=(-23.5614, -46.6559), tags={_MODEL: "P12", _TAKEN: "2026:04:21 19:08:31"}),
}

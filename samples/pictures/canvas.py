"""What the drawings share: gradients, soft shapes, grain, and drawing at twice the size for smooth edges."""

import random
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]

SCALE = 2


def blank(width: int, height: int, colour: Colour = (255, 255, 255)) -> Image.Image:
    """A canvas of twice the size; coordinates on it are doubled by :func:`at`."""
    return Image.new("RGB", (width * SCALE, height * SCALE), colour)


def at(points: Sequence[Point]) -> list[Point]:
    """Points in picture coordinates, on the canvas."""
    return [(x * SCALE, y * SCALE) for x, y in points]


def box(x: float, y: float, width: float, height: float) -> list[float]:
    """A box by its centre and size, on the canvas."""
    return [(x - width / 2) * SCALE, (y - height / 2) * SCALE, (x + width / 2) * SCALE, (y + height / 2) * SCALE]


def vertical(size: tuple[int, int], stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """A gradient from top to bottom through ``stops`` (share of the height, colour), the first at 0, the last at 1."""
    strip = Image.new("RGB", (1, size[1]))
    for y in range(size[1]):
        share = y / max(1, size[1] - 1)
        for (low, above), (high, below) in pairwise(stops):
            if share <= high:
                part = (share - low) / (high - low)
                mixed = [round(a + (b - a) * part) for a, b in zip(above, below, strict=True)]
                strip.putpixel((0, y), (mixed[0], mixed[1], mixed[2]))
                break
    return strip.resize(size)


def glow(image: Image.Image, centre: Point, radius: float, colour: Colour, strength: float) -> None:
    """A round soft light, painted in place."""
    side = 256
    mask = ImageChops.invert(Image.radial_gradient("L")).resize((side, side))
    mask = mask.point([round((max(0, level - 75) / 180) ** 2 * 255 * strength) for level in range(256)])
    size = round(radius * 2 * SCALE)
    mask = mask.resize((size, size))
    corner = (round(centre[0] * SCALE - size / 2), round(centre[1] * SCALE - size / 2))
    image.paste(Image.new("RGB", (size, size), colour), corner, mask)


def shadow(image: Image.Image, bounds: list[float], blur: float, strength: float) -> None:
    """A soft dark ellipse, painted in place; it is drawn at an eighth of the size, as blur forgives."""
    eighth = 8
    mask = Image.new("L", (image.width // eighth, image.height // eighth), 0)
    ImageDraw.Draw(mask).ellipse([edge / eighth for edge in bounds], fill=round(255 * strength))
    mask = mask.filter(ImageFilter.GaussianBlur(blur * SCALE / eighth)).resize(image.size)
    image.paste((20, 12, 10), (0, 0, *image.size), mask)


def finish(image: Image.Image, seed: int, grain: int = 4) -> Image.Image:
    """Down to the picture's size, with a little grain so that gradients show no bands."""
    small = image.resize((image.width // SCALE, image.height // SCALE), Image.Resampling.LANCZOS)
    noise = Image.frombytes("L", small.size, random.Random(seed).randbytes(small.width * small.height))
    noise = noise.point([round((level - 128) * grain / 128) + 128 for level in range(256)])
    return ImageChops.add(small, Image.merge("RGB", (noise,) * 3), scale=1, offset=-128)


def curve(start: Point, bend: Point, end: Point, steps: int = 24) -> list[Point]:
    """A quadratic Bézier curve as points."""
    points = []
    for step in range(steps + 1):
        t = step / steps
        points.append(
            (
                (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * bend[0] + t**2 * end[0],
                (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * bend[1] + t**2 * end[1],
            )
        )
    return points

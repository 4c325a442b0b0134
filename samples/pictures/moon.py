"""The moon five days old, as a phone held to the eyepiece of a six-inch telescope shows it."""

import random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from samples.pictures.canvas import SCALE, at, blank, box, finish, glow

Grid = np.ndarray[Any, np.dtype[np.float64]]

SIDE = 1080
_RADIUS = 380
_SUN = (0.915, 0.12, -0.385)
"""Where the light comes from: right, a little below, from behind the disc, so that a crescent is lit."""


def draw() -> Image.Image:
    """1080 x 1080: a black field, the crescent with its craters, earthshine, a few stars, a wisp of cloud."""
    dice = random.Random(1969)
    image = blank(SIDE, SIDE, (6, 7, 10))
    field = ImageDraw.Draw(image)
    field.ellipse(box(SIDE / 2, SIDE / 2, 1020, 1020), fill=(13, 16, 27))
    for _ in range(46):
        x, y = dice.uniform(80, 1000), dice.uniform(80, 1000)
        light = dice.randint(60, 190)
        size = dice.choice((2, 2, 3, 4))
        if (x - 540) ** 2 + (y - 540) ** 2 < 480**2:
            field.ellipse(box(x, y, size, size), fill=(light, light, min(255, light + 18)))
    glow(image, (690, 560), 560, (84, 92, 118), 0.35)
    disc, alpha = _disc(dice)
    centre = (SIDE * SCALE - disc.width) // 2
    image.paste(disc, (centre, centre), alpha)
    cloud = Image.new("L", (SIDE // 4, SIDE // 4), 0)
    veil = ImageDraw.Draw(cloud)
    for _ in range(26):
        x, y = dice.uniform(20, 250), 196 + dice.gauss(0, 13)
        width = dice.uniform(30, 90)
        veil.ellipse((x - width, y - 7, x + width, y + 7), fill=dice.randint(14, 30))
    cloud = cloud.filter(ImageFilter.GaussianBlur(9)).resize(image.size)
    image.paste((128, 132, 148), (0, 0, *image.size), cloud)
    rim = Image.new("L", (SIDE // 4, SIDE // 4), 255)
    ImageDraw.Draw(rim).ellipse((8, 8, SIDE // 4 - 9, SIDE // 4 - 9), fill=0)
    image.paste((3, 3, 5), (0, 0, *image.size), rim.filter(ImageFilter.GaussianBlur(4)).resize(image.size))
    field = ImageDraw.Draw(image)
    field.line(at([(540, 32), (540, 40)]), fill=(40, 42, 48), width=3)
    return finish(image, seed=51)


def _disc(dice: random.Random) -> tuple[Image.Image, Image.Image]:
    """The lit sphere and its mask. Height is summed over craters; light is Lambert's law on its slope.

    Only sums, products, quotients and square roots: they round alike on every processor.
    """
    size = 2 * _RADIUS
    line = (np.arange(size, dtype=np.float64) - _RADIUS + 0.5) / _RADIUS
    x, y = np.meshgrid(line, line)
    square = x * x + y * y
    inside = square < 0.988
    z = np.sqrt(np.maximum(1.0 - square, 0.0))
    slope_y, slope_x = np.gradient(_relief(x, y, dice), 1 / _RADIUS)
    nx, ny = x - slope_x, y - slope_y
    length = np.sqrt(nx * nx + ny * ny + z * z) + 1e-9
    smooth = x * _SUN[0] + y * _SUN[1] + z * _SUN[2]
    lit = np.clip((nx * _SUN[0] + ny * _SUN[1] + z * _SUN[2]) / length * 2.2, 0, 1)
    bright = np.sqrt(lit) * np.clip(smooth * 9 + 0.8, 0, 1) * _tones(x, y)
    earthshine = 0.115 * _tones(x, y) * (0.6 + 0.4 * z)
    tints = ((1.08, 0.80), (1.04, 0.92), (0.94, 1.30))
    colour = [np.clip((bright * warm + earthshine * cold) * 255, 0, 255) for warm, cold in tints]
    disc = Image.fromarray(np.stack(colour, axis=-1).astype(np.uint8))
    alpha = Image.fromarray((inside * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
    big = (size * SCALE, size * SCALE)
    return disc.filter(ImageFilter.GaussianBlur(0.7)).resize(big), alpha.resize(big)


def _tones(x: Grid, y: Grid) -> Grid:
    """Brightness of the ground, 0..1: the seas on this side (Crises, Fecundity, Nectar, Tranquillity, Serenity)."""
    tone = np.full_like(x, 0.90)
    seas = (
        (0.80, -0.27, 0.085, 0.13, 0.3),
        (0.77, 0.06, 0.12, 0.22, -0.5),
        (0.55, 0.24, 0.10, 0.11, 0.2),
        (0.48, -0.13, 0.19, 0.16, 0.6),
        (0.28, -0.40, 0.19, 0.17, 0.0),
        (0.63, 0.00, 0.14, 0.10, -0.4),
    )
    for sx, sy, wide, tall, tilt in seas:
        dx, dy = (x - sx) / wide, (y - sy) / tall
        depth = np.clip(1.9 - 1.1 * (dx * dx + dy * dy + tilt * dx * dy), 0.0, 1.0)
        tone = np.minimum(tone, 0.90 - 0.30 * depth * depth * (3 - 2 * depth))
    return tone


def _relief(x: Grid, y: Grid, dice: random.Random) -> Grid:
    """Height of the ground in radii: bowls with raised rims, narrower towards the limb, three of them in a row."""
    height = np.zeros_like(x)
    craters = [(0.335, 0.19, 0.040), (0.300, 0.262, 0.042), (0.318, 0.345, 0.046)]
    while len(craters) < 620:
        cx, cy = dice.uniform(-0.1, 1), dice.uniform(-1, 1)
        sea = 0.30 < cx < 0.9 and -0.45 < cy < 0.3
        if cx * cx + cy * cy < 0.96 and (not sea or dice.random() < 0.25):
            craters.append((cx, cy, 0.007 + 0.034 * dice.random() ** 5))
    for cx, cy, spread in craters:
        reach = round(2 * spread * _RADIUS) + 1
        column, row = round((cx + 1) * _RADIUS), round((cy + 1) * _RADIUS)
        part = (slice(max(0, row - reach), row + reach), slice(max(0, column - reach), column + reach))
        away_x, away_y = x[part] - cx, y[part] - cy
        near = (away_x * away_x / max(0.12, 1 - cx * cx) + away_y * away_y) / (spread * spread)
        height[part] += (
            np.where(near < 1, near * near - 0.8, np.clip(0.2 * (1 - (near - 1) / 1.2), 0, 1)) * spread * 0.13
        )
    return height

"""Four blue eggs in a nest of moss, roots and one thread of a blue jumper."""

import math
import random

from PIL import Image, ImageDraw, ImageFilter

from samples.pictures.canvas import SCALE, at, blank, box, curve, finish, shadow

WIDTH, HEIGHT = 1200, 900
_CENTRE = (600.0, 470.0)


def draw() -> Image.Image:
    """1200 x 900, from above."""
    dice = random.Random(4)
    image = blank(WIDTH, HEIGHT, (38, 56, 36))
    _leaves(image, dice, 150, dark=True)
    image = image.filter(ImageFilter.GaussianBlur(7))
    _leaves(image, dice, 60, dark=False)
    shadow(image, box(600, 500, 880, 720), 40, 0.75)
    _twigs(image, dice, 1500, 235, 400, (96, 72, 46), 5)
    _twigs(image, dice, 700, 215, 330, (128, 100, 62), 4)
    shadow(image, box(600, 470, 500, 410), 18, 0.85)
    _twigs(image, dice, 620, 60, 225, (86, 60, 38), 4)
    shadow(image, box(600, 490, 420, 330), 26, 0.6)
    _twigs(image, dice, 420, 236, 300, (150, 122, 80), 3)
    _thread(image)
    for x, y, tilt in ((520, 410, 24), (668, 402, -30), (535, 545, -18), (680, 535, 40)):
        _egg(image, dice, x, y, tilt)
    _twigs(image, dice, 240, 262, 330, (176, 150, 104), 2)
    return finish(image, seed=13)


def _leaves(image: Image.Image, dice: random.Random, count: int, *, dark: bool) -> None:
    pen = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = dice.uniform(-40, WIDTH + 40), dice.uniform(-40, HEIGHT + 40)
        away = math.hypot(x - _CENTRE[0], (y - _CENTRE[1]) * 1.2)
        if not dark and away < 420:
            continue
        length, angle = dice.uniform(70, 150), dice.uniform(0, 2 * math.pi)
        tip = (x + length * math.cos(angle), y + length * math.sin(angle))
        side = (-math.sin(angle) * length * 0.55, math.cos(angle) * length * 0.55)
        middle = ((x + tip[0]) / 2, (y + tip[1]) / 2)
        shape = curve((x, y), (middle[0] + side[0], middle[1] + side[1]), tip)
        shape += curve(tip, (middle[0] - side[0], middle[1] - side[1]), (x, y))
        green = dice.randint(62, 112) if dark else dice.randint(96, 150)
        pen.polygon(at(shape), fill=(green // 2, green, green // 2 - 6))
        pen.line(at([(x, y), tip]), fill=(green // 2 + 24, green + 26, green // 2 + 10), width=3)


def _twigs(
    image: Image.Image,
    dice: random.Random,
    count: int,
    inner: float,
    outer: float,
    colour: tuple[int, int, int],
    width: int,
) -> None:
    """Short arcs around the centre, between two radii, each of a slightly different brown."""
    pen = ImageDraw.Draw(image)
    for _ in range(count):
        radius = inner + (outer - inner) * math.sqrt(dice.random())
        angle, sweep = dice.uniform(0, 2 * math.pi), dice.uniform(0.18, 0.6) * dice.choice((1, -1))
        drift = dice.uniform(-26, 26)
        points = []
        for part, reach in ((0.0, 0.0), (0.5, drift / 2), (1.0, drift)):
            turn = angle + sweep * part
            points.append(
                (
                    _CENTRE[0] + (radius + reach) * math.cos(turn),
                    _CENTRE[1] + (radius + reach) * math.sin(turn) * 0.84,
                )
            )
        tone = dice.randint(-34, 30)
        shade = tuple(max(0, min(255, part + tone)) for part in colour)
        pen.line(
            at(curve(points[0], points[1], points[2], 8)), fill=shade, width=width + dice.randint(0, 3), joint="curve"
        )


def _thread(image: Image.Image) -> None:
    """The blue thread, in and out of the rim."""
    pen = ImageDraw.Draw(image)
    for start, bend, end in (
        ((300, 420), (330, 250), (470, 235)),
        ((505, 262), (640, 190), (760, 262)),
        ((800, 300), (900, 360), (868, 500)),
        ((868, 500), (850, 590), (930, 640)),
    ):
        pen.line(at(curve(start, bend, end)), fill=(44, 78, 134), width=10, joint="curve")
        pen.line(
            at([(x - 1, y - 1.5) for x, y in curve(start, bend, end)]), fill=(104, 146, 208), width=4, joint="curve"
        )


def _egg(image: Image.Image, dice: random.Random, x: float, y: float, tilt: float) -> None:
    """One egg: a longer and a rounder end, shaded from the lower right, speckled, with a highlight."""
    shadow(image, box(x + 10, y + 22, 168, 128), 9, 0.6)
    side = 240 * SCALE
    half = side / 2
    outline = []
    for step in range(120):
        angle = 2 * math.pi * step / 120
        narrowing = 1 - 0.16 * math.cos(angle)
        outline.append((half + 84 * SCALE * math.cos(angle), half + 62 * SCALE * math.sin(angle) * narrowing))
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    shell = Image.new("RGB", (side, side), (126, 184, 178))
    light = Image.new("L", (side // 8, side // 8), 0)
    ImageDraw.Draw(light).ellipse((5, 3, 42, 34), fill=210)
    light = light.filter(ImageFilter.GaussianBlur(7)).resize((side, side))
    shell.paste((190, 228, 218), (0, 0, side, side), light)
    edge = Image.new("L", (side // 8, side // 8), 0)
    ImageDraw.Draw(edge).ellipse((22, 34, 66, 62), fill=150)
    edge = edge.filter(ImageFilter.GaussianBlur(6)).resize((side, side))
    shell.paste((62, 116, 118), (0, 0, side, side), edge)
    pen = ImageDraw.Draw(shell)
    for _ in range(150):
        angle, reach = dice.uniform(0, 2 * math.pi), math.sqrt(dice.random())
        sx = half + 80 * SCALE * reach * math.cos(angle)
        sy = half + 58 * SCALE * reach * math.sin(angle)
        size = dice.choice((2, 3, 3, 5, 7)) * (1.3 if sx > half else 0.8)
        tone = dice.randint(0, 40)
        pen.ellipse((sx - size, sy - size, sx + size, sy + size * 0.8), fill=(112 + tone, 92 + tone, 70 + tone))
    pen.ellipse((half - 54 * SCALE, half - 40 * SCALE, half - 22 * SCALE, half - 26 * SCALE), fill=(226, 244, 238))
    shell = shell.filter(ImageFilter.GaussianBlur(1.2)).rotate(tilt, Image.Resampling.BICUBIC)
    mask = mask.rotate(tilt, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))
    image.paste(shell, (round(x * SCALE - half), round(y * SCALE - half)), mask)

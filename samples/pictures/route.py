"""Kenji's hand-drawn map: Lisbon, Vendas Novas, Évora, Reguengos, Monsaraz, with a cork oak that has a face."""

import math
import random
import unicodedata

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from samples.pictures.canvas import SCALE, Colour, at, blank, box, curve, finish, vertical

WIDTH, HEIGHT = 1280, 860
_ACUTE = "\u0301"
_INK: Colour = (66, 50, 44)
_TOWNS = (
    ("Lisboa", 196, 470, (-44, -140)),
    ("Vendas Novas", 452, 452, (-34, 28)),
    ("Évora", 712, 468, (-46, 24)),
    ("Reguengos", 930, 566, (-76, 24)),
    ("Monsaraz", 1094, 470, (-74, -134)),
)


def draw() -> Image.Image:
    """1280 x 860, a sheet of paper."""
    dice = random.Random(170)
    image = blank(WIDTH, HEIGHT)
    image.paste(vertical(image.size, [(0.0, (250, 243, 226)), (0.6, (247, 238, 216)), (1.0, (240, 226, 198))]))
    pen = ImageDraw.Draw(image)
    _water(pen, dice)
    for _ in range(40):
        x, y = dice.choice(
            ((dice.uniform(420, 900), dice.uniform(200, 340)), (dice.uniform(250, 1040), dice.uniform(650, 730)))
        )
        _oak(pen, x, y, dice.uniform(14, 26), dice)
    _road(pen)
    _landmarks(pen)
    for x in (950, 1010, 1070):
        _oak(pen, x, 742, 27, dice)
    _oak(pen, 584, 352, 58, dice, face=True)
    for name, x, y, (dx, dy) in _TOWNS:
        pen.ellipse(box(x, y, 26, 26), fill=(252, 246, 232), outline=_INK, width=6)
        pen.ellipse(box(x, y, 11, 11), fill=(196, 70, 52))
        _write(pen, x + dx, y + dy, name, 33)
    _write(pen, 60, 52, "O caminho para Monsaraz", 52)
    _write(pen, 62, 116, "170 km, duas horas, uma bifana", 28, (150, 92, 60))
    _write(pen, 524, 522, "bifana obrigatória", 24, (196, 70, 52), centred=True)
    _write(pen, 1010, 780, "na segunda figueira vira-se", 24, (92, 110, 66), centred=True)
    _compass(pen, 1180, 130)
    edge = Image.new("L", (image.width // 8, image.height // 8), 90)
    ImageDraw.Draw(edge).rounded_rectangle((8, 8, edge.width - 9, edge.height - 9), 30, fill=0)
    image.paste((168, 128, 84), (0, 0, *image.size), edge.filter(ImageFilter.GaussianBlur(8)).resize(image.size))
    return finish(image, seed=27, grain=5)


def _write(
    pen: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, colour: Colour = _INK, *, centred: bool = False
) -> None:
    """Text with its top left (or top centre) at x, y. Pillow's own font has no accents: they are drawn as strokes."""
    font = ImageFont.load_default(size * SCALE)
    letters = unicodedata.normalize("NFD", text)
    plain = letters.replace(_ACUTE, "")
    left = x * SCALE - (font.getlength(plain) / 2 if centred else 0)
    pen.text((left, y * SCALE), plain, fill=colour, font=font)
    for place, letter in enumerate(letters):
        if letter == _ACUTE:
            before = letters[: place - 1].replace(_ACUTE, "")
            base = letters[place - 1]
            middle = left + font.getlength(before) + font.getlength(base) / 2
            top = y * SCALE + font.getbbox(base)[1]
            rise = size * SCALE * 0.16
            stroke = [(middle - rise * 0.3, top - rise * 0.5), (middle + rise * 0.7, top - rise * 1.3)]
            pen.line(stroke, fill=colour, width=max(2, round(size * SCALE * 0.08)))


def _water(pen: ImageDraw.ImageDraw, dice: random.Random) -> None:
    """The Atlantic, the Tagus with its estuary, the lake of Alqueva."""
    sea = [
        (-10, 150),
        *curve((-10, 150), (120, 260), (84, 400)),
        *curve((84, 400), (140, 470), (96, 520)),
        *curve((96, 520), (190, 680), (110, 870)),
        (-10, 870),
    ]
    pen.polygon(at(sea), fill=(170, 206, 214))
    pen.line(at(sea[1:-1]), fill=(92, 138, 150), width=6, joint="curve")
    river = curve((98, 496), (190, 520), (262, 458)) + curve((262, 458), (330, 380), (352, 160))
    for width, colour in ((48, (92, 138, 150)), (38, (170, 206, 214))):
        pen.line(at(river), fill=colour, width=width, joint="curve")
    for x, y, size in ((240, 478, 64), (268, 452, 50)):
        pen.ellipse(box(x, y, size, size * 0.7), fill=(170, 206, 214))
    lake = [
        *curve((1120, 640), (1180, 560), (1150, 470)),
        *curve((1150, 470), (1190, 400), (1176, 300)),
        *curve((1176, 300), (1230, 420), (1214, 520)),
        *curve((1214, 520), (1250, 600), (1190, 680)),
        *curve((1190, 680), (1150, 720), (1120, 640)),
    ]
    pen.polygon(at(lake), fill=(170, 206, 214))
    pen.line(at(lake), fill=(92, 138, 150), width=6, joint="curve")
    for _ in range(26):
        left, top = dice.uniform(10, 76), dice.uniform(560, 830)
        pen.line(
            at(
                [
                    *curve((left, top), (left + 8, top - 8), (left + 16, top)),
                    *curve((left + 16, top), (left + 24, top - 8), (left + 32, top)),
                ]
            ),
            fill=(128, 174, 186),
            width=4,
        )


def _road(pen: ImageDraw.ImageDraw) -> None:
    """The road through the towns, dashed as on a treasure map; it crosses the river by the bridge."""
    bends = ((320, 560), (590, 400), (820, 470), (1010, 570))
    road: list[tuple[float, float]] = []
    for (_, x, y, _), (_, next_x, next_y, _), bend in zip(_TOWNS, _TOWNS[1:], bends, strict=False):
        road += curve((x, y), bend, (next_x, next_y), 60)
    for start in range(0, len(road) - 4, 6):
        pen.line(at(road[start : start + 4]), fill=(196, 70, 52), width=9, joint="curve")


def _oak(pen: ImageDraw.ImageDraw, x: float, y: float, size: float, dice: random.Random, *, face: bool = False) -> None:
    """A cork oak: bare reddish trunk, round crown."""
    pen.rectangle((*at([(x - size * 0.14, y)])[0], *at([(x + size * 0.14, y + size * 0.9)])[0]), fill=(172, 96, 62))
    tone = dice.randint(-14, 14)
    for dx, dy, share in ((-0.45, 0, 0.9), (0.45, 0, 0.9), (0, -0.35, 1.1), (0, 0.1, 1.0)):
        pen.ellipse(
            box(x + dx * size, y + dy * size, size * share * 1.1, size * share), fill=(118 + tone, 142 + tone, 84)
        )
    if face:
        for side in (-1, 1):
            pen.ellipse(box(x + side * 14, y - 10, 9, 12), fill=_INK)
            pen.ellipse(box(x + side * 26, y + 6, 14, 8), fill=(206, 136, 104))
        pen.line(at(curve((x - 14, y + 8), (x, y + 24), (x + 14, y + 8))), fill=_INK, width=6, joint="curve")


def _landmarks(pen: ImageDraw.ImageDraw) -> None:
    for roof in range(4):
        x = 150 + roof * 24
        pen.polygon(
            at([(x, 398 - roof % 2 * 10), (x + 14, 378 - roof % 2 * 10), (x + 28, 398 - roof % 2 * 10)]),
            fill=(206, 106, 74),
        )
        pen.rectangle(
            (*at([(x + 2, 398 - roof % 2 * 10)])[0], *at([(x + 26, 424)])[0]),
            fill=(250, 240, 220),
            outline=_INK,
            width=3,
        )
    pen.polygon(at([(430, 414), (478, 414), (470, 396), (438, 396)]), fill=(222, 172, 104), outline=_INK)
    pen.rectangle((*at([(432, 408)])[0], *at([(476, 415)])[0]), fill=(176, 84, 62))
    for column in range(5):
        x = 762 + column * 20
        pen.rectangle((*at([(x, 404)])[0], *at([(x + 9, 452)])[0]), fill=(238, 226, 202), outline=_INK, width=3)
    pen.rectangle((*at([(756, 394)])[0], *at([(858, 406)])[0]), fill=(226, 212, 184), outline=_INK, width=3)
    pen.rectangle((*at([(752, 452)])[0], *at([(862, 462)])[0]), fill=(226, 212, 184), outline=_INK, width=3)
    hill = curve((1010, 462), (1090, 396), (1172, 462))
    pen.polygon(at(hill), fill=(190, 180, 120))
    pen.rectangle((*at([(1060, 404)])[0], *at([(1122, 436)])[0]), fill=(250, 244, 230), outline=_INK, width=3)
    for tower in (1050, 1112):
        pen.rectangle(
            (*at([(tower, 386)])[0], *at([(tower + 20, 436)])[0]), fill=(244, 234, 214), outline=_INK, width=3
        )
        for notch in (0, 14):
            pen.rectangle((*at([(tower + notch, 379)])[0], *at([(tower + notch + 6, 387)])[0]), fill=_INK)
    pen.ellipse(box(1072, 232, 110, 110), fill=(252, 232, 170), outline=(214, 178, 96), width=5)
    for x, y, size in ((1052, 214, 18), (1092, 240, 24), (1062, 258, 12), (1090, 206, 9)):
        pen.ellipse(box(x, y, size, size), fill=(240, 212, 142))
    for step in range(16):
        angle = 2 * math.pi * step / 16
        inner, outer = (
            (1072 + 68 * math.cos(angle), 232 + 68 * math.sin(angle)),
            (1072 + 82 * math.cos(angle), 232 + 82 * math.sin(angle)),
        )
        pen.line(at([inner, outer]), fill=(224, 190, 110), width=5)


def _compass(pen: ImageDraw.ImageDraw, x: float, y: float) -> None:
    for turn in range(8):
        angle = math.pi * turn / 4 - math.pi / 2
        reach = 58 if turn % 2 == 0 else 34
        tip = (x + reach * math.cos(angle), y + reach * math.sin(angle))
        for side, colour in ((-1, _INK), (1, (222, 196, 150))):
            flank = (x + 12 * math.cos(angle + side * math.pi / 4), y + 12 * math.sin(angle + side * math.pi / 4))
            pen.polygon(at([(x, y), tip, flank]), fill=colour)
    _write(pen, x, y - 90, "N", 26, centred=True)

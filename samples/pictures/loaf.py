"""The first loaf after the explosion: a round sourdough with an ear, on a board, with a knife and a striped cloth."""

import math
import random

from PIL import Image, ImageDraw, ImageFilter

from samples.pictures.canvas import SCALE, at, blank, box, curve, finish, glow, shadow

WIDTH, HEIGHT = 1200, 900


def draw() -> Image.Image:
    """1200 x 900, from above at a slant."""
    dice = random.Random(52)
    image = blank(WIDTH, HEIGHT, (104, 82, 66))
    _table(image, dice)
    _cloth(image)
    _board(image, dice)
    shadow(image, box(590, 545, 660, 480), 22, 0.8)
    _bread(image, dice)
    _knife(image)
    glow(image, (250, 60), 760, (255, 236, 200), 0.28)
    return finish(image, seed=22)


def _table(image: Image.Image, dice: random.Random) -> None:
    pen = ImageDraw.Draw(image)
    y = 0.0
    while y < HEIGHT:
        tall, tone = dice.uniform(96, 132), dice.randint(-9, 9)
        pen.rectangle((0, y * SCALE, WIDTH * SCALE, (y + tall) * SCALE), fill=(112 + tone, 88 + tone, 70 + tone))
        for _ in range(16):
            level, tint = dice.uniform(y, y + tall), dice.randint(-16, 12)
            start = dice.uniform(-200, WIDTH)
            grain = curve(
                (start, level), (start + 250, level + dice.uniform(-8, 8)), (start + dice.uniform(260, 620), level)
            )
            pen.line(at(grain), fill=(112 + tone + tint, 88 + tone + tint, 70 + tone + tint), width=3)
        y += tall
        pen.line(at([(0, y), (WIDTH, y)]), fill=(66, 50, 40), width=5)


def _cloth(image: Image.Image) -> None:
    """A linen cloth from the upper left corner."""
    pen = ImageDraw.Draw(image)
    edge = [
        (-20, 430),
        *curve((-20, 430), (160, 420), (300, 320)),
        *curve((300, 320), (430, 180), (560, -20)),
        (-20, -20),
    ]
    shadow(image, box(200, 180, 560, 460), 26, 0.35)
    pen.polygon(at(edge), fill=(226, 218, 202))
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).polygon(at(edge), fill=255)
    stripes = Image.new("RGB", image.size, (226, 218, 202))
    drawn = ImageDraw.Draw(stripes)
    for place in range(-400, 900, 74):
        drawn.line(at([(place, 460), (place + 420, -40)]), fill=(92, 128, 152), width=14)
        drawn.line(at([(place + 14, 460), (place + 434, -40)]), fill=(150, 176, 190), width=5)
    for place in range(-100, 700, 9):
        drawn.line(at([(place, 480), (place - 330, -40)]), fill=(214, 205, 188), width=1)
    image.paste(stripes, (0, 0), mask)


def _board(image: Image.Image, dice: random.Random) -> None:
    shadow(image, box(610, 560, 1000, 640), 20, 0.7)
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle(box(600, 555, 940, 580), 120, fill=(128, 84, 46))
    pen.rounded_rectangle(box(600, 540, 940, 576), 120, fill=(196, 148, 94))
    for _ in range(46):
        y, start, tint = dice.uniform(270, 810), dice.uniform(150, 700), dice.randint(-18, 14)
        end = min(1050.0, start + dice.uniform(160, 420))
        pen.line(
            at(curve((start, y), ((start + end) / 2, y + dice.uniform(-9, 9)), (end, y))),
            fill=(196 + tint, 148 + tint, 94 + tint),
            width=4,
        )
    for _ in range(420):
        x, y = dice.gauss(600, 250), dice.gauss(600, 130)
        if 170 < x < 1030 and 290 < y < 810:
            size = dice.uniform(1, 4)
            pen.ellipse(box(x, y, size, size), fill=(246, 238, 222))
    for _ in range(26):
        x, y = dice.gauss(880, 70), dice.gauss(690, 50)
        tone = dice.randint(-34, 20)
        pen.ellipse(box(x, y, dice.uniform(6, 14), dice.uniform(5, 9)), fill=(170 + tone, 108 + tone, 56 + tone))


def _bread(image: Image.Image, dice: random.Random) -> None:
    """Crust from pale to burnt, rings of flour from the cloth, one deep cut with its ear lifted."""
    width, height = 620, 500
    cx, cy = 590, 505
    mask = Image.new("L", image.size, 0)
    rim = []
    for step in range(180):
        angle = 2 * math.pi * step / 180
        swell = 1 + 0.018 * math.sin(3 * angle + 0.6) + 0.012 * math.sin(7 * angle)
        rim.append((cx + width / 2 * swell * math.cos(angle), cy + height / 2 * swell * math.sin(angle)))
    ImageDraw.Draw(mask).polygon(at(rim), fill=255)
    crust = Image.new("RGB", image.size, (112, 58, 24))
    for share, colour in (
        (0.95, (138, 76, 32)),
        (0.84, (166, 98, 42)),
        (0.70, (190, 120, 56)),
        (0.5, (208, 142, 74)),
        (0.28, (220, 160, 92)),
    ):
        spot = Image.new("L", (image.width // 8, image.height // 8), 0)
        bounds = [edge / 8 for edge in box(cx - 22, cy - 30, width * share, height * share)]
        ImageDraw.Draw(spot).ellipse(bounds, fill=215)
        crust.paste(colour, (0, 0, *image.size), spot.filter(ImageFilter.GaussianBlur(9)).resize(image.size))
    flour = Image.new("L", image.size, 0)
    rings = ImageDraw.Draw(flour)
    for ring in range(1, 8):
        across, tall = width * (0.13 * ring), height * (0.125 * ring)
        for part in range(0, 360, 3):
            if dice.random() < 0.9:
                start = part + dice.uniform(0, 2)
                rings.arc(
                    box(cx, cy - 12, across, tall),
                    start,
                    start + 2.6,
                    fill=dice.randint(70, 175),
                    width=dice.randint(9, 19),
                )
    for _ in range(2600):
        angle, reach = dice.uniform(0, 2 * math.pi), math.sqrt(dice.random())
        x, y = cx + width / 2 * reach * math.cos(angle), cy + height / 2 * reach * math.sin(angle)
        size = dice.uniform(0.8, 2.6)
        rings.ellipse(box(x, y, size, size), fill=dice.randint(60, 170))
    crust.paste((250, 240, 222), (0, 0, *image.size), flour.filter(ImageFilter.BoxBlur(2)))
    pen = ImageDraw.Draw(crust)
    for _ in range(240):
        angle, reach = dice.uniform(0, 2 * math.pi), dice.uniform(0.62, 1.0)
        x, y = cx + width / 2 * reach * math.cos(angle), cy + height / 2 * reach * math.sin(angle)
        size, tone = dice.uniform(2, 8), dice.randint(-40, 24)
        pen.ellipse(box(x, y, size, size * 0.8), fill=(146 + tone, 84 + tone // 2, 38 + tone // 4))
    _cut(pen, dice)
    image.paste(crust, (0, 0), mask)


def _cut(pen: ImageDraw.ImageDraw, dice: random.Random) -> None:
    lower = curve((352, 560), (560, 560), (826, 400))
    upper = curve((352, 560), (500, 400), (826, 400))
    pen.polygon(at(lower + upper[::-1]), fill=(232, 194, 134))
    for _ in range(150):
        place = dice.randint(2, 22)
        part = dice.uniform(0.05, 0.95)
        x = lower[place][0] * part + upper[place][0] * (1 - part)
        y = lower[place][1] * part + upper[place][1] * (1 - part)
        tone = dice.randint(-26, 20)
        pen.ellipse(box(x, y, dice.uniform(4, 18), dice.uniform(3, 8)), fill=(222 + tone // 2, 178 + tone, 116 + tone))
    for place in range(2, 23, 3):
        x, y = upper[place]
        pen.line(
            at(curve((x, y), (x + 8, y + 24), (lower[place][0] - 6, lower[place][1] - 8))), fill=(206, 158, 98), width=4
        )
    ear = [(x - 3, y - 16 + 8 * math.sin(place)) for place, (x, y) in enumerate(upper)]
    pen.polygon(at(upper + ear[::-1]), fill=(92, 44, 18))
    pen.line(at(ear), fill=(196, 122, 56), width=7, joint="curve")
    pen.line(at(lower), fill=(124, 66, 28), width=8, joint="curve")


def _knife(image: Image.Image) -> None:
    shadow(image, box(1050, 520, 60, 560), 10, 0.5)
    pen = ImageDraw.Draw(image)
    blade = [(1030, 250), (1062, 236), (1078, 300), (1080, 560), (1036, 560)]
    pen.polygon(at(blade), fill=(206, 212, 216))
    pen.polygon(at([(1062, 236), (1078, 300), (1080, 560), (1064, 560)]), fill=(164, 172, 180))
    for y in range(268, 556, 14):
        pen.polygon(at([(1033, y), (1025, y + 7), (1033, y + 14)]), fill=(206, 212, 216))
    pen.rounded_rectangle(box(1057, 660, 44, 206), 30, fill=(72, 46, 32))
    for y in (600, 660, 720):
        pen.ellipse(box(1057, y, 12, 12), fill=(206, 178, 120))

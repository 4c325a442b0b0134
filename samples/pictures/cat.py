"""An orange cat with a torn ear and white paint on his nose, on a brick wall in the morning, looking at a shed."""

import random

from PIL import Image, ImageDraw, ImageFilter

from samples.pictures.canvas import Colour, at, blank, box, curve, finish, glow, shadow, vertical

WIDTH, HEIGHT = 900, 1200
_ORANGE: Colour = (226, 128, 46)
_DARK: Colour = (178, 86, 26)
_CREAM: Colour = (250, 222, 184)
_PAINT: Colour = (246, 246, 242)


def draw() -> Image.Image:
    """900 x 1200."""
    dice = random.Random(9)
    image = blank(WIDTH, HEIGHT)
    sky = [(0.0, (104, 162, 206)), (0.35, (160, 202, 222)), (0.58, (238, 226, 204)), (1.0, (252, 226, 184))]
    image.paste(vertical(image.size, sky))
    glow(image, (150, 470), 420, (255, 246, 214), 0.85)
    _clouds(image, dice)
    _roofs(image, dice)
    _shed(image)
    _wall(image, dice)
    _cat(image)
    return finish(image, seed=21)


def _clouds(image: Image.Image, dice: random.Random) -> None:
    """Small morning clouds, flat below."""
    eighth = 8
    mask = Image.new("L", (image.width // eighth, image.height // eighth), 0)
    pen = ImageDraw.Draw(mask)
    for x, y, width in ((190, 150, 240), (660, 110, 190), (770, 300, 280), (330, 330, 150)):
        for _ in range(16):
            puff = dice.uniform(36, 84) * width / 240
            px, py = x + dice.uniform(-width / 2, width / 2), y - abs(dice.gauss(0, 20)) - puff / 4
            pen.ellipse([edge / eighth for edge in box(px, py, puff * 1.5, puff)], fill=215)
    mask = mask.filter(ImageFilter.GaussianBlur(2.4)).resize(image.size)
    image.paste((255, 252, 244), (0, 0, *image.size), mask)


def _roofs(image: Image.Image, dice: random.Random) -> None:
    """A row of chimneys and gables in the morning haze."""
    pen = ImageDraw.Draw(image)
    x = -30.0
    while x < WIDTH:
        width, top = dice.uniform(110, 190), dice.uniform(560, 640)
        pen.polygon(
            at([(x, top + 50), (x + width / 2, top), (x + width, top + 50), (x + width, 900), (x, 900)]),
            fill=(126, 138, 158),
        )
        stack = x + dice.uniform(0.2, 0.7) * width
        pen.rectangle((*at([(stack, top - 36)])[0], *at([(stack + 26, top + 50)])[0]), fill=(152, 112, 104))
        for pot in (3, 15):
            pen.rectangle(
                (*at([(stack + pot, top - 50)])[0], *at([(stack + pot + 8, top - 36)])[0]), fill=(184, 122, 98)
            )
        for pane in (0.25, 0.6):
            if dice.random() < 0.6:
                left = x + width * pane
                pen.rectangle((*at([(left, top + 78)])[0], *at([(left + 22, top + 110)])[0]), fill=(92, 106, 130))
        x += width + dice.uniform(-12, 4)


def _shed(image: Image.Image) -> None:
    """Number 9's shed, with its door shut and its small window."""
    pen = ImageDraw.Draw(image)
    pen.polygon(at([(610, 660), (760, 600), (930, 660), (930, 900), (610, 900)]), fill=(74, 96, 92))
    for x in range(624, 920, 26):
        pen.line(at([(x, 664), (x, 900)]), fill=(60, 80, 78), width=4)
    pen.polygon(at([(590, 668), (760, 588), (950, 668), (950, 690), (760, 612), (590, 690)]), fill=(46, 52, 66))
    pen.rectangle((*at([(690, 720)])[0], *at([(780, 900)])[0]), fill=(54, 70, 70), outline=(38, 50, 52), width=5)
    pen.ellipse(box(768, 812, 10, 10), fill=(222, 190, 110))
    pen.rectangle((*at([(812, 716)])[0], *at([(876, 766)])[0]), fill=(40, 48, 62), outline=(198, 204, 196), width=7)
    pen.line(at([(844, 716), (844, 766)]), fill=(198, 204, 196), width=5)


def _wall(image: Image.Image, dice: random.Random) -> None:
    """Bricks in running bond under a row of capstones, with moss."""
    pen = ImageDraw.Draw(image)
    pen.rectangle((*at([(0, 850)])[0], *at([(WIDTH, HEIGHT)])[0]), fill=(120, 104, 96))
    for row, y in enumerate(range(892, HEIGHT, 44)):
        x = -90.0 + (row % 2) * 52
        while x < WIDTH:
            tone = dice.randint(-20, 20)
            low = round((y - 880) * 0.10)
            brick = (158 + tone - low, 84 + tone // 2 - low, 66 + tone // 3 - low)
            pen.rounded_rectangle((*at([(x + 3, y + 3)])[0], *at([(x + 101, y + 41)])[0]), 8, fill=brick)
            pen.line(at([(x + 8, y + 7), (x + 96, y + 7)]), fill=(brick[0] + 20, brick[1] + 16, brick[2] + 14), width=4)
            x += 104
    x = -20.0
    while x < WIDTH:
        width, tone = dice.uniform(120, 170), dice.randint(-8, 10)
        pen.rounded_rectangle(
            (*at([(x, 842)])[0], *at([(x + width - 4, 892)])[0]), 10, fill=(170 + tone, 160 + tone, 150 + tone)
        )
        pen.line(at([(x + 6, 848), (x + width - 10, 848)]), fill=(216, 200, 180), width=6)
        x += width
    for _ in range(170):
        x, moss = dice.choice((dice.gauss(110, 60), dice.gauss(800, 60))), 846 + abs(dice.gauss(0, 10))
        green = dice.randint(100, 146)
        pen.ellipse(box(x, moss, dice.uniform(6, 14), dice.uniform(4, 8)), fill=(green - 30, green, 62))


def _cat(image: Image.Image) -> None:
    """Seated, seen from the front right; his tail hangs down the bricks."""
    shadow(image, box(410, 850, 360, 50), 12, 0.6)
    layer = Image.new("RGB", image.size, _ORANGE)
    mask = Image.new("L", image.size, 0)
    shape = ImageDraw.Draw(mask)
    tail = curve((300, 820), (210, 860), (226, 960)) + curve((226, 960), (240, 1050), (300, 1066))
    for x, y in tail:
        shape.ellipse(box(x, y, 46, 46), fill=255)
    shape.ellipse(box(402, 742, 270, 250), fill=255)
    shape.polygon(at([(302, 700), (352, 560), (480, 560), (524, 720), (520, 850), (300, 850)]), fill=255)
    shape.ellipse(box(432, 516, 216, 184), fill=255)
    shape.polygon(
        at([*curve((344, 486), (338, 410), (350, 384)), *curve((350, 384), (392, 416), (416, 440))]), fill=255
    )
    shape.polygon(at([(452, 436), (500, 398), (512, 418), (507, 428), (524, 420), (528, 500)]), fill=255)
    for x in (378, 462):
        shape.rounded_rectangle(box(x, 790, 60, 150), 56, fill=255)
    pen = ImageDraw.Draw(layer)
    for width, start, bend, end in (
        (20, (270, 720), (320, 700), (338, 730)),
        (20, (264, 770), (322, 744), (340, 778)),
        (18, (276, 816), (320, 796), (334, 820)),
        (18, (540, 700), (500, 690), (492, 716)),
        (18, (542, 756), (500, 744), (496, 770)),
        (16, (318, 640), (356, 640), (366, 662)),
        (16, (510, 640), (490, 634), (478, 650)),
    ):
        pen.line(at(curve(start, bend, end)), fill=_DARK, width=width, joint="curve")
    for place in range(4, len(tail), 8):
        x, y = tail[place]
        pen.line(at([(x - 26, y - 4), (x + 26, y + 4)]), fill=_DARK, width=22)
    pen.ellipse(box(424, 700, 118, 210), fill=_CREAM)
    for offset in (-26, 0, 26):
        pen.line(at([(432 + offset, 428), (432 + offset * 0.8, 462)]), fill=_DARK, width=14)
    for side in (-1, 1):
        for drop in (0, 22):
            pen.line(
                at(curve((432 + side * 108, 520 + drop), (432 + side * 84, 516 + drop), (432 + side * 72, 526 + drop))),
                fill=_DARK,
                width=10,
            )
    pen.ellipse(box(410, 556, 72, 56), fill=_CREAM)
    pen.ellipse(box(456, 556, 72, 56), fill=_CREAM)
    paint = [
        (424, 500),
        (452, 496),
        (470, 540),
        (520, 560),
        (560, 600),
        (556, 690),
        (528, 720),
        (500, 660),
        (470, 610),
        (430, 580),
        (412, 548),
    ]
    pen.polygon(at(paint), fill=_PAINT)
    for x, y, size in ((540, 740, 18), (520, 766, 10), (486, 690, 14), (404, 596, 12), (552, 700, 26), (380, 612, 8)):
        pen.ellipse(box(x, y, size, size), fill=_PAINT)
    light = Image.new("L", (image.width // 8, image.height // 8), 0)
    ImageDraw.Draw(light).polygon(
        [(x / 4, y / 4) for x, y in ((240, 1080), (240, 640), (330, 420), (360, 620), (320, 860))], fill=120
    )
    dusk = light.filter(ImageFilter.GaussianBlur(9)).resize(image.size)
    layer.paste((96, 48, 60), (0, 0, *image.size), dusk)
    image.paste(layer, (0, 0), mask)
    _face(ImageDraw.Draw(image))


def _face(pen: ImageDraw.ImageDraw) -> None:
    for inner in ([(354, 470), (354, 408), (400, 440)], [(474, 440), (498, 418), (514, 470)]):
        pen.polygon(at(inner), fill=(212, 128, 104))
    for x in (392, 474):
        pen.ellipse(box(x, 514, 46, 40), fill=(66, 40, 26))
        pen.ellipse(box(x, 514, 40, 34), fill=(190, 206, 84))
        pen.ellipse(box(x + 8, 514, 13, 31), fill=(24, 22, 24))
        pen.ellipse(box(x + 5, 506, 7, 7), fill=(255, 255, 255))
        pen.line(at(curve((x - 26, 500), (x, 486), (x + 26, 504))), fill=(120, 58, 20), width=9, joint="curve")
    pen.polygon(at([(421, 540), (445, 540), (433, 554)]), fill=(206, 110, 106))
    pen.line(at([(433, 554), (433, 566)]), fill=(110, 56, 40), width=4)
    for side in (-1, 1):
        pen.line(
            at(curve((433, 566), (433 + side * 10, 578), (433 + side * 26, 570))),
            fill=(110, 56, 40),
            width=4,
            joint="curve",
        )
        for lift in (-8, 4, 16):
            start = (433 + side * 34, 560 + lift * 0.5)
            bend = (433 + side * 90, 552 + lift)
            pen.line(
                at(curve(start, bend, (433 + side * 150, 566 + lift * 1.8))),
                fill=(255, 250, 240),
                width=3,
                joint="curve",
            )
    for side, x in ((-1, 378), (1, 462)):
        for edge in (-34, 34):
            if edge * side < 0:
                pen.line(
                    at(curve((x + edge, 760), (x + edge * 0.9, 800), (x + edge, 846))), fill=(198, 104, 34), width=7
                )
        pen.ellipse(box(x, 852, 76, 36), fill=_CREAM)
        for toe in (-12, 8):
            pen.line(at([(x + toe, 850), (x + toe, 866)]), fill=(196, 150, 110), width=4)

"""Pictures as chats hold them, drawn from a number: photographs, written pages, stickers. The same every time."""

import io
import random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def photograph(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Blots of every size with some noise over them, which is what photographs are to a hash."""
    draw = np.random.default_rng(seed)
    seen = np.full((size[1], size[0], 3), 128.0)
    for blots, strength in ((3, 60), (6, 40), (14, 25), (40, 15)):
        rows = max(2, blots * size[1] // size[0])
        blot = Image.fromarray((draw.random((rows, blots, 3)) * 255).astype(np.uint8))
        seen += (np.asarray(blot.resize(size, Image.Resampling.BICUBIC), np.float64) / 128 - 1) * strength
    seen += draw.normal(0, 4, (size[1], size[0], 1))
    return Image.fromarray(seen.clip(0, 255).astype(np.uint8))


def page(seed: int, size: tuple[int, int] = (600, 800)) -> Image.Image:
    """Black lines of words on white; all pages have one layout."""
    choose = random.Random(seed)
    image = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    for y in range(50, size[1] - 60, 24):
        words = ("".join(choose.choices("abcdefghijklmnopqrstuvwxyz", k=choose.randint(2, 9))) for _ in range(12))
        pen.text((50, y), " ".join(words)[:60], fill="black", font=font)
    return image


def sticker(seed: int) -> Image.Image:
    """A yellow face with spots of its own, clear around it."""
    choose = random.Random(seed)
    image = Image.new("RGBA", (512, 512), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.ellipse((40, 40, 470, 470), fill=(255, 210, 60, 255))
    for _ in range(5):
        x, y, side = choose.randint(80, 380), choose.randint(80, 380), choose.randint(20, 100)
        pen.ellipse((x, y, x + side, y + side), fill=(choose.randrange(256), choose.randrange(256), 90, 255))
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()

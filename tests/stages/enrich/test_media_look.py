"""What is known of a picture besides its files: sizes, a preview, and a hash that its copies share."""

import base64
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stages.enrich.media import Picture, store_picture
from stages.enrich.preview import preview_uri
from stages.enrich.similar import DISTANCE, picture_hash
from tests.stages.enrich.pictures import encoded, page, photograph, sticker

Keep = Callable[..., Picture]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    def run(data: bytes, widths: tuple[int, ...] = (1600, 640)) -> Picture:
        return store_picture(data, tmp_path / "media", tmp_path / "work", widths=widths, max_pixels=4_000_000)

    return run


def bits(one: str | None, other: str | None) -> int:
    assert one is not None
    assert other is not None
    return (int(one, 16) ^ int(other, 16)).bit_count()


def shown(uri: str | None) -> Image.Image:
    assert uri is not None
    head, _, body = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(body, validate=True)))


def test_every_file_has_its_size(keep: Keep, tmp_path: Path) -> None:
    made = keep(encoded(photograph(1, (1000, 750))), widths=(800, 400, 200))
    assert made.sizes == ((800, 600), (400, 300), (200, 150))
    assert tuple(Image.open(tmp_path / "media" / file).size for file in made.files) == made.sizes
    assert made.sizes[0] == (made.width, made.height)


@pytest.mark.parametrize(
    "image", [photograph(2, (900, 600)), page(2), sticker(2)], ids=["photograph", "page", "sticker"]
)
def test_a_preview_is_small_and_looks_like_its_picture(keep: Keep, image: Image.Image) -> None:
    made = keep(encoded(image, "PNG"))
    assert made.preview is not None
    assert len(made.preview) <= 600
    small = shown(made.preview)
    assert max(small.size) <= 24
    assert small.width / small.height == pytest.approx(image.width / image.height, rel=0.1)
    assert small.has_transparency_data is image.has_transparency_data
    wanted = np.asarray(image.convert("RGBA").resize(small.size, Image.Resampling.BOX), float)
    seen = np.asarray(small.convert("RGBA"), float)
    opaque = wanted[..., 3] > 250
    assert np.abs(wanted[opaque] - seen[opaque])[..., :3].mean() < 16


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    mode=st.sampled_from(["RGB", "RGBA"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_preview_of_noise_is_small_too(size: tuple[int, int], mode: str, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], len(mode)), np.uint8)
    image = Image.fromarray(noise)
    assert image.mode == mode
    uri = preview_uri(image)
    assert len(uri) <= 600
    assert uri == preview_uri(image)
    shown(uri).load()


def test_what_is_known_is_the_same_when_the_files_are_there(keep: Keep, tmp_path: Path) -> None:
    for data in (encoded(photograph(3)), encoded(sticker(3), "WEBP"), encoded(page(3), "PNG")):
        first = keep(data)
        assert keep(data) == first
        (tmp_path / "media" / first.files[-1]).unlink()
        assert keep(data) == first


def test_a_lost_file_costs_its_preview_alone(keep: Keep, tmp_path: Path) -> None:
    data = encoded(photograph(3))
    first = keep(data)
    for damaged in (b"", b"nothing", (tmp_path / "media" / first.files[-1]).read_bytes()[:200]):
        (tmp_path / "media" / first.files[-1]).write_bytes(damaged)
        again = keep(data)
        assert (again.files, again.preview, again.look) == (first.files, None, None)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, int], tuple[Image.Image, str | None]]:
    """``drawn(draw, seed)``: a picture as it is sent on, without transparency, and the look of its original."""
    folder = tmp_path_factory.mktemp("originals")

    @cache
    def make(draw: Any, seed: int) -> tuple[Image.Image, str | None]:
        image: Image.Image = draw(seed)
        data = encoded(image, "PNG", compress_level=1)
        look = store_picture(data, folder, folder / "work", widths=(1600, 640), max_pixels=4_000_000).look
        if image.mode == "RGBA":
            grey = Image.new("RGBA", image.size, (128, 128, 128, 255))
            grey.alpha_composite(image)
            image = grey.convert("RGB")
        return image, look

    return make


@pytest.mark.parametrize("draw", [photograph, page, sticker], ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("scale", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_a_forwarded_copy_has_nearly_the_same_hash(
    keep: Keep, drawn: Callable[[Any, int], tuple[Image.Image, str | None]], draw: Any, scale: float, quality: int
) -> None:
    for seed in (1, 2):
        image, original = drawn(draw, seed)
        small = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        assert bits(original, keep(encoded(small, quality=quality)).look) <= DISTANCE


def test_copies_of_copies_stay_near(keep: Keep) -> None:
    image = photograph(5, (1200, 900))
    original = keep(encoded(image, quality=92)).look
    for quality in (80, 70, 60, 70, 60):
        image = Image.open(
            io.BytesIO(encoded(image.resize((image.width * 9 // 10, image.height * 9 // 10)), quality=quality))
        )
        assert bits(original, keep(encoded(image)).look) <= DISTANCE


@pytest.mark.parametrize("draw", [photograph, page, sticker], ids=lambda draw: draw.__name__)
def test_different_pictures_of_one_kind_are_far_apart(draw: Any) -> None:
    looks = [picture_hash(draw(seed)) for seed in range(20)]
    assert min(bits(one, other) for at, one in enumerate(looks) for other in looks[:at]) > DISTANCE


def flat() -> dict[str, Image.Image]:
    grain = np.random.default_rng(1).normal(128, 6, (600, 800, 1)).clip(0, 255).astype(np.uint8)
    return {
        "white": Image.new("RGB", (400, 300), "white"),
        "black": Image.new("RGB", (400, 300), "black"),
        "clear": Image.new("RGBA", (400, 300), (0, 0, 0, 0)),
        "one-pixel": Image.new("RGB", (1, 1), "red"),
        "gradient": Image.linear_gradient("L").resize((500, 300)).convert("RGB"),
        "gradient-aside": Image.linear_gradient("L").rotate(90).resize((500, 300)).convert("RGB"),
        "a wall": Image.fromarray(np.repeat(grain, 3, axis=2)),
        "a line": Image.new("RGB", (2000, 1), "white"),
    }


@pytest.mark.parametrize("name", flat())
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_where_nothing_is_seen_there_is_no_hash(keep: Keep, name: str, kind: str) -> None:
    image = flat()[name]
    made = keep(encoded(image if kind == "PNG" else image.convert("RGB"), kind))
    assert made.look is None
    assert made.preview is not None


def test_nearly_empty_pictures_that_differ_are_no_copies(keep: Keep) -> None:
    looks = []
    for x, y in ((100, 100), (300, 100), (100, 300), (300, 350)):
        image = Image.new("RGB", (500, 500), "white")
        image.paste((0, 0, 0), (x, y, x + 60, y + 40))
        looks.append(keep(encoded(image, "PNG")).look)
    assert min(bits(one, other) for at, one in enumerate(looks) for other in looks[:at]) > DISTANCE


def test_the_hash_is_the_same_for_the_same_pixels() -> None:
    look = picture_hash(photograph(7))
    assert look == picture_hash(photograph(7))
    assert look is not None
    assert len(look) == 16
    assert int(look, 16) >= 0

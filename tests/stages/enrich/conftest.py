"""Shapes that the tests of enrichment share: messages as Arrow, and pictures, voice notes and ZIPs made on the spot."""

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pytest


@pytest.fixture(scope="session")
def chat() -> Callable[..., pa.Table]:
    """``chat(texts, media=None)``: one message a text, in order."""

    def make(texts: Sequence[str], media: Sequence[Sequence[str]] | None = None) -> pa.Table:
        return pa.table(
            {
                "seq": pa.array(range(len(texts)), pa.int64()),
                "text": pa.array(texts, pa.string()),
                "media": pa.array([[] for _ in texts] if media is None else media, pa.list_(pa.string())),
            }
        )

    return make


@pytest.fixture(autouse=True)
def _pillows_own_limit() -> Iterator[None]:
    """Pillow's limit of pixels is one number for the process; a test that lowers it gives it back."""
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    yield
    Image.MAX_IMAGE_PIXELS = before

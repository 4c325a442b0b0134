"""An archive made by the stages themselves: messages, what was learnt of their links and files, posts, pages."""

import io
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.archive.records import Enrichment
from stages.archive.schema import MESSAGES
from stages.archive.store import Archive, hold_archive, open_archive
from stages.enrich.candidates import find_candidates, find_mentions
from stages.enrich.media import store_picture
from stages.enrich.store import TaskStore
from stages.settings import Settings
from stages.site.publication import publish_chronicle
from stages.windows.batches import batch_windows
from stages.write.batch import CostLimit, write_batch
from stages.write.outcomes import keep_outcomes
from stages.write.selection import Selection, plan_archive

START = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
PEOPLE = ("Quiet Heron", "Brave Otter", "Calm Fox")
SETTINGS = Settings.model_validate({"site": {"language": "en"}})
KEY = b"k" * 32


def message_id(seq: int) -> str:
    return f"{seq:032x}"


@dataclass(frozen=True)
class Made:
    """An open archive that is filled and published again at will."""

    archive: Archive

    @property
    def site(self) -> Path:
        return self.archive.site.resolve()

    def page(self, name: str) -> str:
        return (self.site / name).read_text(encoding="utf-8")

    def post(self) -> str:
        """The one post's page."""
        [path] = self.site.rglob("posts/**/*.html")
        return path.read_text(encoding="utf-8")

    def learn(self, *known: Enrichment) -> None:
        """Keep results, also of what is known already."""
        store = TaskStore(self.archive.cursor())
        store.renew()
        assert store.complete(known) == len(known)
        self.archive.touch("enrichments")

    def plan(self, settings: Settings = SETTINGS) -> int:
        """How many windows want a post."""
        return plan_archive(str(self.archive.folder), settings=settings, selection=Selection()).todo.num_rows

    def publish(self, settings: Settings = SETTINGS) -> int:
        """Write what wants a post and publish; how many windows were written."""
        folder = str(self.archive.folder)
        todo = plan_archive(folder, settings=settings, selection=Selection()).todo
        for batch in batch_windows(folder, todo, most_windows=10):
            keep_outcomes(self.archive, write_batch(batch, settings=settings, limit=CostLimit(None)).outcomes, "run")
        publish_chronicle(folder, key=KEY, settings=settings, refresh=False)
        return todo.num_rows

    def picture(self, seed: int, size: tuple[int, int], *, quality: int = 90, drawn: bool = False) -> dict[str, Any]:
        """The fields of a stored picture; the same ``seed`` is the same picture, whatever the ``quality``."""
        data = drawing(seed, size, quality, drawn)
        folder = self.archive.media
        stored = store_picture(data, folder, self.archive.work, widths=(1600, 640), max_pixels=10**8)
        return {
            name: getattr(stored, name)
            for name in ("mime", "width", "height", "sha256", "files", "sizes", "preview", "look")
        }

    def fetched(self, url: str, **fields: Any) -> Enrichment:
        """A page that was read, with ``picture=(seed, size)`` for its card."""
        picture = fields.pop("picture", None)
        shown = self.picture(*picture) if picture else {}
        shown.pop("look", None)
        return replace(Enrichment(url, "url", url, fetched=True), **shown, **fields)


@contextmanager
def made(folder: Path, lines: Sequence[str | Mapping[str, Any]]) -> Iterator[Made]:
    """An archive whose messages are ``lines``: a text, or the columns that differ; a minute apart, by three in turn."""
    rows = []
    for seq, line in enumerate(lines):
        given = {"text": line} if isinstance(line, str) else dict(line)
        row = {
            "seq": seq, "message_id": message_id(seq), "ts": START + timedelta(minutes=seq),
            "author": PEOPLE[seq % 3], "kind": "text", "media": [], "reply_to": None, "edited": False, **given,
        }  # fmt: skip
        rows.append(row | {"text_bytes": len(row["text"].encode())})
    with hold_archive(folder) as held, open_archive(held) as archive:
        cursor = archive.cursor()
        cursor.register("given", pa.Table.from_pylist(rows, schema=MESSAGES))
        cursor.execute("INSERT INTO messages SELECT * FROM given")
        TaskStore(cursor).enqueue(find_candidates((cursor, "messages")))
        cursor.register("found", find_mentions((cursor, "messages")))
        cursor.execute("INSERT INTO mentions SELECT * FROM found")
        yield Made(archive)


def drawing(seed: int, size: tuple[int, int], quality: int = 90, drawn: bool = False) -> bytes:
    """Discs of many colours, the same for a seed at every size; ``drawn``: a PNG with clear corners."""
    from PIL import Image, ImageDraw

    chance = random.Random(seed)
    image = Image.new("RGBA", size, (0, 0, 0, 0) if drawn else (chance.randrange(99), 90, chance.randrange(200), 255))
    pen = ImageDraw.Draw(image)
    for _ in range(16):
        x, y, radius = chance.random() * size[0], chance.random() * size[1], chance.uniform(0.05, 0.3) * min(size)
        fill = tuple(chance.randrange(30, 250) for _ in range(3))
        inner = [0.3 * size[0] + 0.4 * x - radius, 0.3 * size[1] + 0.4 * y - radius]
        corner = inner if drawn else [x - radius, y - radius]
        pen.ellipse((*corner, corner[0] + 2 * radius, corner[1] + 2 * radius), fill=fill)
    out = io.BytesIO()
    if drawn:
        image.save(out, "PNG")
    else:
        image.convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()

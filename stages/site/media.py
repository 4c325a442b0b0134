"""Pictures, sound and video of the site: which files there are, and their HTML with sizes known beforehand.

A picture that is still to come is shown by its preview: a few hundred bytes in the page itself, blurred, behind it.
"""

import os
import re
import shutil
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final, NamedTuple

from stages.archive.records import Enrichment
from stages.site.text import clean, one_line, relative
from stages.site.words import Words

FOLDER: Final = "media"

_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_WIDTH: Final = re.compile(r"-(\d{1,5})\.[A-Za-z0-9]+$")
_SHOWN_AS: Final = {
    "webp": "image", "jpg": "image", "jpeg": "image", "png": "image", "gif": "image", "avif": "image",
    "ogg": "audio", "oga": "audio", "opus": "audio", "mp3": "audio", "m4a": "audio",
    "mp4": "video", "webm": "video",
}  # fmt: skip
_POST_SIZES: Final = "(max-width: 46rem) 100vw, 42rem"
_CHAT_SIZES: Final = "(max-width: 30rem) 90vw, 22rem"
_CARD_SIZES: Final = "(max-width: 30rem) 90vw, 24rem"
_CHAT_BOX: Final = (352, 384)
"""Most pixels across and down that a picture takes in the transcript."""
_LASTING: Final = re.compile(r", \d+:\d\d$")
_ICON: Final = 64
"""A page's picture with a side below this many pixels is its site's sign or a counter, and shows nothing."""

PREVIEW: Final = re.compile(r"data:image/webp;base64,UklGR[A-Za-z0-9+/]{6}XRUJQVlA4I[A-Za-z0-9+/]{8,560}={0,2}")
"""A preview of our own making: WebP without transparency, since it stays behind the picture when that has come."""


class CardPicture(NamedTuple):
    """``shape`` is ``wide`` (fit to stand above the words) or ``small`` (beside them)."""

    html: str
    shape: str


class Media:
    """The files that enrichments name and that are there; a record without files still gives kind, name and size."""

    def __init__(self, enrichments: Iterable[Enrichment], folder: Path, words: Words) -> None:
        self._words = words
        self._by_name: dict[str, Enrichment] = {}
        self._by_file: dict[str, Enrichment] = {}
        self._files: dict[str, tuple[str, ...]] = {}
        self._folder = folder
        for record in enrichments:
            if record.kind != "url":
                self._by_name.setdefault(record.value, record)
            elif not record.fetched:
                continue
            present = tuple(name for name in record.files if self._usable(name))
            self._files[record.key] = present
            for name in present:
                self._by_file.setdefault(name, record)

    def publish(self, out: Path) -> int:
        """Link (or copy, across devices) every file to ``out/media``; returns the bytes."""
        total = 0
        for name in sorted(self._by_file):
            source, target = self._folder / name, out / FOLDER / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
            total += target.stat().st_size
        return total

    def picture(self, file: str, alt: str, root: str, *, eager: bool = False, preview: bool = True) -> str | None:
        """A published picture, at most the width of a post; None where there is no such file."""
        record = self.record(file)
        if record is None:
            return None
        described = self._words.described(alt) or self._alt(record)
        return self._img(record, described, root, _POST_SIZES, eager=eager, preview=preview)

    def record(self, file: str) -> Enrichment | None:
        """What is known of a published picture, by one of its files."""
        return self._by_file.get(file) if _kind(file) == "image" else None

    def card(self, page: Enrichment, root: str) -> CardPicture | None:
        """The picture of a page's card, where it has one that shows something."""
        scales = self._scales(page)
        if not scales:
            return None
        _, width, height = scales[0]
        if min(width, height) < _ICON:
            return None
        html = self._img(page, page.alt or self._words["page_picture"], root, _CARD_SIZES)
        return CardPicture(html, "wide" if width >= 1.25 * height and width >= 300 else "small")

    def inline(self, name: str, root: str) -> str:
        """An attachment in the transcript: the thing itself where there is a file for it, else what is known."""
        record = self._by_name.get(name)
        if record is None:
            return self._chip(self._words["file"], name)
        files = self._files[record.key]
        kind = _kind(files[0]) if files else None
        if kind == "image":
            target = root + relative(f"{FOLDER}/{files[0]}")
            picture = self._img(record, self._alt(record), root, _CHAT_SIZES, box=_CHAT_BOX)
            return f'<a class="pic" href="{target}">{picture}</a>'
        if kind in ("audio", "video"):
            target = root + relative(f"{FOLDER}/{files[0]}")
            label = escape(self._alt(record))
            player = f'<{kind} class="av" controls preload="none" src="{target}" aria-label="{label}"></{kind}>'
            return player + self._heard(record)
        size = self._words.size(record.bytes) if record.bytes is not None else ""
        length = self._words.length(record.seconds) if record.seconds is not None else ""
        alt = self._alt(record)
        kind_of_file = _LASTING.sub("", alt) if length else alt
        chip = self._chip(escape(one_line(kind_of_file, 80)), name, _title(record), (length, size))
        return chip + self._heard(record)

    def _img(
        self,
        record: Enrichment,
        alt: str,
        root: str,
        sizes: str,
        *,
        eager: bool = False,
        preview: bool = True,
        box: tuple[int, int] | None = None,
    ) -> str:
        """``<img>``, with its preview behind it where it has one; ``box`` is the room that it may take."""
        known = self._scales(record)
        width, height = known[0][1:] if known and record.sizes else (record.width or 4, record.height or 3)
        scales = known or [(name, 0, 0) for name in self._pictures(record)]
        shown = min(scales, key=lambda scale: (abs(scale[1] - 960), scale[0]))[0]
        if box and (scale := min(box[0] / width, box[1] / height)) < 1:
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        choices = ", ".join(
            f"{root}{relative(f'{FOLDER}/{name}')} {across}w" for name, across, _ in sorted(scales, key=_across)
        )
        srcset = f' srcset="{choices}" sizes="{sizes}"' if len(scales) > 1 else ""
        loading = "" if eager else ' loading="lazy"'
        picture = (
            f'<img src="{root}{relative(f"{FOLDER}/{shown}")}"{srcset} width="{width}" height="{height}" '
            f'alt="{escape(one_line(alt, 300))}"{loading}>'
        )
        if not preview or not record.preview or not PREVIEW.fullmatch(record.preview):
            return picture
        blur = f'<img class="blur" src="{record.preview}" width="{width}" height="{height}" alt="" aria-hidden="true">'
        return f'<span class="frame">{blur}{picture}</span>'

    def _pictures(self, record: Enrichment) -> list[str]:
        return [name for name in self._files[record.key] if _kind(name) == "image"]

    def _scales(self, record: Enrichment) -> list[tuple[str, int, int]]:
        """(file, width, height) of a picture's files that are there, largest first; of an old one by their names."""
        sizes = dict(zip(record.files, record.sizes, strict=False))
        scales = []
        for name in self._pictures(record):
            width, height = sizes.get(name, (_width(name) or 0, 0))
            if width > 0:
                ratio = (record.height or 3) / (record.width or 4)
                scales.append((name, width, height if height > 0 else max(1, round(width * ratio))))
        return scales

    def _chip(self, kind: str, name: str, title: str = "", facts: Iterable[str] = ()) -> str:
        called = f'<span class="called" dir="auto">{escape(title, quote=False)}</span> ' if title else ""
        known = " · ".join(fact for fact in facts if fact)
        said = f" <i>{known}</i>" if known else ""
        return f'<p class="chip"><b>{kind}</b> {called}<bdi>{escape(clean(name[:200]), quote=False)}</bdi>{said}</p>'

    def _heard(self, record: Enrichment) -> str:
        """What a program understood of sound or film, said to be that."""
        if not record.transcript:
            return ""
        words = escape(clean(record.transcript), quote=False)
        return f'<p class="heard"><b>{self._words["heard"]}</b> <span dir="auto">{words}</span></p>'

    def _alt(self, record: Enrichment) -> str:
        kind = record.kind if record.kind in ("image", "audio", "video", "document") else "file"
        return self._words.described(record.alt) if record.alt else self._words[kind]

    def _usable(self, name: str) -> bool:
        path = self._folder / name
        return bool(_SAFE_NAME.fullmatch(name)) and _kind(name) is not None and path.is_file() and not path.is_symlink()


def _kind(file: str) -> str | None:
    return _SHOWN_AS.get(file.rpartition(".")[2].lower())


def _title(record: Enrichment) -> str:
    """What a document calls itself, where that is not its file's name."""
    title = one_line(record.title or "", 160) if record.kind == "document" else ""
    return "" if title == one_line(record.value, 160) else title


def _width(file: str) -> int | None:
    match = _WIDTH.search(file)
    return int(match.group(1)) if match else None


def _across(scale: tuple[str, int, int]) -> int:
    return scale[1]

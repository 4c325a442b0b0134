"""Pictures, sound and video of the site: which files there are, and their HTML with sizes known beforehand."""

import os
import re
import shutil
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final

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


class Media:
    """The files that enrichments name and that are there; a record without files still gives kind, name and size."""

    def __init__(self, enrichments: Iterable[Enrichment], folder: Path, words: Words) -> None:
        self._words = words
        self._by_name: dict[str, Enrichment] = {}
        self._by_file: dict[str, Enrichment] = {}
        self._files: dict[str, tuple[str, ...]] = {}
        self._folder = folder
        for record in enrichments:
            if record.kind == "url":
                continue
            self._by_name.setdefault(record.value, record)
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

    def picture(self, file: str, alt: str, root: str, *, eager: bool = False) -> str | None:
        """``<img>`` of a published picture, at most the width of a post; None where there is no such file."""
        record = self._by_file.get(file)
        if record is None or _kind(file) != "image":
            return None
        return self._img(record, self._words.described(alt) or self._alt(record), root, _POST_SIZES, eager)

    def inline(self, name: str, root: str) -> str:
        """An attachment in the transcript: the thing itself where there is a file for it, else what is known."""
        record = self._by_name.get(name)
        if record is None:
            return self._chip(self._words["file"], name, None)
        files = self._files[record.key]
        kind = _kind(files[0]) if files else None
        if kind == "image":
            target = root + relative(f"{FOLDER}/{files[0]}")
            return (
                f'<a class="pic" href="{target}">{self._img(record, self._alt(record), root, _CHAT_SIZES, False)}</a>'
            )
        if kind in ("audio", "video"):
            target = root + relative(f"{FOLDER}/{files[0]}")
            label = escape(self._alt(record))
            return f'<{kind} class="av" controls preload="none" src="{target}" aria-label="{label}"></{kind}>'
        return self._chip(escape(one_line(self._alt(record), 80)), name, record.bytes)

    def _img(self, record: Enrichment, alt: str, root: str, sizes: str, eager: bool) -> str:
        pictures = [name for name in self._files[record.key] if _kind(name) == "image"]
        widths = [(name, width) for name in pictures if (width := _width(name))]
        shown = pictures[0] if not widths else min(widths, key=lambda pair: (abs(pair[1] - 960), pair[0]))[0]
        scales = ", ".join(
            f"{root}{relative(f'{FOLDER}/{name}')} {width}w" for name, width in sorted(widths, key=_second)
        )
        srcset = f' srcset="{scales}" sizes="{sizes}"' if len(widths) > 1 else ""
        width, height = record.width or 4, record.height or 3
        loading = "" if eager else ' loading="lazy"'
        return (
            f'<img src="{root}{relative(f"{FOLDER}/{shown}")}"{srcset} width="{width}" height="{height}" '
            f'alt="{escape(one_line(alt, 300))}"{loading}>'
        )

    def _chip(self, kind: str, name: str, size: int | None) -> str:
        known = f" <i>{self._words.size(size)}</i>" if size is not None else ""
        return f'<p class="chip"><b>{kind}</b> <bdi>{escape(clean(name[:200]), quote=False)}</bdi>{known}</p>'

    def _alt(self, record: Enrichment) -> str:
        kind = record.kind if record.kind in ("image", "audio", "video", "document") else "file"
        return self._words.described(record.alt) if record.alt else self._words[kind]

    def _usable(self, name: str) -> bool:
        path = self._folder / name
        return bool(_SAFE_NAME.fullmatch(name)) and _kind(name) is not None and path.is_file() and not path.is_symlink()


def _kind(file: str) -> str | None:
    return _SHOWN_AS.get(file.rpartition(".")[2].lower())


def _width(file: str) -> int | None:
    match = _WIDTH.search(file)
    return int(match.group(1)) if match else None


def _second(pair: tuple[str, int]) -> int:
    return pair[1]

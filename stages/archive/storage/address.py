"""Where an archive or an export is: a path, ``file://…``, or ``s3://bucket/prefix``."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from stages.errors import BadInput

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MOST_KEY_BYTES: Final = 700
"""A store takes keys of 1,024 bytes; the rest is for what we put below the prefix."""


@dataclass(frozen=True)
class Address:
    """A prefix (or one object) in a bucket; ``key`` has no slash at either end and may be empty."""

    bucket: str
    key: str

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}" if self.key else f"s3://{self.bucket}"

    @property
    def name(self) -> str:
        """The last part: what the archive is called."""
        return self.key.rpartition("/")[2] or self.bucket

    def below(self, name: str) -> str:
        """The key of something under this prefix."""
        return f"{self.key}/{name}" if self.key else name


def is_remote(text: str) -> bool:
    """Whether this is an address in a store and no path; cheap, and true of schemes that are then refused."""
    found = _SCHEME.match(text)
    return found is not None and found[1].lower() != "file"


def local_path(text: str) -> Path:
    """The path of a plain path or a ``file://`` address. Raises :class:`BadInput` for one on another machine."""
    if not text.lower().startswith("file://"):
        return Path(text)
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise BadInput("A file address is written file:///absolute/path; one on another machine is not reached.")
    return Path(unquote(parts.path))


def parse_address(text: str) -> Address:
    """Take ``s3://bucket/prefix`` apart; nothing in it is decoded. Raises :class:`BadInput`, never with a key in it."""
    scheme, _, rest = text.partition("://")
    if scheme.lower() != "s3":
        raise BadInput(f"There is no storage {scheme[:20]}://; an address is a path, file:///… or s3://bucket/prefix.")
    bucket, _, key = rest.partition("/")
    if "@" in bucket:
        raise BadInput(
            "An address of a store holds no key; set STREAMLINER_STORAGE__ACCESS_KEY_ID and …SECRET_ACCESS_KEY."
        )
    if not _BUCKET.fullmatch(bucket):
        raise BadInput(f"s3://{bucket[:70]} names no bucket; an address is written s3://bucket/prefix.")
    key = key.strip("/")
    pieces = key.split("/") if key else []
    unfit = any(piece in ("", ".", "..") or not piece.isprintable() for piece in pieces)
    if unfit or len(key.encode(errors="replace")) > _MOST_KEY_BYTES:
        raise BadInput(f"The address in the bucket {bucket!r} has a part that is empty, '..' or too long; correct it.")
    return Address(bucket, key)

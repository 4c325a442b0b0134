"""Bodies: which types are taken, decompression that cannot swell, and a look at what comes without a type."""

import re
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from stages.resilience.errors import PermanentError, TransientError

ENCODINGS: Final = "gzip, deflate"
"""What we decompress ourselves, and so all that we ask for: the rest has no bounded decompression here."""

_STEP: Final = 1 << 18
_MOST_MEMBERS: Final = 100
_TYPE: Final = re.compile(r"\s*([\w!#$&^.+-]+/[\w!#$&^.+-]+)", re.ASCII)
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*[\"']?\s*([\w.:+-]+)", re.IGNORECASE | re.ASCII)
# what servers send where they do not know
_NO_TYPE: Final = frozenset(("", "application/octet-stream", "binary/octet-stream", "unknown/unknown"))
_MARKUP: Final = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,400}?-->\s*)*<(?:!doctype\s+html|html|head|title|meta|body)\b",
    re.IGNORECASE | re.DOTALL,
)


class Wanted(NamedTuple):
    """A kind of content: the types taken, what the request says it accepts, and what it is called in a sentence."""

    types: frozenset[str]
    accept: str
    name: str


PAGE: Final = Wanted(
    frozenset(("text/html", "application/xhtml+xml", "text/plain", "application/pdf")),
    "text/html,application/xhtml+xml,text/plain;q=0.8,application/pdf;q=0.8",
    "a page",
)
PICTURE: Final = Wanted(
    frozenset(
        (
            *("image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/x-png", "image/apng", "image/gif"),
            *("image/webp", "image/avif", "image/bmp", "image/x-ms-bmp", "image/tiff"),
        )
    ),
    "image/webp,image/avif,image/png,image/jpeg,image/gif",
    "a picture that can be read",
)
_HEIC: Final = frozenset(("image/heic", "image/heif"))


def picture_types() -> Wanted:
    """The pictures that can be read here: HEIC where its reader is installed."""
    from importlib.util import find_spec

    return PICTURE._replace(types=PICTURE.types | _HEIC) if find_spec("pillow_heif") else PICTURE


@lru_cache(256)
def declared(header: str | None) -> tuple[str, str | None]:
    """Type (lower case, empty where none is said) and charset of a Content-Type header."""
    if not header:
        return "", None
    mime = _TYPE.match(header)
    charset = _CHARSET.search(header)
    return (mime[1].lower() if mime else ""), (charset[1] if charset else None)


def check_type(mime: str, wanted: Wanted) -> None:
    """Raises :class:`PermanentError` for a type that is not wanted; what has none is looked at later."""
    if mime not in wanted.types and mime not in _NO_TYPE:
        raise PermanentError(f"The link does not lead to {wanted.name}.")


def actual_type(mime: str, body: bytes, wanted: Wanted) -> str:
    """The type as declared or, where none is, as the first bytes say. Raises :class:`PermanentError`."""
    if mime not in _NO_TYPE:
        return mime
    seen = _sniffed(body[:1024], text=not mime)
    if seen not in wanted.types:
        raise PermanentError(f"The link does not lead to {wanted.name}.")
    return seen


def _sniffed(head: bytes, text: bool) -> str:
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:12] == b"ftypavif":
        return "image/avif"
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "text/html"
    # text has no control characters but tabs and line ends; a download of unknown type is never taken for text
    if text and not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", head):
        return "text/plain"
    return ""


def decoder(encoding: str) -> "Decoder":
    """The decompressor for a Content-Encoding. Raises :class:`PermanentError` for one that was not asked for."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return Decoder(None)
    if name in ("gzip", "x-gzip"):
        return Decoder(lambda _: zlib.decompressobj(zlib.MAX_WBITS | 16))
    if name == "deflate":
        return Decoder(_deflate)
    raise PermanentError("The site compressed its answer in a way that it was not asked for.")


def _deflate(head: bytes) -> "zlib._Decompress":
    # the standard means zlib's form, many servers send the bare one
    zlib_form = len(head) >= 2 and head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if zlib_form else -zlib.MAX_WBITS)


class Decoder:
    """Decompresses piece by piece, never more than 256 KiB at a time, whatever the ratio."""

    def __init__(self, make: "Callable[[bytes], zlib._Decompress] | None") -> None:
        self._make = make
        self._inflate: zlib._Decompress | None = None
        self._head = b""
        self._members = 0
        self._over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that these bytes bring. Raises :class:`PermanentError` for damaged ones."""
        if self._make is None:
            yield data
            return
        data, self._head = self._head + data, b""
        more = False
        while (data or more) and not self._over:
            if self._inflate is None:
                if self._members:
                    data = data.lstrip(b"\0")  # padding between the members of a gzip stream
                if len(data) < 2:
                    self._head = data
                    return
                # what follows a whole stream and is none is nobody's
                self._over = bool(self._members) and (data[:2] != b"\x1f\x8b" or self._members >= _MOST_MEMBERS)
                if self._over:
                    return
                self._inflate = self._make(data)
                self._members += 1
            try:
                piece = self._inflate.decompress(data, _STEP)
            except zlib.error:
                raise PermanentError("The site's answer is damaged: it cannot be decompressed.") from None
            # a full piece may leave output behind when all input is taken
            more = len(piece) == _STEP and not self._inflate.eof
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                data, self._inflate = self._inflate.unused_data, None
            if piece:
                yield piece

    def finish(self) -> None:
        """Raises :class:`TransientError` where the stream broke off."""
        if self._inflate is not None or (self._head and not self._members):
            raise TransientError("The site's answer broke off.")

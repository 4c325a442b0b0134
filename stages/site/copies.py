"""Pictures of one post that look the same: a forwarded picture is recompressed, and one look at it is enough."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stages.enrich.similar import near_duplicates
from stages.site.media import Media

if TYPE_CHECKING:
    from markdown_it.token import Token

_SCHEME: Final = "media:"
_LOOK: Final = re.compile(r"[0-9a-f]{16}")


@dataclass
class Copies:
    """Pictures of one look: the ``best`` file of them, and the messages that a post shows them from."""

    best: str
    sources: set[str] = field(default_factory=set)
    shown: bool = False

    @property
    def messages(self) -> int:
        return len(self.sources)


def media_name(child: "Token") -> str | None:
    """The file that a picture of Markdown names."""
    source = str(child.attrGet("src") or "")
    return source.removeprefix(_SCHEME) if source.startswith(_SCHEME) else None


def pictures_of(tokens: "Sequence[Token]", media: Media) -> Mapping[str, Copies]:
    """The pictures that begin a paragraph, by their file; those that look the same share one entry.

    Time grows with the pictures of the post.
    """
    sources: dict[str, set[str]] = {}
    for token in tokens:
        children = token.children or []
        name = media_name(children[0]) if children and children[0].type == "image" else None
        if name and media.record(name):
            links = (str(child.attrGet("href") or "") for child in children if child.type == "link_open")
            sources.setdefault(name, set()).update(link for link in links if link.startswith("message:"))
    files = list(sources)
    records = [record for name in files if (record := media.record(name))]
    looks = [record.look if record.look and _LOOK.fullmatch(record.look) else None for record in records]
    pixels = [(record.width or 0) * (record.height or 0) for record in records]
    copies = {name: Copies(name, found) for name, found in sources.items()}
    if sum(look is not None for look in looks) > 1:
        for group in near_duplicates(looks, pixels):
            of_one_look = Copies(files[group.representative])
            for member in group.members:
                of_one_look.sources |= sources[files[member]]
                copies[files[member]] = of_one_look
    return copies

"""The Atom feed: the newest posts in full. Addresses are relative to the feed itself, since no host is known."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree

from stages.site.text import clean, one_line
from stages.site.views import PostView

NEWEST: Final = 30
"""How many posts the feed holds."""

_ATOM: Final = "http://www.w3.org/2005/Atom"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:streamliner:chronicle")


def feed(title: str, language: str, entries: Sequence[tuple[PostView, str]], updated: datetime | None) -> str:
    """XML of the feed from (post, its HTML with addresses relative to the site's root), newest first.

    Ids are made from titles and paths of posts alone, so that they are the same wherever the site is put.
    """
    root = ElementTree.Element("feed", {"xmlns": _ATOM, "xml:lang": language})
    _add(root, "id", _urn(f"feed:{title}"))
    _add(root, "title", one_line(title, 200))
    moments = [post.source.date for post, _ in entries] or [updated or datetime(1970, 1, 1, tzinfo=UTC)]
    _add(root, "updated", _stamp(max(moments)))
    ElementTree.SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": "feed.xml"})
    ElementTree.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": "index.html"})
    _add(ElementTree.SubElement(root, "author"), "name", one_line(title, 200))
    for post, html in entries:
        entry = ElementTree.SubElement(root, "entry")
        _add(entry, "id", _urn(f"post:{post.source.path}"))
        _add(entry, "title", post.title)
        ElementTree.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": post.url})
        _add(entry, "published", _stamp(post.source.date))
        _add(entry, "updated", _stamp(post.source.date))
        for alias, _ in post.people:
            _add(ElementTree.SubElement(entry, "contributor"), "name", alias)
        for topic in post.tags:
            ElementTree.SubElement(entry, "category", {"term": topic.name})
        if post.dek:
            _add(entry, "summary", post.dek)
        content = ElementTree.SubElement(entry, "content", {"type": "html"})
        content.text = clean(html)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _urn(key: str) -> str:
    return uuid.uuid5(_NAMESPACE, key).urn


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""What was read of a page, as plain text."""

from dataclasses import dataclass, fields, replace
from typing import Any, Final

from stages.enrich.pages.clean import clean_line, clean_text

TITLE_LENGTH: Final = 300
SITE_LENGTH: Final = 100
DESCRIPTION_LENGTH: Final = 1_000
TEXT_LENGTH: Final = 20_000


@dataclass(frozen=True)
class PageFacts:
    """What a page says of itself; None where it does not.

    ``title`` (300 characters at most), ``site`` (100) and ``description`` (1,000) are one line each, ``text`` (20,000)
    a line a paragraph. ``language``: a tag such as ``pt`` or ``pt-BR``; ``published``: ``YYYY-MM-DD``. ``picture`` and
    ``canonical`` are absolute http(s) addresses without a user name. No field holds markup, control characters or
    marks that turn the direction of text.
    """

    title: str | None = None
    site: str | None = None
    description: str | None = None
    text: str | None = None
    language: str | None = None
    published: str | None = None
    picture: str | None = None
    canonical: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of(cls, values: dict[str, Any]) -> "PageFacts":
        """From a dictionary made by :meth:`as_dict`. ``ValueError`` where it is none."""
        if not isinstance(values, dict) or set(values) != NAMES:
            raise ValueError("not the facts of a page")
        if not all(value is None or isinstance(value, str) for value in values.values()):
            raise ValueError("not the facts of a page")
        return cls(**values)


NAMES: Final = frozenset(field.name for field in fields(PageFacts))
NOTHING: Final = PageFacts()
"""The facts of a page that says nothing."""


def cleaned(facts: PageFacts) -> PageFacts:
    """The same facts as people may read them. Linear in the lengths allowed, whatever came in."""
    return replace(
        facts,
        title=clean_line(facts.title, TITLE_LENGTH),
        site=clean_line(facts.site, SITE_LENGTH),
        description=clean_line(facts.description, DESCRIPTION_LENGTH),
        text=clean_text(facts.text, TEXT_LENGTH),
    )

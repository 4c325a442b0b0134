"""A page in at most 300 characters of its own words."""

from typing import Final

from stages.enrich.pages.clean import clean_line, cut
from stages.enrich.pages.facts import PageFacts
from stages.enrich.pages.plain import is_plain
from stages.enrich.pages.sentences import best_sentences, split_sentences, weight
from stages.enrich.pages.walls import is_noise

LENGTH: Final = 300
_ENOUGH: Final = 40
"""Letters of an alphabet from which a description says something."""
_LISTED: Final = 5
"""Commas without a sentence's end from which a description is a list of search words."""


def gist(facts: PageFacts, language: str) -> str | None:
    """The page's own description where it says something, else the best sentences of its text; None where neither is.

    At most 300 characters on one line; what is longer ends in an ellipsis, between words where the script has them.
    ``language`` is the reader's: a page is told in its own words whatever that is, so nothing depends on it yet. The
    same facts give the same words. Cost: linear in the first 60 sentences, some 8 ms.
    """
    described = _honest(facts)
    if described is not None and weight(described) >= _ENOUGH:
        return cut(described, LENGTH)
    sentences = [
        sentence for sentence in split_sentences(facts.text or "") if not is_noise(sentence) and is_plain(sentence)
    ]
    best = best_sentences(sentences, facts.title, LENGTH)
    if best is not None:
        return clean_line(best, LENGTH)
    return cut(described, LENGTH) if described else None


def _honest(facts: PageFacts) -> str | None:
    """The description without sentences that hold addresses, markup or orders; None where it only repeats the title or
    the site's name, is housekeeping, or a list of search words."""
    described = facts.description
    if not described or is_noise(described):
        return None
    if not is_plain(described):
        described = " ".join(filter(is_plain, split_sentences(described)))
    plain = described.strip(" .…").casefold()
    for said in (facts.title, facts.site):
        if said and plain == said.strip(" .…").casefold():
            return None
    if described.count(",") >= _LISTED and not any(sign in described for sign in ".!?…。！？।؟") and facts.text:
        words = described.replace(",", " , ").split()
        if 3 * described.count(",") >= len(words) - described.count(","):
            return None
    return described or None

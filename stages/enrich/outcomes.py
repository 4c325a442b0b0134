"""What becomes of links: what is kept of each, and what a run did with all of them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from stages.archive.records import Enrichment, Failure
from stages.enrich.store import Task
from stages.resilience.errors import CallError

if TYPE_CHECKING:
    from stages.enrich.fetch import FetchUsage

Outcome: TypeAlias = Enrichment | Failure

READ: Final = "The page was read, but "
"""How the reason of a link begins that is shown by its page's own words, for no model told of it."""

WITHOUT_WORDS: Final = ("The picture is shown without a ", "The recording is there without a ")
"""How the reason of a picture, and of a sound or film, begins that is stored, for no model told of it."""

_SHOWN: Final = "; it is shown by its own words."
_TITLE_LENGTH: Final = 120


@dataclass
class LinkUsage:
    """What a run did with its links: ``pages`` read, ``pictures`` stored, ``remembered`` pages that were not fetched,
    ``altered`` links that hold a pseudonym. ``offline``: it was found that there is no network.

    ``described`` pages have a model's words, ``recalled`` of these were told before and cost no call; ``undescribed``
    are shown by their own although a model was to be asked, ``to_describe`` of these wait for another run.
    """

    pages: int = 0
    pictures: int = 0
    remembered: int = 0
    altered: int = 0
    offline: bool = False
    described: int = 0
    recalled: int = 0
    undescribed: int = 0
    to_describe: int = 0
    fetch: "FetchUsage | None" = None

    @property
    def requests(self) -> int:
        """Requests that were sent to sites: pages, pictures, redirects, second tries, robots.txt."""
        return self.fetch.requests if self.fetch else 0

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report. ``breakers`` holds the sites whose breaker is not closed."""
        told: dict[str, Any] = {"pages": self.pages, "pictures": self.pictures, "remembered": self.remembered}
        told |= {"altered": self.altered, "offline": self.offline}
        told |= {"described": self.described, "recalled": self.recalled}
        told |= {"undescribed": self.undescribed, "to_describe": self.to_describe}
        return told | (self.fetch.as_json() if self.fetch else {})


@dataclass(frozen=True)
class LinksRead:
    """``outcomes`` in the order of the tasks, and what calls to a model they took; ``cost_usd`` None where unknown."""

    outcomes: list[Outcome] = field(default_factory=list)
    calls: int = 0
    cost_usd: float | None = 0.0


def recorded(task: Task) -> Enrichment:
    """A link as it is written: host and path say where it leads, nothing is claimed of what is there."""
    return Enrichment(task.key, task.kind, task.value, title=spelt(task.value))


def undescribed(known: Enrichment, error: CallError) -> Failure:
    """A link whose page was read and is ``known`` by its own words, while no model could be made to tell of it."""
    why = str(error).removesuffix(".")
    return Failure(known.key, error.error_class, f"{READ}{why[:1].lower()}{why[1:]}{_SHOWN}", known)


def untold(task: Task, stored: Enrichment, error_class: str, why: str) -> Failure:
    """A picture, sound or film that is ``stored``, while no model could be made to tell of it, for a reason in a
    sentence. What the store has already is kept: it may be words of an earlier run, which are being made anew."""
    picture, recording = WITHOUT_WORDS
    wanted = "description" if task.kind == "image" else "transcript"
    shown = f"{picture if task.kind == 'image' else recording}{'new ' if task.known else ''}{wanted}"
    reason = f"{shown}: {why[:1].lower()}{why[1:]}"
    return Failure(task.key, error_class, reason, None if task.known else stored)


def spelt(link: str) -> str:
    """Host and path of a link, in at most 120 characters."""
    address = link.partition("://")[2] or link
    host, slash, path = address.partition("#")[0].partition("?")[0].partition("/")
    host = host.rpartition("@")[2].lower()
    title = f"{host}{slash}{path}".rstrip("/")
    return title if len(title) <= _TITLE_LENGTH else title[: _TITLE_LENGTH - 1] + "…"

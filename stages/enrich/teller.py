"""Pictures, sound and film of a run told by models: each asked about once, and what no model says left as it is.

The calls of a batch go on beside each other in the event loop of that batch; how many of a run are under way at once is
``llm.concurrency``, whichever model they go to, and so is how many files are held in memory for them.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stages.archive.records import Enrichment
from stages.enrich.content import content_name
from stages.enrich.links import Doors
from stages.enrich.once import KnownWords, Once, Words
from stages.enrich.outcomes import Outcome, untold
from stages.enrich.store import Task
from stages.enrich.telling import told_by_models
from stages.resilience.errors import CallError, RefusedError
from stages.resilience.gates import ConcurrencyGate
from stages.settings import Settings

if TYPE_CHECKING:
    from stages.llm import Door

_STOPPED: Final = "The run was stopped before a model was asked about this file; it waits for the next one."


@dataclass
class TellingUsage:
    """What a run did with its files: ``pictures`` and ``sounds`` of which a model was asked and answered, ``copies``
    that share another's words, ``waiting`` of which no model was asked, or not to the end."""

    pictures: int = 0
    sounds: int = 0
    copies: int = 0
    waiting: int = 0


class Teller:
    """Asks models about the files of a run, from any thread.

    ``language``: the code of the one in which pictures are described. ``conceal`` hides the chat's people in what
    models say. ``doors``: where models are asked. ``known``: what the archive knows already. ``stopped``: once it is
    set, nothing more is asked.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        media_dir: Path,
        conceal: Callable[[str], str],
        doors: Doors,
        language: str = "en",
        known: Iterable[KnownWords] = (),
        stopped: threading.Event | None = None,
    ) -> None:
        self.settings = settings
        self.media = media_dir
        self.conceal = conceal
        self.doors = doors
        self.language = language
        self.once = Once(known)
        self.gate = ConcurrencyGate(settings.llm.concurrency)
        self.usage = TellingUsage()
        self._stopped = stopped or threading.Event()
        self._lock = threading.Lock()

    def model_of(self, kind: str) -> str | None:
        """The model that is asked about files of this kind."""
        llm = self.settings.llm
        return llm.vision_model if kind == "image" else llm.transcription_model if kind in ("audio", "video") else None

    def tells(self, kind: str) -> bool:
        """Whether any model is asked about files of this kind."""
        return self.model_of(kind) is not None

    def begin(self) -> "BatchTeller":
        """The calls of one batch; to be used in one event loop."""
        return BatchTeller(self)

    def check(self) -> None:
        """Raises :class:`RefusedError` where nothing more is to be asked."""
        if self._stopped.is_set():
            raise RefusedError(_STOPPED)

    def count(self, kind: str, *, copy: bool = False) -> None:
        """One more file is told."""
        with self._lock:
            if copy:
                self.usage.copies += 1
            elif kind == "image":
                self.usage.pictures += 1
            else:
                self.usage.sounds += 1

    def count_waiting(self) -> None:
        """One more file waits to be told."""
        with self._lock:
            self.usage.waiting += 1

    def breakers(self) -> dict[str, str | None]:
        """Of each of the two models that is configured, whether it is being asked."""
        from stages.llm import Door

        kinds = {"vision": "image", "transcription": "audio"}
        return {
            name: Door(settings).breaker_state
            for name, kind in kinds.items()
            if (settings := self.settings_for(kind)) is not None
        }

    def settings_for(self, kind: str) -> Settings | None:
        """The settings with this kind's model in place of the writer's."""
        model = self.model_of(kind)
        if model is None:
            return None
        return self.settings.model_copy(update={"llm": self.settings.llm.model_copy(update={"model": model})})


class BatchTeller:
    """The calls about the files of one batch, and what they cost."""

    def __init__(self, run: Teller) -> None:
        self._run = run
        self._doors: dict[str, Door] = {}

    @property
    def calls(self) -> int:
        """Calls that were sent."""
        return sum(door.usage.calls for door in self._doors.values())

    @property
    def cost_usd(self) -> float | None:
        """What they cost; None where unknown."""
        costs = [door.usage.cost_usd for door in self._doors.values()]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    async def tell(self, task: Task, stored: Enrichment) -> Outcome:
        """The file with a model's words, or as it is where no model is asked about it; where the call failed, a
        failure beside which it stays known. Never raises but for cancellation."""
        try:
            words = await self._words(stored)
        except CallError as error:
            if isinstance(error, RefusedError):
                self._run.count_waiting()
            return untold(task, stored, error.error_class, str(error))
        except Exception as error:  # noqa: BLE001 - one file of a thousand must not cost the others
            reason = f"The model could not be asked about this file ({type(error).__name__})."
            return untold(task, stored, "transient", reason)
        if words is None:
            return stored
        if stored.kind == "image":
            return replace(stored, alt=words.text, told_by=words.by)
        return replace(stored, transcript=words.text, told_by=words.by)

    async def _words(self, stored: Enrichment) -> Words | None:
        if stored.told_by is not None or stored.sha256 is None or not self._run.tells(stored.kind):
            return None
        found, mine = self._run.once.take(stored.sha256, stored.look)
        if isinstance(found, Words):
            self._run.count(stored.kind, copy=True)
            return found
        if not mine:
            words = await asyncio.wrap_future(found)
            if words is not None:
                self._run.count(stored.kind, copy=True)
            return words
        try:
            words = await self._ask(stored)
        except BaseException as error:
            given_up = RefusedError("Another copy of this file was being asked about when the run gave up; it waits.")
            found.set_exception(error if isinstance(error, Exception) else given_up)
            raise
        found.set_result(words)
        if words is not None:
            self._run.count(stored.kind)
        return words

    async def _ask(self, stored: Enrichment) -> Words | None:
        """Ask the model that this kind has. None where it is not to be asked about this file."""
        run, door = self._run, self._door(stored.kind)
        async with run.gate.hold():
            run.check()
            said = await (self._seen(stored, door) if stored.kind == "image" else self._heard(stored, door))
        return None if said is None else Words(said or None, door.model)

    async def _seen(self, stored: Enrichment, door: "Door") -> str | None:
        from stages.enrich.describe import describe_picture

        if not stored.files:
            return None
        run = self._run
        return await describe_picture(
            run.media / stored.files[0],
            door,
            run.language,
            conceal=run.conceal,
            max_pixels=run.settings.enrich.picture_max_pixels,
        )

    async def _heard(self, stored: Enrichment, door: "Door") -> str | None:
        from stages.enrich.describe import transcribe

        assert stored.sha256 is not None
        sound = self._run.media / content_name(stored.sha256, stored.value)
        # the interface's language says nothing of who speaks, and a wrong one makes nonsense: the model finds out
        return await transcribe(sound, stored.mime or "", door, conceal=self._run.conceal, seconds=stored.seconds)

    def _door(self, kind: str) -> "Door":
        settings = self._run.settings_for(kind)
        assert settings is not None
        if settings.llm.model not in self._doors:
            self._doors[settings.llm.model] = self._run.doors.door(settings)
        return self._doors[settings.llm.model]


def calls_of(tasks: Sequence[Task], settings: Settings) -> int:
    """How many calls to a model a batch of these has in flight at most."""
    told = told_by_models(settings)
    return min(sum(task.kind in told for task in tasks), settings.llm.concurrency)


def media_to_tell(tasks: Iterable[Task], settings: Settings) -> bool:
    """Whether any of them is a file that a configured model is asked about."""
    told = told_by_models(settings) - {"url"}
    return any(task.kind in told for task in tasks)


def is_stored(known: Enrichment, media_dir: Path) -> bool:
    """Whether all that was made of a picture, a sound or a film still lies under ``media_dir``."""
    names = known.files
    if known.kind in ("audio", "video"):
        names = (content_name(known.sha256, known.value),) if known.sha256 else ()
    return bool(names) and all((media_dir / name).is_file() for name in names)

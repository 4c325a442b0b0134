"""Posts from windows: ask, check, ask once more, and let the offline writer take what stays unusable.

Nothing here writes to disk. A window whose call was never sent, because the server is left alone or the money is
spent, has no outcome at all: it stays as it was and the next run takes it up.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from stages.llm.destination import EXTRACTIVE
from stages.llm.door import Door
from stages.resilience.errors import CallError, ContextTooLongError, InvalidAnswerError, RefusedError
from stages.windows.split import split_window
from stages.write.budget import Budget
from stages.write.prompts import repair_prompt, window_prompt
from stages.write.quiet import is_quiet
from stages.write.schema import Post
from stages.write.signature import signature
from stages.write.validate import BadAnswer, read_answer
from stages.write.window import RenderedWindow, WindowInput, render_window

__all__ = ["WindowInput", "WindowOutcome", "signature", "write_windows"]

_NOTES: Final = {
    "pt": "O modelo {model} respondeu duas vezes de forma que não pôde ser usada; "
    "este texto foi composto pelo redator offline.",
    "en": "The model {model} answered twice in a way that could not be used; "
    "this post was put together by the offline writer.",
}


@dataclass(frozen=True)
class WindowOutcome:
    """What became of a window. ``by`` is the model whose answer was kept; ``error`` is one sentence."""

    index: int
    signature: str
    status: Literal["written", "quiet", "failed"]
    posts: tuple[Post, ...]
    by: str
    error: str | None = None


async def write_windows(windows: Sequence[WindowInput], door: Door) -> list[WindowOutcome]:
    """Write the posts of some windows, as many at once as the door lets through.

    One outcome a window, in the order given; windows whose calls were not sent (breaker open, cost limit) are left
    out. Cost: rendering and checking linear in the text, a call a window, one more where its answer cannot be used; a
    window larger than what the model's context leaves it (:class:`Budget`) is written in parts, a call each.
    """
    budget = Budget(door.settings.llm)
    outcomes = await asyncio.gather(*(_write(window, door, budget) for window in windows))
    return [outcome for outcome in outcomes if outcome is not None]


async def _write(window: WindowInput, door: Door, budget: Budget) -> WindowOutcome | None:
    try:
        parts = [post for part in _parts(window, budget) for post in await _posts(window, part, door, budget)]
    except RefusedError:
        return None
    except CallError as error:
        return WindowOutcome(window.index, window.signature, "failed", (), door.model, str(error))
    posts = tuple(post for post, _ in parts)
    offline = all(by == EXTRACTIVE for _, by in parts)
    by = EXTRACTIVE if parts and offline else door.model
    return WindowOutcome(window.index, window.signature, "written" if posts else "quiet", posts, by)


def _parts(window: WindowInput, budget: Budget) -> list[tuple[WindowInput, RenderedWindow]]:
    """The window rendered, or its parts where it is larger than one prompt may be; quiet ones are left out."""
    rendered = render_window(window)
    if is_quiet(rendered):
        return []
    pieces = budget.parts(window.messages, rendered, window.language)
    if len(pieces) == 1:
        return [(window, rendered)]
    return [part for piece in pieces for part in _parts(replace(window, messages=piece), budget)]


async def _posts(
    window: WindowInput, part: tuple[WindowInput, RenderedWindow], door: Door, budget: Budget
) -> list[tuple[Post, str]]:
    """(post, model) of one part; a part that the model finds too long is halved until it fits."""
    piece, rendered = part
    try:
        return await _ask(rendered, window.language, door)
    except ContextTooLongError:
        if piece.messages.num_rows < 2:
            raise
    tables = split_window(piece.messages, 2)
    halves = [half for table in tables for half in _parts(replace(piece, messages=table), budget)]
    return [post for half in halves for post in await _posts(window, half, door, budget)]


async def _ask(rendered: RenderedWindow, language: str, door: Door) -> list[tuple[Post, str]]:
    """Ask for the posts of one prompt; a second time with what was wrong; then the offline writer takes it."""
    asked = prompt = window_prompt(rendered, language)
    for _ in range(2):
        answer = ""
        try:
            answer = (await door.complete(prompt)).text
            return [(post, door.model) for post in read_answer(answer, rendered)]
        except (BadAnswer, InvalidAnswerError) as error:
            if door.offline:
                raise
            prompt = repair_prompt(asked, answer, str(error))
    posts = read_answer(door.complete_offline(asked).text, rendered)
    return [(_noted(post, door.model), EXTRACTIVE) for post in posts]


def _noted(post: Post, model: str) -> Post:
    note = _NOTES.get(post.language, _NOTES["en"]).format(model=model)
    return post.model_copy(update={"note": note})

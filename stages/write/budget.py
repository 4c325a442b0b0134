"""How much of a chat one prompt may hold: what a model's context leaves beside the rules and the answers."""

from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stages.llm.context import ModelContext, model_context
from stages.settings import LlmSettings
from stages.windows.split import split_to_fit
from stages.write.prompts import repair_prompt, window_prompt
from stages.write.window import RenderedWindow

DEFAULT_TOKENS: Final = 40_000
"""Most tokens of a window for a model of unknown context, the offline writer too: a quarter of 160,000 bytes."""
_FRAME: Final = 32
"""Tokens of the marks around a chat and of the day that a part begins with."""
_ROLES: Final = 64
"""Tokens that stand around each message of a prompt, and that say what was wrong with an answer."""
_REFUSED: Final = 8_000
"""Most tokens of a refused answer, of which 20,000 characters are sent back."""


class Budget:
    """What one prompt to the model of ``settings`` may hold of a window; ``context`` where more is known of the model.

    Of a context that is known, room is kept for what else is sent (rules, facts, a refused answer and why) and for the
    answer, and a fifth of the rest where the tokens are counted by another model's tokenizer; but never is less than a
    quarter of the context left to the chat. Else :data:`DEFAULT_TOKENS`, of four bytes each.
    """

    def __init__(self, settings: LlmSettings, context: ModelContext | None = None) -> None:
        self._settings = settings
        self._given = context

    @cached_property
    def _context(self) -> ModelContext:
        return self._given or model_context(self._settings.model)

    def parts(self, messages: pa.Table, rendered: RenderedWindow, language: str) -> list[pa.Table]:
        """The window's messages, cut into the fewest even parts where their block is too large for one prompt.

        ``rendered``: what these ``messages`` became. One count over its lines, none where its bytes alone show that it
        fits; linear.
        """
        size, known = len(rendered.block.encode("utf-8")), self._context.tokens
        if messages.num_rows < 2 or size <= (4 * DEFAULT_TOKENS if known is None else known // 4):
            return [messages]
        limit = DEFAULT_TOKENS if known is None else self._left(known, rendered, language)
        # no tokenizer makes more tokens than bytes
        if known is not None and size <= limit:
            return [messages]
        return split_to_fit(messages, max(limit - _FRAME, 1), self._counts(messages, rendered))

    def _left(self, tokens: int, rendered: RenderedWindow, language: str) -> int:
        context = self._context
        bare = window_prompt(replace(rendered, block=""), language)
        others = [message["content"] for message in repair_prompt(bare, "", "")]
        answer = self._settings.max_tokens
        left = tokens - int(context.count(others).sum()) - answer - min(answer, _REFUSED) - _ROLES * len(others)
        return max(left if context.exact else left * 4 // 5, tokens // 4)

    def _counts(self, messages: pa.Table, rendered: RenderedWindow) -> NDArray[np.int64]:
        """Tokens of each message's line, shape (rows,); a day's line counts with the message that it stands before."""
        pieces: list[str] = []
        day = ""
        for line in rendered.block.split("\n")[1:-1]:
            if line[2:3].isdigit():
                day = line + "\n"
            else:
                pieces.append(f"{day}{line}\n")
                day = ""
        # messages without a line, such as deleted ones, weigh nothing
        shown = pa.array([line.message_id for line in rendered.lines.values()], pa.string())
        places = pc.index_in(shown, messages.column("message_id").combine_chunks()).to_numpy(zero_copy_only=False)
        counts = np.zeros(messages.num_rows, np.int64)
        counts[places] = self._context.count(pieces)
        return counts

"""The ledger: an append-only record of what happened, one JSON object a line, never any message text.

``ledger.jsonl`` is written to; full ones are ``ledger-0001.jsonl``, ``ledger-0002.jsonl``… from the oldest on.
"""

from stages.ledger.files import read_ledger
from stages.ledger.writer import LOSS_LIMIT, ROTATE_BYTES, Ledger

__all__ = ["LOSS_LIMIT", "ROTATE_BYTES", "Ledger", "read_ledger"]

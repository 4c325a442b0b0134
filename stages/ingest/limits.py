"""How much of a ZIP is ever unpacked. The defaults are those of the settings' ``[ingest]`` table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ZipLimits:
    """Entries, expansion of one entry, bytes of the whole and of the chat's text."""

    max_entries: int = 200_000
    max_ratio: int = 1_000
    max_bytes: int = 50_000 << 20
    chat_bytes: int = 20_000 << 20

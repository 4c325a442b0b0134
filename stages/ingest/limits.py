"""How much of a ZIP is ever unpacked. The defaults are those of the settings' ``[ingest]`` table."""

from dataclasses import dataclass

from stages.settings import IngestSettings, PerformanceSettings


@dataclass(frozen=True)
class ZipLimits:
    """Entries, expansion of one entry, bytes of the whole and of the chat's text."""

    max_entries: int = 200_000
    max_ratio: int = 1_000
    max_bytes: int = 50_000 << 20
    chat_bytes: int = 20_000 << 20


def zip_limits(settings: IngestSettings) -> ZipLimits:
    """The limits that the settings describe, which count in MB."""
    return ZipLimits(
        max_entries=settings.zip_max_entries,
        max_ratio=settings.zip_max_ratio,
        max_bytes=settings.zip_max_mb << 20,
        chat_bytes=settings.chat_max_mb << 20,
    )


def processes(performance: PerformanceSettings) -> int | None:
    """In how many processes one export is read: one where no more are allowed, else (None) what its size is worth."""
    return None if performance.parallel_processing and performance.max_workers > 1 else 1

"""From settings to an exact window specification."""

from stages.settings import WindowSettings
from stages.windows.spec import WindowSpec, parse_span


def window_spec(settings: WindowSettings, timezone: str) -> WindowSpec:
    """The specification that the settings describe. Raises :class:`stages.windows.spec.SpecError` (exit 2)."""
    whole = float(settings.size).is_integer()
    return WindowSpec(
        unit=settings.unit,
        size=int(settings.size) if whole else settings.size,
        overlap=settings.overlap,
        max_span=parse_span(settings.max_span) if settings.max_span else None,
        align=settings.align,
        timezone=timezone,
        weigh=settings.weigh,
    )

"""What a person asks of a publication: the one parameter of the flow ``publish`` and the form in the dashboard.

No secret and no export's file name is ever in it: keys are read where the work runs, and exports are staged in the
archive's inbox under their fingerprint.
"""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Unit = Literal["messages", "hours", "days", "bytes", "tokens", "session"]


class PublishRequest(BaseModel):
    """Publish one archive. Fields that are left out take the archive's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    archive: str = Field(description="Folder of the archive, as the place where the work runs sees it.", min_length=1)
    exports: tuple[str, ...] = Field(
        default=(),
        description="Staged exports (names in the archive's inbox) or paths; none means all that wait in the inbox.",
        max_length=1_000,
    )
    title: str | None = Field(default=None, description="Title of the chat on the site.", max_length=200)
    timezone: str | None = Field(default=None, description="IANA time zone in which the export's times are read.")
    date_order: Literal["auto", "dmy", "mdy", "ymd"] | None = Field(
        default=None, description="Order of day, month and year where the export does not prove it."
    )
    format: str | None = Field(
        default=None, description="Platform of the exports where it is not to be detected.", max_length=100
    )
    mapping: str | None = Field(
        default=None, description="Which column of a table is what: ts=…,author=…,text=….", max_length=2_000
    )
    chat: str | None = Field(
        default=None, description="Number or id of the chat in an export of several, or all.", max_length=200
    )
    aliases: tuple[str, ...] = Field(
        default=(), description="Renamed people, OLD=NEW; on the command line only.", max_length=1_000
    )
    direct_messages: bool | None = Field(default=None, description="Take the direct messages of a workspace too.")
    private: str | None = Field(
        default=None, description="Staged file with the part of the request that names people.", max_length=100
    )
    unit: Unit | None = Field(default=None, description="What a window is measured in.")
    size: float | None = Field(default=None, description="Size of a window in its unit.", gt=0, le=1e12)
    overlap: float | None = Field(default=None, description="Fraction of a window read again.", ge=0, le=0.5)
    max_span: str | None = Field(default=None, description="Longest time a window may span, for example 5h or 2d.")
    align: Literal["first", "calendar"] | None = Field(default=None, description="Where time slots begin.")
    days: int | None = Field(
        default=None, description="Only the last N days before the last message.", ge=1, le=100_000
    )
    from_date: date | None = Field(default=None, description="Only windows with a message on or after this day.")
    to_date: date | None = Field(default=None, description="Only windows with a message on or before this day.")
    model: str | None = Field(default=None, description="provider/name of the writer, or local/extractive.")
    limit_cost: float | None = Field(default=None, description="Most US dollars that new calls may cost.", ge=0)
    refresh: Literal["all", "enrich", "write", "site"] | None = Field(
        default=None, description="Make anew what is there already."
    )
    window: int | None = Field(default=None, description="Narrow a refresh to this window's number.", ge=0)
    config: str | None = Field(default=None, description="Settings file, as the place where the work runs sees it.")
    dry_run: bool = Field(default=False, description="Say what would be done, and do nothing.")

    @model_validator(mode="after")
    def range_is_forward(self) -> "PublishRequest":
        if self.from_date and self.to_date and self.from_date > self.to_date:
            raise ValueError("from_date lies after to_date")
        return self

    def options(self) -> dict[str, Any]:
        """The settings that this request overrules, by dotted name."""
        return {
            "archive.title": self.title,
            "archive.timezone": self.timezone,
            "ingest.date_order": self.date_order,
            "ingest.direct_messages": self.direct_messages,
            "windows.unit": self.unit,
            "windows.size": self.size,
            "windows.overlap": self.overlap,
            "windows.max_span": self.max_span,
            "windows.align": self.align,
            "llm.model": self.model,
        }

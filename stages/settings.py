"""The settings: one tree, from ``streamliner.toml``, then the environment, then options.

Nothing else reads the environment or the file. A value's origin is kept for ``streamliner settings``; secrets are
``SecretStr`` and are never printed. An unknown ``STREAMLINER_…`` name is a warning, an unknown key of the file an
error.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from stages.errors import BadInput

PREFIX = "STREAMLINER_"
FILE_NAME = "streamliner.toml"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ArchiveSettings(Section):
    timezone: str = Field("UTC", description="IANA time zone in which naive export times are read and shown.")
    title: str = Field("Chat", description="Title of the chat on the site.", max_length=200)
    inbox_limit_mb: int = Field(20_000, ge=1, description="Largest export that is taken, in MB.")

    @field_validator("timezone")
    @classmethod
    def known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone, for example Europe/Lisbon") from error
        return value


class IngestSettings(Section):
    date_order: Literal["auto", "dmy", "mdy", "ymd"] = Field("auto", description="Order of day, month and year.")
    direct_messages: bool = Field(False, description="Take the direct messages of a workspace's export too.")
    block_mb: int = Field(2, ge=1, le=64, description="Size of a parsing block in MB.")
    zip_max_entries: int = Field(200_000, ge=1, description="Most entries a ZIP may have.")
    zip_max_ratio: int = Field(1_000, ge=1, description="Largest expansion of one ZIP entry.")
    zip_max_mb: int = Field(50_000, ge=1, description="Most megabytes a ZIP may expand to.")
    chat_max_mb: int = Field(20_000, ge=1, description="Largest chat text in MB.")


class PrivacySettings(Section):
    key: SecretStr | None = Field(None, description="64 hex digits; else the key file in the user's configuration.")
    region: str | None = Field(None, description="Country (ISO 3166) for phone numbers without a prefix.", max_length=2)


class WindowSettings(Section):
    unit: Literal["messages", "hours", "days", "bytes", "tokens", "session"] = Field(
        "days", description="What a window is measured in."
    )
    size: float = Field(1, gt=0, description="Size of a window in its unit (minutes of silence for session).")
    overlap: float = Field(0.0, ge=0, le=0.5, description="Fraction of a window that is read again for context.")
    max_span: str | None = Field(None, description="Longest time a window may span, for example 5h or 2d.")
    align: Literal["first", "calendar"] = Field("calendar", description="Where time slots begin.")
    weigh: str | None = Field(None, description="bytes:LIMIT or tokens:LIMIT, cuts long sessions.")


class LlmSettings(Section):
    model: str = Field("local/extractive", description="provider/name as litellm writes it, or local/extractive.")
    api_base: str | None = Field(None, description="Address of an OpenAI-compatible server.")
    api_key: SecretStr | None = Field(None, description="Key of the provider; from the environment, never the file.")
    concurrency: int = Field(4, ge=1, le=256, description="Most model calls in flight at once.")
    timeout_seconds: float = Field(120, gt=0, le=3600, description="Most seconds for one call.")
    temperature: float = Field(0.2, ge=0, le=2, description="Sampling temperature.")
    max_tokens: int = Field(4_000, ge=64, le=200_000, description="Most tokens of an answer.")
    consent: bool = Field(False, description="Yes to sending pseudonymous text to a model that is not on this machine.")
    vision_model: str | None = Field(None, description="Model that tells what pictures show, provider/name; else none.")
    transcription_model: str | None = Field(None, description="Model that writes down what is said, provider/name.")
    media_consent: bool = Field(
        False, description="Yes to sending pictures and sound, with faces and voices, to models not on this machine."
    )
    batch_windows: int = Field(8, ge=1, le=1_000, description="Windows per batch handed to one task.")


class RetrySettings(Section):
    attempts: int = Field(4, ge=1, le=20, description="Tries of one item, the first included.")
    wait_initial_seconds: float = Field(0.5, ge=0, le=60, description="First wait between tries.")
    wait_max_seconds: float = Field(30, ge=0, le=600, description="Longest wait between tries.")


class BreakerSettings(Section):
    failures: int = Field(5, ge=1, description="Consecutive failures that open the breaker.")
    reset_seconds: float = Field(60, gt=0, description="Seconds until an open breaker lets a probe through.")


class FetchSettings(Section):
    enabled: bool = Field(True, description="Fetch the pages that links point to.")
    allow_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="Networks (CIDR) that may be fetched from although they are not public."
    )
    max_links: int = Field(500, ge=0, description="Most links taken up in one run.")
    connections: int = Field(100, ge=1, le=1_000, description="Most requests in flight at once.")
    connections_per_host: int = Field(30, ge=1, le=1_000, description="Most requests in flight at one host and port.")
    connect_timeout_seconds: float = Field(10, gt=0, le=300, description="Longest wait for a connection.")
    total_timeout_seconds: float = Field(30, gt=0, le=3_600, description="Longest time one page may take in all.")
    run_timeout_seconds: float = Field(
        1_800, gt=0, le=86_400, description="Longest time that a run fetches; links that are left wait for the next."
    )
    page_max_mb: float = Field(8, gt=0, le=1_000, description="Largest page or picture, in MB after decompression.")
    max_redirects: int = Field(5, ge=0, le=20, description="Most redirects that one link may take.")
    robots: bool = Field(True, description="Leave alone what a site's robots.txt asks to leave alone.")
    pictures: bool = Field(True, description="Fetch the picture that a page names for its card.")
    cache: bool = Field(True, description="Remember fetched pages for all archives of this person.")
    cache_folder: Path | None = Field(None, description="Where fetched pages are remembered; else this person's cache.")
    cache_days: float = Field(30, ge=0, le=3_650, description="Days after which a remembered page is fetched anew.")


class EnrichSettings(Section):
    batch_size: int = Field(50, ge=1, le=10_000, description="Candidates per batch handed to one task.")
    lease_seconds: int = Field(900, ge=10, description="How long a claimed candidate stays claimed.")
    picture_max_pixels: int = Field(100_000_000, ge=1, description="Largest picture that is opened, in pixels.")
    picture_sizes: tuple[int, ...] = Field((1600, 640), description="Widths of the stored pictures, in pixels.")
    file_max_mb: int = Field(200, ge=1, description="Largest attachment that is read, in MB.")
    max_per_window: int = Field(5_000, ge=0, description="Most links and attachments taken up that one window brings.")
    max_per_kind: int = Field(250_000, ge=0, description="Most taken up of a kind, such as links or pictures.")
    describe_pages: bool = Field(True, description="Let a model that is configured tell what a linked page says.")
    kinds: tuple[Literal["url", "image", "video", "audio", "document"], ...] = Field(
        ("url", "image", "video", "audio", "document"), description="Kinds of links and attachments that are taken up."
    )


class SiteSettings(Section):
    language: Literal["auto", "pt", "en"] = Field("auto", description="Language of the interface.")
    noindex: bool = Field(True, description="Ask search engines to stay away.")


class StorageSettings(Section):
    endpoint: str | None = Field(None, description="Address of an S3-compatible store; else Amazon's of the region.")
    region: str = Field("us-east-1", description="Region of the store.", pattern=r"^[a-z0-9-]{1,40}$")
    access_key_id: SecretStr | None = Field(None, description="Id of the key to the store; from the environment.")
    secret_access_key: SecretStr | None = Field(None, description="Secret of the key; from the environment.")
    session_token: SecretStr | None = Field(None, description="Token of a temporary key; from the environment.")
    allow_http: bool = Field(False, description="Take an endpoint without encryption (http://) too.")
    lease_seconds: int = Field(120, ge=5, le=3_600, description="How long a run that went silent keeps an archive.")
    connections: int = Field(8, ge=1, le=64, description="Transfers to and from the store at once, 1 MiB each.")
    scratch: Path | None = Field(None, description="Where archives are worked on; else the folder for temporary files.")

    @field_validator("endpoint")
    @classmethod
    def plain_endpoint(cls, value: str | None) -> str | None:
        from urllib.parse import urlsplit

        if value is None:
            return None
        try:
            parts = urlsplit(value)
            told = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            told = False
        if not told or parts.scheme not in ("http", "https") or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("an endpoint is written https://HOST or https://HOST:PORT")
        if parts.username is not None or parts.password is not None:
            raise ValueError("an endpoint holds no key; it goes into access_key_id and secret_access_key")
        return value.rstrip("/")


class PerformanceSettings(Section):
    parallel_processing: bool = Field(True, description="Use more than one worker.")
    max_workers: int = Field(2, ge=1, le=64, description="Workers of a local run.")
    memory_limit_mb: int = Field(500, ge=200, description="Memory that a run should stay under.")
    streaming_threshold_mb: int = Field(50, ge=1, description="Exports above it take the strictly bounded path.")
    show_progress: bool = Field(True, description="Say on standard error what is being done.")
    detailed_progress: bool = Field(False, description="One line per batch instead of one per stage.")
    collect_metrics: bool = Field(True, description="Measure every operation.")
    metrics_file: str = Field("metrics/performance.json", description="Where the metrics go, inside the archive.")
    log: bool = Field(False, description="One structured log line per operation.")


class Settings(BaseSettings):
    """The whole tree. Build it with :func:`load_settings`, never directly."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True, validate_default=True
    )

    archive: ArchiveSettings = ArchiveSettings()
    ingest: IngestSettings = IngestSettings()
    privacy: PrivacySettings = PrivacySettings()
    windows: WindowSettings = WindowSettings()
    llm: LlmSettings = LlmSettings()
    retry: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    fetch: FetchSettings = FetchSettings()
    enrich: EnrichSettings = EnrichSettings()
    site: SiteSettings = SiteSettings()
    storage: StorageSettings = StorageSettings()
    performance: PerformanceSettings = PerformanceSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # the environment is merged below, where each value's origin is known


@dataclass(frozen=True)
class Loaded:
    """The settings, where each value came from (dotted name -> file | environment | option), and warnings."""

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...]
    file: Path | None


def find_file(archive: Path | None) -> Path | None:
    """``streamliner.toml`` in the archive's folder, else in the folder that holds it."""
    if archive is None:
        return None
    for folder in (archive, archive.resolve().parent):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def load_settings(
    archive: Path | None = None, config: Path | None = None, options: Mapping[str, Any] | None = None
) -> Loaded:
    """Read the tree: file, then environment, then ``options`` (dotted name -> value; None is "not given").

    Raises :class:`BadInput` with the field's name and what it allows.
    """
    if config is not None and not config.is_file():
        raise BadInput(f"The settings file {config} does not exist.")
    file = config or find_file(archive)
    from_file = _read_toml(file) if file else {}
    given = {name: value for name, value in (options or {}).items() if value is not None}
    origins = dict.fromkeys((name for name, _ in _leaves(from_file)), "file")
    environment, unknown = _environment()
    origins |= dict.fromkeys(environment, "environment") | dict.fromkeys(given, "option")
    merged: dict[str, Any] = {}
    for name, value in [*_leaves(from_file), *environment.items(), *given.items()]:
        _put(merged, name, value)
    secret = {name: "Secret" in str(spec.annotation) for name, spec in _fields()}
    for name, _ in _leaves(from_file):
        if name not in secret:
            raise BadInput(f"{file}: there is no setting {name!r}; `streamliner settings` lists them.")
        if secret[name]:
            raise BadInput(f"{file}: {name} is a secret and is read from the environment only, never from a file.")
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise BadInput(_sentence(error, origins)) from None
    warnings = tuple(f"{name} is not a setting of Streamliner and was ignored." for name in unknown)
    return Loaded(settings, origins, warnings, file)


def describe(loaded: Loaded) -> Iterator[tuple[str, str, str, str]]:
    """(dotted name, value, origin, description) of every setting; a secret shows only whether it is set."""
    for dotted, spec in _fields():
        section, _, name = dotted.partition(".")
        value = getattr(getattr(loaded.settings, section), name)
        shown = ("set" if value else "not set") if "Secret" in str(spec.annotation) else _plain(value)
        yield dotted, shown, loaded.origins.get(dotted, "default"), spec.description or ""


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"The settings file {file} cannot be read: {error}.") from error


def _environment() -> tuple[dict[str, Any], list[str]]:
    """Dotted name -> value of every known variable, and the names of unknown ones."""
    try:
        known = dict(_leaves(EnvSettingsSource(Settings)()))
    except SettingsError as error:
        raise BadInput(f"A {PREFIX} variable cannot be read ({error}); lists are written as JSON.") from None
    fields = {name for name, _ in _fields()}
    variables = {PREFIX + name.upper().replace(".", "__") for name in fields}
    unknown = [name for name in sorted(os.environ) if name.startswith(PREFIX) and name.upper() not in variables]
    return {name: value for name, value in known.items() if name in fields}, unknown


def _fields() -> Iterator[tuple[str, FieldInfo]]:
    for section, section_field in Settings.model_fields.items():
        annotation = section_field.annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, Section)
        for name, spec in annotation.model_fields.items():
            yield f"{section}.{name}", spec


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    section, _, leaf = name.partition(".")
    if leaf:
        tree.setdefault(section, {})[leaf] = value
    else:
        tree[section] = value


def _sentence(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][:2])
    variable = PREFIX + name.upper().replace(".", "__")
    origin = {"environment": f" (from {variable})", "file": " (from the settings file)"}.get(origins.get(name, ""), "")
    # the value itself is not repeated: it may be a secret
    return f"The setting {name}{origin} is not valid: {first['msg'].removeprefix('Value error, ')}."

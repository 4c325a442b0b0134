"""What a file is, from its content and never from its name: which platform's reader reads it.

A file that is not regular is refused before it is opened. Every refusal is one sentence that says what was found.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Final, cast

from stages.errors import BadInput
from stages.ingest.limits import ZipLimits
from stages.ingest.reader import Platform, Source
from stages.ingest.text import text_encoding
from stages.ingest.zips import Member, ZipReader
from stages.regular import regular_file

_SNIFF: Final = 1 << 16
_LARGE: Final = 8 << 20
"""Bytes of a member from which unpacking it beside parsing pays for a thread."""
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
CHATS: Final = {
    "telegram": "stages.ingest.telegram",
    "slack": "stages.ingest.slack",
    "discord": "stages.ingest.discord",
    "signal": "stages.ingest.signal",
    "whatsapp": "stages.ingest.whatsapp",
}
"""Apps, in the order in which they are asked: those whose files are told by their structure first."""
TABLES: Final = {
    "csv": "stages.ingest.table.csv_file",
    "parquet": "stages.ingest.table.parquet_file",
    "jsonl": "stages.ingest.table.json_lines",
}
"""Tables of messages, which are asked only where no app knows the file."""
PLUGINS: Final = "streamliner.readers"


def look_at(path: Path, limits: ZipLimits | None = None) -> Source:
    """The file with its first bytes and, for a ZIP, its members.

    Raises :class:`BadInput` for what is missing, empty, a folder, not a regular file, or a ZIP that is damaged or
    encrypted.
    """
    limits = limits or ZipLimits()
    size = regular_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFF)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    if not head.startswith(_ZIP):
        return Source(path, size, head, None, lambda: path.open("rb"), limits)
    reader = ZipReader(path, limits)
    members = reader.members
    if any(member.encrypted for member in members):
        raise BadInput(f"The ZIP {path} is encrypted; export the chat again without a password, or unpack it first.")
    most = min(limits.chat_bytes, limits.max_bytes)

    def open_member(member: Member) -> BinaryIO:
        return reader.open(member.position, limit=most, read_ahead=member.size >= _LARGE)

    return Source(path, size, head, members, open_member, limits)


def choose(
    source: Source, wanted: str | None = None, mapping: Mapping[str, str] | None = None
) -> tuple[Platform, list[str]]:
    """The platform of an export, and what must be said about the choice.

    ``wanted`` overrules detection (a built-in platform or a plug-in), ``mapping`` says that the file is a table.
    Raises :class:`BadInput` for an unknown platform and for a file that none of them knows.
    """
    if wanted:
        return _wanted(wanted), []
    if mapping:
        return _load(TABLES[_table(source)]), []
    # what is no text of any kind has its own sentence
    encoding = text_encoding(source.path, source.head) if source.members is None and not _is_parquet(source) else ""
    found = [name for name, module in CHATS.items() if _claims(_load(module), source)]
    if source.members is None and len(found) > 1 and found[-1] == "whatsapp":
        found.pop()  # its grammar is wide: of texts it reads what no other app's reader claims
    found = found or [name for name, plugin in _plugins().items() if _claims(plugin, source)]
    if not found and source.members is None:
        found = [name for name, module in TABLES.items() if _claims(_load(module), source)][:1]
    if not found:
        if encoding == "utf-8":
            _refuse(source)
        if _is_table(source):
            # its reader says which columns it needs
            return _load(TABLES["csv"]), []
        # its reader says best why a text is no chat
        return _load(CHATS["whatsapp"]), []
    said = []
    if len(found) > 1:
        said.append(
            f"The export looks like {' and like '.join(found)}; it was read as {found[0]}. Settle it with --format."
        )
    return _wanted(found[0]), said


def _claims(platform: Platform, source: Source) -> bool:
    try:
        return platform.matches(source)
    except BadInput:
        # one damaged file among many hides no chat; the reader that is chosen says what it could not read
        return False


def _wanted(name: str) -> Platform:
    known = CHATS | TABLES
    if name in known:
        return _load(known[name])
    plugins = _plugins()
    if name in plugins:
        return plugins[name]
    names = ", ".join([*known, *sorted(plugins)])
    raise BadInput(f"--format {name} is not a format that can be read; there are {names}.")


def _load(module: str) -> Platform:
    return cast(Platform, import_module(module))


def _plugins() -> dict[str, Platform]:
    """Platforms that other distributions add, by name; an entry point that cannot be loaded is refused by name."""
    from importlib.metadata import entry_points

    found: dict[str, Platform] = {}
    for point in entry_points(group=PLUGINS):
        try:
            found[point.name] = point.load()
        except Exception as error:
            raise BadInput(
                f"The reader {point.name!r} that is installed cannot be loaded ({type(error).__name__}); "
                "repair or remove its package."
            ) from error
    return found


def _table(source: Source) -> str:
    if _is_parquet(source):
        return "parquet"
    start = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "jsonl" if start.startswith((b"{", b"[")) else "csv"


def _is_table(source: Source) -> bool:
    from stages.ingest.table.csv_file import is_table

    return is_table(source)


def _is_parquet(source: Source) -> bool:
    return source.head.startswith(b"PAR1")


def _refuse(source: Source) -> None:
    """Say what a text is that is plainly no chat. Raises :class:`BadInput`."""
    start = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[{")) or (start.startswith(b"[") and start[1:].lstrip().startswith(b"{")):
        raise BadInput(
            f"{source.path} is JSON, but not as Telegram, Discord or Signal export a chat; "
            "for JSON lines say which field is what, for example --map ts=date,author=from,text=body."
        )
    if start[:200].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BadInput(f"{source.path} is a web page or XML, not a chat export; export the chat as text or JSON.")

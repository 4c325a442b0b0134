"""The lines with which messages begin in signal-export's Markdown, and whether a text is Signal's at all.

Three forms were written over the years: ``[2019-05-29, 15:04] Name: text``, the same without the comma, and with
seconds. Phones with WhatsApp write the last one too in some countries, so a text with seconds must show more of Signal.
"""

import re
from collections import Counter
from datetime import datetime
from typing import Final, NamedTuple

_EPOCH: Final = datetime(1970, 1, 1)
_HEADER: Final = re.compile(
    r"\[(\d{4})-(\d{2})-(\d{2})(,?) (\d{2}):(\d{2})(?::(\d{2}))?\] ([^\n:][^\n]{0,199}?): ?(?=[^\n]*$)"
)
_OTHER: Final = re.compile("[\u200e\u200f\ufeff]*\\[[^\\]\n]{0,24}\\d{1,2}[:.]\\d{2}[^\\]\n]{0,16}\\] [^\n]{0,200}?:")
_MARKED: Final = re.compile("^[\u200e\u200f]+\\[|^\\[[^\\]\n]{8,24}\\] [^\n]{1,200}?: ?[\u200e\u200f]", re.MULTILINE)
_WHATSAPP: Final = re.compile(
    r"<attached: |end-to-end encrypted|(?:image|video|audio|sticker|GIF|document|Contact card) omitted\b"
)
_LINK: Final = re.compile(r"\]\((?:\./media|\.\./exported_stickers)/")
_REACTIONS: Final = re.compile(r"^\(- .+: .+ -\)", re.MULTILINE)
OWNER: Final = "Me"
NOBODY: Final = "No-Sender"


class Form(NamedTuple):
    """What tells headers of one version from those of another."""

    comma: bool
    seconds: bool

    @property
    def words(self) -> str:
        return f"[yyyy-mm-dd{',' if self.comma else ''} hh:mm{':ss' if self.seconds else ''}]"


class Header(NamedTuple):
    """A line that begins a message; ``local`` seconds since 1970 are None for a date that does not exist."""

    form: Form
    local: int | None
    sender: str
    body: int


def read_header(line: str) -> Header | None:
    """The header at the start of a line (without its line feed); ``body`` is where the text begins."""
    match = _HEADER.match(line) if line.startswith("[") else None
    if match is None:
        return None
    year, month, day, comma, hour, minute, second, sender = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    except ValueError:
        local = None
    else:
        local = (moment - _EPOCH).days * 86_400 + (moment - _EPOCH).seconds
    return Header(Form(bool(comma), second is not None), local, sender.strip(), match.end())


def is_signal_text(text: str) -> bool:
    """Whether a text's beginning is Signal's: its headers are the most frequent ones, and none is WhatsApp's."""
    lines = text.split("\n")
    forms: Counter[Form] = Counter()
    senders: Counter[str] = Counter()
    others = ended = 0
    for line in lines:
        line = line.rstrip("\r")
        header = read_header(line)
        if header and header.local is not None:
            forms[header.form] += 1
            senders[header.sender] += 1
        elif _OTHER.match(line):
            others += 1
        ended += line.endswith("  ")
    headers = sum(forms.values())
    if not headers or others > headers:
        return False
    form = forms.most_common(1)[0][0]
    if not form.seconds:
        return True
    # WhatsApp marks what it writes itself; Signal marks nothing
    if _WHATSAPP.search(text) or _MARKED.search(text):
        return False
    return OWNER in senders or bool(_LINK.search(text) or _REACTIONS.search(text)) or ended * 2 > headers


def has_headers(text: str) -> bool:
    """Whether any line of a text begins like a message."""
    return any((header := read_header(line)) and header.local is not None for line in text.splitlines())


def is_foreign_text(text: str) -> bool:
    """Whether a text is of signalbackup-tools: ``[Mar 15, 2024 10:00:00] <Name> text``."""
    return len(re.findall(r"^\[[A-Z]\w{2} \d{2}, \d{4} \d{2}:\d{2}:\d{2}\] (?:<|\*\*\* )", text, re.MULTILINE)) >= 2

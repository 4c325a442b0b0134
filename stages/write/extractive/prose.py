"""The offline writer's own words, in Portuguese and English: short, and true of the messages whatever they say.

They tell who, when, and how messages follow each other, never what is meant. Other languages get the English ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from stages.write.extractive.quoting import quotable

_TITLE: Final = 120
"""Most characters of a title of a page or document."""
_INNER: Final = str.maketrans("“”", "‘’")
_NAMED: Final = 3
"""Most pages that are named in one sentence."""

# fmt: off
_MONTHS: Final = {
    "pt": ("janeiro", "fevereiro", "março", "abril", "maio", "junho",
           "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"),
    "en": ("January", "February", "March", "April", "May", "June",
           "July", "August", "September", "October", "November", "December"),
}
# fmt: on
_NUMBERS: Final = {
    "pt": ["zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez"],
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
}
_PARTS: Final = {
    "pt": ((5, "na madrugada"), (12, "na manhã"), (20, "na tarde"), (24, "na noite")),
    "en": ((5, "in the night"), (12, "on the morning"), (18, "on the afternoon"), (24, "on the evening")),
}
_MEDIA: Final = {
    "Picture": ("uma imagem", "a picture"),
    "Sticker": ("um sticker", "a sticker"),
    "Video": ("um vídeo", "a video"),
    "Voice note": ("uma mensagem de voz", "a voice note"),
    "Audio": ("um áudio", "an audio file"),
    "PDF document": ("um PDF", "a PDF"),
    "Contact card": ("um contacto", "a contact card"),
    "Calendar entry": ("um evento", "a calendar entry"),
    "Spreadsheet": ("uma folha de cálculo", "a spreadsheet"),
    "Presentation": ("uma apresentação", "a presentation"),
}

OPEN: Final = "open"
START: Final = "start"
LATER: Final = "later"
ASK: Final = "ask"
REPLY: Final = "reply"
AGAIN: Final = "again"
THEN: Final = "then"
QUOTE: Final = "quote"
QUOTE_OPEN: Final = "quote-open"
POLL: Final = "poll"

_PATTERNS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "en": {
        OPEN: ("It began at {clock} with {a}: {q}",),
        START: ("At {clock}, {a} wrote: {q}", "{a} wrote at {clock}: {q}"),
        LATER: ("At {clock}, {a}: {q}", "{a}, at {clock}: {q}"),
        ASK: ("{a} asked: {q}", "{a} wanted to know: {q}", "A question from {a}: {q}"),
        REPLY: ("{a} replied to {b}: {q}", "{a}, in reply to {b}: {q}"),
        AGAIN: ("{a} went on: {q}", "{a} again: {q}", "{a} also wrote: {q}"),
        THEN: ("{a}: {q}", "Then {a}: {q}", "{a} wrote: {q}", "{a} said: {q}"),
        QUOTE: ("From {a}, at {clock}:", "{a}, at {clock}:", "At {clock}, {a}:"),
        QUOTE_OPEN: ("It began at {clock}, with {a}:",),
        POLL: ("At {clock}, {a} put it to the vote: {q}",),
    },
    "pt": {
        OPEN: ("Começou às {clock}, com {a}: {q}",),
        START: ("Às {clock}, {a} escreveu: {q}", "{a} escreveu às {clock}: {q}"),
        LATER: ("Às {clock}, {a}: {q}", "{a}, às {clock}: {q}"),
        ASK: ("{a} perguntou: {q}", "{a} quis saber: {q}", "Pergunta de {a}: {q}"),
        REPLY: ("{a} respondeu a {b}: {q}", "{a}, em resposta a {b}: {q}"),
        AGAIN: ("{a} continuou: {q}", "De novo {a}: {q}", "{a} escreveu ainda: {q}"),
        THEN: ("{a}: {q}", "Depois {a}: {q}", "{a} escreveu: {q}", "{a} disse: {q}"),
        QUOTE: ("De {a}, às {clock}:", "{a}, às {clock}:", "Às {clock}, {a}:"),
        QUOTE_OPEN: ("Começou às {clock}, com {a}:",),
        POLL: ("Às {clock}, {a} pôs a votos: {q}",),
    },
}


@dataclass
class Prose:
    """Phrases in one language; each kind takes turns among its wordings, so that none follows itself."""

    language: str

    def __post_init__(self) -> None:
        self.code = "pt" if self.language == "pt" else "en"
        self._turns: dict[str, int] = {}

    def clause(self, kind: str, a: str, clock: str, quoted: str = "", b: str = "") -> str:
        forms = _PATTERNS[self.code][kind]
        turn = self._turns.get(kind, 0)
        self._turns[kind] = turn + 1
        return forms[turn % len(forms)].format(a=a, b=b, clock=clock, q=quoted).strip()

    def number(self, count: int) -> str:
        words = _NUMBERS[self.code]
        return words[count] if count < len(words) else str(count)

    def listing(self, parts: Sequence[str]) -> str:
        if len(parts) < 2:
            return "".join(parts)
        last = " e " if self.code == "pt" else " and "
        return ", ".join(parts[:-1]) + last + parts[-1]

    def people(self, names: Sequence[str], most: int = 3) -> str:
        """Names in the order given; beyond ``most`` the others are counted."""
        if len(names) <= most:
            return self.listing(names)
        others = len(names) - most + 1
        more = (f"mais {self.number(others)} pessoas") if self.code == "pt" else f"{self.number(others)} others"
        return self.listing([*names[: most - 1], more])

    def day(self, iso: str, *, year: bool = False) -> str:
        when = date.fromisoformat(iso)
        month = _MONTHS[self.code][when.month - 1]
        if self.code == "pt":
            return f"{when.day} de {month}" + (f" de {when.year}" if year else "")
        return f"{when.day} {month}" + (f" {when.year}" if year else "")

    def time(self, first_day: str, first_clock: str, last_day: str, last_clock: str) -> str:
        """When something was said, as words after a name."""
        if first_day != last_day:
            edge = ("entre {} e {}", "between {} and {}")[self.code == "en"]
            return edge.format(self.day(first_day), self.day(last_day))
        part, last_part = (self._part(clock) for clock in (first_clock, last_clock))
        day = self.day(first_day)
        if part != last_part:
            return f"em {day}" if self.code == "pt" else f"on {day}"
        return f"{part} de {day}" if self.code == "pt" else f"{part} of {day}"

    def _part(self, clock: str) -> str:
        hour = int(clock[:2])
        return next(words for end, words in _PARTS[self.code] if hour < end)

    def total(self, messages: int, names: Sequence[str], first: str, last: str) -> str:
        """How much was said, by whom and in which time."""
        people = self.people(names, 4)
        if self.code == "pt":
            return f"Entre as {first} e as {last} houve {messages} mensagens, de {people}."
        return f"Between {first} and {last} there were {messages} messages, from {people}."

    def rest(self, messages: int, names: Sequence[str], last: str) -> str:
        """What followed that is not told."""
        people = self.people(names, 3)
        if self.code == "pt":
            if messages == 1:
                return f"Seguiu-se mais uma mensagem, de {people}, às {last}."
            return f"Seguiram-se mais {self.number(messages)} mensagens até às {last}, de {people}."
        if messages == 1:
            return f"One more message followed, from {people}, at {last}."
        return f"{self.number(messages).capitalize()} more messages followed until {last}, from {people}."

    def shared(self, name: str, clock: str, pictures: int, media: Sequence[str]) -> str:
        """Who sent pictures or other media, and when; says nothing of what is on them."""
        pt = self.code == "pt"
        things = []
        if pictures:
            if pictures == 1:
                things.append("uma imagem" if pt else "a picture")
            else:
                things.append(f"{pictures} imagens" if pt else f"{self.number(pictures)} pictures")
        for words in dict.fromkeys(media):
            kind, _, more = words.partition(", ")
            known = _MEDIA.get(kind)
            thing = known[0 if pt else 1] if known else ("um ficheiro" if pt else "a file")
            title = _named(more[1:-1]) if more.startswith("“") else ""
            things.append(f"{thing}, {title}" if title else thing)
        return (
            f"Às {clock}, {name} enviou {self.listing(things)}."
            if pt
            else f"At {clock}, {name} sent {self.listing(things)}."
        )

    def link(self, name: str, clock: str, links: int, titles: Sequence[str] = ()) -> str:
        """Who shared links, and when; ``titles`` are those of pages that were read, as the pages have them."""
        pt = self.code == "pt"
        things = ("um link" if pt else "a link") if links == 1 else f"{links if pt else self.number(links)} links"
        named = list(dict.fromkeys(filter(None, map(_named, titles))))
        if named and len(named) <= _NAMED:
            some = self.number(len(named))
            among = "" if len(named) == links else f", {some} deles" if pt else f", {some} of them"
            things += (f"{among} para " if pt else f"{among} to ") + self.listing(named)
        return f"Às {clock}, {name} partilhou {things}." if pt else f"At {clock}, {name} shared {things}."

    def heard(self, words: str) -> str:
        """What a program understood of a voice note."""
        return f"Um programa ouviu: {words}" if self.code == "pt" else f"A program heard: {words}"

    def decision(self, said: str, by: str, about: str = "", proposer: str = "") -> str:
        if about:
            return f"{about} — {proposer}. {said} — {by}."
        return f"{said} — {by}."

    def unanswered(self, name: str, clock: str, quoted: str, until: str) -> str:
        """A question after which nobody else wrote until a time, or (empty) for the rest of the window."""
        if self.code == "pt":
            silence = f"Até às {until} ninguém mais escreveu." if until else "Aqui, ninguém mais escreveu depois."
            return f"{name}, às {clock}: {quoted} {silence}"
        silence = f"Nobody else wrote until {until}." if until else "Nobody else wrote after that here."
        return f"{name}, at {clock}: {quoted} {silence}"

    def both(self, first: str, second: str) -> str:
        return f"{first} e {second}" if self.code == "pt" else f"{first} and {second}"

    def untitled(self, names: Sequence[str], iso: str) -> str:
        people = self.people(names, 2)
        return f"{people}, {self.day(iso)}" if people else self.day(iso)


def _named(title: str) -> str:
    """What a page or document calls itself, between quotation marks; empty where no words of it can be shown."""
    words = quotable(title, _TITLE)
    tail = "" if words == title or words[-1:] in ".!?…" else "…"
    return f"“{words.translate(_INNER)}{tail}”" if words else ""

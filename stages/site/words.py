"""The interface's words, dates and numbers, in Portuguese and English. No locale of the machine is asked."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_WORDS: Final = {
    "again": ("The same picture, shown above.", "A mesma imagem, mostrada acima."),
    "about": ("About and privacy", "Sobre e privacidade"),
    "about_short": ("About", "Sobre"),
    "all_months": ("All months", "Todos os meses"),
    "archive": ("Archive", "Arquivo"),
    "audio": ("Audio", "Áudio"),
    "cited_in": ("Cited in", "Citada em"),
    "document": ("Document", "Documento"),
    "earlier": ("Earlier", "Antes"),
    "edited": ("edited", "editada"),
    "empty": ("Nothing has been written yet", "Ainda nada foi escrito"),
    "feed": ("Feed", "Feed"),
    "file": ("File", "Ficheiro"),
    "image": ("Picture", "Imagem"),
    "heard": ("Heard by a program:", "Ouvido por um programa:"),
    "in_reply": ("In reply to", "Em resposta a"),
    "later": ("Later", "Depois"),
    "latest": ("Latest", "Mais recente"),
    "message": ("message", "mensagem"),
    "messages": ("messages", "mensagens"),
    "minutes": ("min read", "min de leitura"),
    "missing": ("Page not found", "Página não encontrada"),
    "more": ("All posts by month", "Todos os textos por mês"),
    "newer": ("Next", "Seguinte"),
    "no_results": ("Nothing found.", "Nada encontrado."),
    "not_exported": ("An attachment that the export leaves out", "Um anexo que a exportação não traz"),
    "older": ("Previous", "Anterior"),
    "page": ("Page", "Página"),
    "page_picture": ("Picture from the page", "Imagem da página"),
    "people": ("People", "Pessoas"),
    "person": ("person", "pessoa"),
    "persons": ("people", "pessoas"),
    "post": ("post", "texto"),
    "posts": ("posts", "textos"),
    "reaction": ("reaction", "reação"),
    "reactions": ("reactions", "reações"),
    "read_talk": ("Read the conversation behind this post", "Ler a conversa por trás deste texto"),
    "result": ("result", "resultado"),
    "results": ("results", "resultados"),
    "search": ("Search", "Procurar"),
    "search_hint": ("Search the posts", "Procurar nos textos"),
    "search_no_script": (
        "Search needs JavaScript; everything else on this site does without.",
        "A procura precisa de JavaScript; o resto do sítio não.",
    ),
    "sent_often": ("sent {} times", "enviada {} vezes"),
    "skip": ("Skip to content", "Saltar para o conteúdo"),
    "source": ("source", "fonte"),
    "sources": ("sources", "fontes"),
    "tags": ("Topics", "Temas"),
    "times": ("Times", "Horas"),
    "topic": ("topic", "tema"),
    "topics": ("topics", "temas"),
    "transcript": ("Transcript", "Transcrição"),
    "video": ("Video", "Vídeo"),
}
# the neutral descriptions that enrichment gives to files, up to the first comma
_DESCRIPTIONS: Final = {
    "Audio": "Áudio",
    "Calendar entry": "Entrada de calendário",
    "Contact card": "Cartão de contacto",
    "File": "Ficheiro",
    "PDF document": "Documento PDF",
    "Picture": "Imagem",
    "Presentation": "Apresentação",
    "Spreadsheet": "Folha de cálculo",
    "Sticker": "Autocolante",
    "Text document": "Documento de texto",
    "Video": "Vídeo",
    "Voice note": "Nota de voz",
    "ZIP file": "Ficheiro ZIP",
}
_MONTHS: Final = {
    "en": [
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ],
    "pt": [
        "janeiro", "fevereiro", "março", "abril", "maio", "junho",
        "julho", "agosto", "setembro", "outubro", "novembro", "dezembro",
    ],
}  # fmt: skip
_WEEKDAYS: Final = {
    "en": [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ],
    "pt": [
        "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo",
    ],
}  # fmt: skip
_EPOCH: Final = date(1970, 1, 1)
_EPOCH_UTC: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Words:
    """The words of one language, and dates in one zone. Any language but ``pt`` is taken for ``en``."""

    language: str
    zone: ZoneInfo

    @classmethod
    def of(cls, language: str, timezone: str) -> "Words":
        return cls("pt" if language.lower().startswith("pt") else "en", ZoneInfo(timezone))

    def __getitem__(self, name: str) -> str:
        return _WORDS[name][0 if self.language == "en" else 1]

    def described(self, description: str) -> str:
        """A file's neutral description in this language; one that somebody wrote stays as it is."""
        name, comma, rest = description.partition(",")
        return _DESCRIPTIONS.get(name, name) + comma + rest if self.language == "pt" else description

    def count(self, number: int, one: str, many: str) -> str:
        """``1 message``, ``1,012 messages``."""
        return f"{self.number(number)} {self[one if number == 1 else many]}"

    def number(self, number: int) -> str:
        return f"{number:,}" if self.language == "en" else f"{number:,}".replace(",", ".")

    def size(self, count: int) -> str:
        """Bytes as people write them: ``34 KB``, ``1.2 MB``."""
        if count < 1000:
            return f"{count} B"
        value, unit = (count / 1e3, "KB") if count < 999_500 else (count / 1e6, "MB")
        shown = f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"
        return f"{shown if self.language == 'en' else shown.replace('.', ',')} {unit}"

    def length(self, seconds: float) -> str:
        """How long sound or film lasts: ``0:12``, ``1:02:05``."""
        minutes, rest = divmod(max(1, round(seconds)), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def month(self, year: int, month: int) -> str:
        name = _MONTHS[self.language][month - 1]
        return f"{name} {year}" if self.language == "en" else f"{name} de {year}"

    def month_name(self, month: int) -> str:
        return _MONTHS[self.language][month - 1]

    def day(self, day: date) -> str:
        name = _MONTHS[self.language][day.month - 1]
        return f"{day.day} {name} {day.year}" if self.language == "en" else f"{day.day} de {name} de {day.year}"

    def short_weekday(self, day: date) -> str:
        return _WEEKDAYS[self.language][day.weekday()][:3]

    def weekday(self, day: date) -> str:
        """``Monday, 2 March 2026``."""
        return f"{_WEEKDAYS[self.language][day.weekday()]}, {self.day(day)}"

    def span(self, first: date, last: date) -> str:
        """``2–5 March 2026``, ``28 February – 2 March 2026``, one day where it is one."""
        if first == last:
            return self.day(first)
        between = " de " if self.language == "pt" else " "
        months = _MONTHS[self.language]
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}–{self.day(last)}"
        if first.year == last.year:
            return f"{first.day}{between}{months[first.month - 1]} – {self.day(last)}"
        return f"{self.day(first)} – {self.day(last)}"

    def period(self, first: datetime, last: datetime) -> str:
        """The days from first to last; within one day the times as well."""
        start, end = self.local(first), self.local(last)
        if start.date() != end.date():
            return self.span(start.date(), end.date())
        if start.strftime("%H:%M") == end.strftime("%H:%M"):
            return f"{self.day(start.date())}, {start:%H:%M}"
        return f"{self.day(start.date())}, {start:%H:%M}–{end:%H:%M}"


class Clock:
    """Local days and minutes of UTC microseconds, one look at the zone per quarter of an hour of the chat."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._quarter = -1
        self._offset = 0

    def local_minute(self, moment: int) -> tuple[int, int]:
        """(days since 1970-01-01, minute of the day), both local. ``moment``: microseconds since the epoch, UTC."""
        quarter = moment // 900_000_000
        if quarter != self._quarter:
            self._quarter = quarter
            offset = (_EPOCH_UTC + timedelta(seconds=quarter * 900)).astimezone(self._zone).utcoffset()
            self._offset = int((offset or timedelta()).total_seconds())
        return divmod((moment // 1_000_000 + self._offset) // 60, 1440)


def day_of(number: int) -> date:
    return _EPOCH + timedelta(days=number)

"""The eight people of the sample, by the key that the scripts use, and what of them must never be published.

Names, numbers and addresses are invented: the British and Irish numbers lie in the ranges that regulators keep for
fiction, the addresses end in ``.example``.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Person:
    """``name`` as the exporting phone's address book has it; ``number`` where the member is no contact."""

    key: str
    name: str
    number: str | None = None

    @property
    def ios_name(self) -> str:
        """iOS wraps a number in direction marks and joins its groups by no-break spaces."""
        if self.number is None:
            return self.name
        return "\u202a" + self.name.replace(" ", "\u00a0") + "\u202c"

    @property
    def android_mention(self) -> str:
        return f"@{self.number}" if self.number else f"@\u2068{self.name}\u2069"

    @property
    def ios_mention(self) -> str:
        return f"@\u2068{self.ios_name}\u2069" if self.number else self.android_mention


PEOPLE: Final = {
    person.key: person
    for person in (
        Person("m", "Marta Quintela"),
        Person("i", "Inês Vidigal 🌻"),
        Person("t", "Tomás Azevedo"),
        Person("k", "Kenji Morimoto"),
        Person("a", "Aoife Brannigan"),
        Person("p", "Priya Raghavan"),
        Person("l", "Luca Bertolino"),
        Person("n", "+44 7700 900142", number="447700900142"),
    )
}
EXPORTER: Final = "m"
"""Whose phone wrote the export: her own actions read "You"."""

GROUP: Final = "Marmeleiro 14"

CARD_NAME: Final = "Joaquim Caeiro"
"""The name in the contact card and its file name; nobody writes it in the chat."""

PHONES: Final = ("+44 7700 900142", "+353 20 912 4455", "+351 912 345 678")
"""Member, cat poster, contact card; the last also stands in a ``wa.me`` link."""

EMAILS: Final = ("reservas@montedanora.example", "marta.quintela@correio.example")

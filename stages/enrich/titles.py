"""What a title is that a document states of itself: what people wrote there, without what programs put in its place."""

import re
from typing import Final

from stages.enrich.wording import one_line

LIMIT: Final = 200
"""Most characters of a title, where no other limit is asked for."""

_PROGRAM: Final = re.compile(r"^(?:(?:microsoft\s+)?(?:office\s+)?(?:word|excel|powerpoint)\s+-\s+)+", re.I)
_ENDING: Final = re.compile(
    r"(?<=\w)(?:\.(?:docx?|xlsx?|pptx?|odt|ods|odp|pdf|rtf|txt|html?|indd|qxd|cdr|tex|dvi|pages|numbers|key)){1,3}$",
    re.I,
)
_PATH: Final = re.compile(r"^(?:[a-z]:[\\/]|\\\\|file:|/(?:home|users|tmp|var|mnt|storage)/)", re.I)
_NUMBERED: Final = (
    "doc document documento dokument text texto presentation apresentação presentación présentation präsentation "
    "book workbook livro libro classeur mappe pasta planilha sheet slide slides diapositivo diapositiva diapositive "
    "folie layout title título titre titel untitled unbenannt unnamed scan scanned image job noname null none"
)
_WITHOUT: Final = (
    "(?:pt-?)?sem título|sem nome|sin título|sans titre|senza titolo|ohne titel|no title|design sem nome|"
    "(?:documento|apresentação|planilha|formulário) sem (?:título|nome)|untitled (?:document|spreadsheet|presentation|"
    "design|form)|(?:scanned|new|novo|digitalized) document|novo documento|documento digitalizado"
)
_OF_PROGRAMS: Final = (
    r"powerpoint[ -](?:presentation|präsentation)|apresentação do powerpoint|presentación de powerpoint|"
    r"présentation powerpoint|presentazione (?:standard di )?powerpoint|(?:microsoft )?(?:word|excel) "
    r"(?:document|worksheet)|(?:microsoft )?powerpoint|about:blank|new tab|full page photo|print|printout|"
    r"\(?(?:anonymous|unspecified)\)?"
)
_TEMPLATE: Final = re.compile(
    rf"(?:{_WITHOUT}|{_OF_PROGRAMS}|(?:{'|'.join(_NUMBERED.split())}))(?:[ _.-]{{0,3}}\(?\d{{1,14}}\)?){{0,7}}", re.I
)
_COUNTED: Final = re.compile(r"(?:[\W_]*\d){5,}[\W_]*")
"""Digits alone are the number of a job or a date; up to four of them may be a title, as "1984" is."""


def own_title(written: str, limit: int = LIMIT) -> str | None:
    """The title as one line of at most ``limit`` characters; None where a program or nobody wrote it.

    "Microsoft Word - Plan.docx" is "Plan": the program's name before it and the ending of a file's name go. None for
    templates ("Document1", "untitled", "PowerPoint Presentation"), for paths, for numbers of five digits and more,
    and for what has neither letter nor digit. Linear in the limit.
    """
    line = one_line(written, limit)
    if _PATH.match(line):
        return None
    plain = _ENDING.sub("", _PROGRAM.sub("", line))
    if not any(char.isalnum() for char in plain) or _TEMPLATE.fullmatch(plain) or _COUNTED.fullmatch(plain):
        return None
    return plain

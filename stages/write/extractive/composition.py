"""A window's posts as an answer: topics become sections, chosen messages paragraphs, in the order of the talk."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from stages.write.extractive.choice import choose, worth
from stages.write.extractive.cues import find_decisions, find_open_questions
from stages.write.extractive.headline import Headlines
from stages.write.extractive.phrases import Phrase, distinct
from stages.write.extractive.prose import AGAIN, ASK, LATER, OPEN, POLL, QUOTE, QUOTE_OPEN, REPLY, START, THEN, Prose
from stages.write.extractive.quoting import marked, poll, quotable
from stages.write.extractive.terms import TermSpace, term_space
from stages.write.extractive.topics import Topic, find_topics
from stages.write.extractive.transcript import Said, Transcript
from stages.write.known import is_spelt

_MOST_TAGS: Final = 6
_TOGETHER_PLACES: Final = 9
_TOGETHER_MINUTES: Final = 12
_TOGETHER: Final = 4
"""Most messages told in one paragraph."""
_BLOCK: Final = (60, 320)
"""Characters of a message that may stand as a block of its own."""
_FEW: Final = 3
_WORTH_COUNTING: Final = 8
_MOST_SOURCES: Final = 24


def compose(transcript: Transcript) -> dict[str, Any]:
    """The answer to a window's prompt, as JSON values. Deterministic; linear but for the few messages chosen."""
    space = term_space(transcript.said)
    prose = Prose(transcript.language)
    headlines = Headlines(transcript, prose)
    posts = [
        _Composer(transcript, space, prose, headlines, topics).post()
        for topics in find_topics(transcript.said, space)
        if any(topic.telling or _shows(topic) for topic in topics)
    ]
    return {"language": transcript.language, "posts": [post for post in posts if post["sections"]]}


def _shows(topic: Topic) -> bool:
    return any(message.pictures or message.links for message in topic.said)


class _Composer:
    """Writes one post from its topics."""

    def __init__(
        self, transcript: Transcript, space: TermSpace, prose: Prose, headlines: Headlines, topics: Sequence[Topic]
    ) -> None:
        self._transcript = transcript
        self._space = space
        self._prose = prose
        self._headlines = headlines
        self._topics = topics
        self._said = [message for topic in topics for message in topic.said]
        answered = {message.reply for message in self._said if message.reply}
        self._value: dict[str, float] = {}
        for topic in topics:
            self._value |= worth(topic, space, {ident for ident in answered if ident})

    def post(self) -> dict[str, Any]:
        phrases = self._headlines.phrases(self._said)
        people = _by_share(self._said)
        first, last = self._said[0], self._said[-1]
        title = self._headlines.title(self._said, phrases, self._value)
        sections = [self._section(topic) for topic in self._topics]
        told = [section for section in sections if section["paragraphs"]]
        if len(told) == 1:
            told[0]["heading"] = ""
        return {
            "title": title,
            "dek": self._dek(people, phrases, first, last),
            "sections": told,
            "decisions": self._decisions(),
            "open_questions": self._open_questions(),
            "tags": _tags(phrases),
            "people": people,
        }

    def _dek(self, people: Sequence[str], phrases: Sequence[Phrase], first: Said, last: Said) -> str:
        about = [phrase.with_article() for phrase in distinct(phrases, 3, floor=0.3, language=self._transcript.main)]
        when = self._prose.time(first.day, first.clock, last.day, last.clock)
        subject = f": {self._prose.listing(about)}" if about else ""
        return f"{self._prose.people(people)}, {when}{subject}."

    def _section(self, topic: Topic) -> dict[str, Any]:
        chosen = choose(topic, self._space, self._value)
        phrases = self._headlines.phrases(topic.said)
        heading = self._headlines.heading(topic.said, phrases, self._value)
        highlight = self._highlight(chosen)
        paragraphs: list[dict[str, Any]] = []
        for group in _exchanges(chosen):
            paragraphs += self._paragraphs(group, highlight, starts=not paragraphs)
        paragraphs += self._rest(topic, chosen)
        return {"heading": heading, "paragraphs": paragraphs}

    def _highlight(self, chosen: Sequence[Said]) -> Said | None:
        """The message that stands as a block: the worthiest of a good length."""
        fit = [
            m
            for m in chosen
            if _BLOCK[0] <= len(m.text) <= _BLOCK[1] and len(m.terms) > 3 and m.kind == "text" and not m.shows
        ]
        return max(fit, key=lambda m: (self._value[m.id], -m.place)) if fit and len(chosen) > 3 else None

    def _paragraphs(self, group: Sequence[Said], highlight: Said | None, *, starts: bool) -> list[dict[str, Any]]:
        """One exchange: messages in a row as sentences; pictures, links and the highlight begin a new paragraph."""
        made: list[dict[str, Any]] = []
        clauses: list[str] = []
        sources: list[str] = []
        before: Said | None = None

        def close() -> None:
            if clauses:
                made.append({"text": " ".join(clauses), "sources": list(dict.fromkeys(sources))})
                clauses.clear()
                sources.clear()

        for message in group:
            if message is highlight:
                close()
                kind = QUOTE_OPEN if self._begins(message) else QUOTE
                lead = self._prose.clause(kind, message.author or "", message.clock)
                block = {"text": quotable(message.text, _BLOCK[1]), "source": message.id}
                if block["text"]:
                    made.append({"text": lead, "sources": [message.id], "quotes": [block]})
                before = message
                continue
            if message.shows:
                close()
                made += self._shared(message)
                before = message
                continue
            if message.kind == "poll":
                close()
                clauses.append(self._prose.clause(POLL, message.author or "", message.clock, poll(message.text)))
                sources.append(message.id)
                close()
                before = message
                continue
            words = quotable(message.text)
            if not words:
                continue
            clauses.append(
                self._clause(message, marked(words, message.text), before, starts=starts and not made and not clauses)
            )
            sources.append(message.id)
            before = message
        close()
        return made

    def _clause(self, message: Said, quoted: str, before: Said | None, *, starts: bool) -> str:
        name = message.author or ""
        replied = self._transcript.by_id.get(message.reply or "")
        if self._begins(message):
            return self._prose.clause(OPEN, name, message.clock, quoted)
        if starts:
            return self._prose.clause(START, name, message.clock, quoted)
        if replied is not None and replied.author and replied.author != name:
            return self._prose.clause(REPLY, name, message.clock, quoted, replied.author)
        if before is None:
            return self._prose.clause(LATER, name, message.clock, quoted)
        if message.asks and quoted.rstrip("”.").endswith("?"):
            return self._prose.clause(ASK, name, message.clock, quoted)
        if before.author == name:
            return self._prose.clause(AGAIN, name, message.clock, quoted)
        return self._prose.clause(THEN, name, message.clock, quoted)

    def _begins(self, message: Said) -> bool:
        """Whether it is the first message of a post that has more than a few."""
        return message is self._said[0] and len(self._said) > _FEW

    def _shared(self, message: Said) -> list[dict[str, Any]]:
        name, clock = message.author or "", message.clock
        words = quotable(message.text)
        made: list[dict[str, Any]] = []
        if message.pictures or message.media:
            paragraph: dict[str, Any] = {
                "text": self._prose.shared(name, clock, len(message.pictures), message.media),
                "sources": [message.id],
                "pictures": [picture[0] for picture in message.pictures],
            }
            if words and not message.pictures:
                paragraph["text"] += " " + marked(words, message.text)
            if said := quotable(" ".join(message.heard)):
                paragraph["text"] += " " + self._prose.heard(marked(said, " ".join(message.heard)))
            made.append(paragraph)
        if message.links:
            text = self._prose.link(name, clock, len(message.links), _titles(message))
            if words and not made and len(words.split()) > 1:
                text = f"{text} {marked(words, message.text)}"
            made.append({"text": text, "sources": [message.id], "links": [link[0] for link in message.links]})
        return made

    def _rest(self, topic: Topic, chosen: Sequence[Said]) -> list[dict[str, Any]]:
        """How much more was said after what is told, where it is much."""
        if not chosen:
            return []
        after = [message for message in topic.said if message.place > chosen[-1].place]
        if len(after) < _WORTH_COUNTING:
            return []
        names = list(dict.fromkeys(message.author for message in after if message.author))
        text = self._prose.rest(len(after), names, after[-1].clock)
        return [{"text": text, "sources": [message.id for message in after[:_MOST_SOURCES]]}]

    def _decisions(self) -> list[dict[str, Any]]:
        made = []
        for decision in find_decisions(self._said, self._transcript):
            said = marked(quotable(decision.said.text), decision.said.text)
            about = marked(quotable(decision.about.text), decision.about.text) if decision.about else ""
            if not said or (decision.about and not about):
                continue
            proposer = decision.about.author or "" if decision.about else ""
            sources = [decision.about.id] if decision.about else []
            text = self._prose.decision(said.rstrip("."), decision.said.author or "", about.rstrip("."), proposer)
            made.append({"text": text, "sources": [*sources, decision.said.id]})
        return made

    def _open_questions(self) -> list[dict[str, Any]]:
        made = []
        for message, later in find_open_questions(self._said):
            quoted = marked(quotable(message.text), message.text)
            if quoted:
                until = (later.clock if later.day == message.day else self._prose.day(later.day)) if later else ""
                text = self._prose.unanswered(message.author or "", message.clock, quoted, until)
                made.append({"text": text, "sources": [message.id, *([later.id] if later else [])]})
        return made


def _titles(message: Said) -> list[str]:
    """Titles of the pages that were read; what is only spelt from an address says nothing of the page."""
    return [link[2] for link in message.links if len(link) > 3 and not is_spelt(link[2], link[1])]


def _exchanges(chosen: Sequence[Said]) -> list[list[Said]]:
    """Chosen messages that stand near each other, a few together."""
    groups: list[list[Said]] = []
    for message in chosen:
        near = (
            groups
            and message.place - groups[-1][-1].place <= _TOGETHER_PLACES
            and message.minute - groups[-1][-1].minute <= _TOGETHER_MINUTES
            and len(groups[-1]) < _TOGETHER
        )
        if near:
            groups[-1].append(message)
        else:
            groups.append([message])
    return groups


def _by_share(said: Sequence[Said]) -> list[str]:
    """Who spoke, those who said most first."""
    share: Counter[str] = Counter()
    for message in said:
        if message.author:
            share[message.author] += 1 + len(message.terms)
    return sorted(share, key=lambda name: (-share[name], name))


def _tags(phrases: Sequence[Phrase]) -> list[str]:
    tags = [phrase.surface for phrase in distinct(phrases, _MOST_TAGS, floor=0.25) if len(phrase.surface) <= 40]
    return list(dict.fromkeys(tags))

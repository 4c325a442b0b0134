"""Exports that are parsed side by side know nothing of each other's people; what is stored knows all of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.archive.details import details
from stages.archive.merge import ParsedExport
from stages.archive.records import Attachment, Enrichment
from stages.enrich.queue import enqueue_candidates
from stages.enrich.store import TaskStore
from stages.privacy.alias import aliases
from stages.privacy.guard import Guard
from stages.settings import load_settings
from tests.stages.archive.conftest import Chronicle
from tests.stages.archive.rows import KEY

MONDAY = """11/03/2026, 18:04 - Ana Prado: did Wilhelmina call you?
11/03/2026, 18:05 - Ana Prado: IMG-20260311-WA0001.jpg (file attached)
11/03/2026, 18:06 - Ana Prado: report of Wilhelmina Prott.pdf (file attached)
11/03/2026, 18:07 - Ana Prado: see https://example.org/wilhelmina-prott/notes
"""
FRIDAY = """15/03/2026, 18:04 - Wilhelmina Prott: yes, I spoke to prado
15/03/2026, 18:05 - Wilhelmina Prott: fine
"""
NAMES = ("wilhelmina", "prott", "prado")


def everything(chronicle: Chronicle) -> str:
    return repr([chronicle.rows(), chronicle.rows(table="attachments"), chronicle.rows(table="details")]).lower()


@pytest.mark.parametrize("texts", [(MONDAY, FRIDAY), (FRIDAY, MONDAY)], ids=["early", "late"])
def test_names_are_hidden_in_the_rows_of_every_export_of_a_run(chronicle: Chronicle, texts: Sequence[str]) -> None:
    exports = [chronicle.parse(text, known=()) for text in texts]
    exports = [replace(export, attachments=files(export)) for export in exports]
    for export in exports:
        chronicle.merge(export)
    assert not [name for name in NAMES if name in everything(chronicle)]
    assert list(chronicle.archive.work.glob("*rewritten*")) == []
    assert all(row["text_bytes"] == len(row["text"].encode()) for row in chronicle.rows())
    named = {name for row in chronicle.rows() for name in row["media"]}
    assert named == {row["name"] for row in chronicle.rows(table="attachments")}


def files(export: ParsedExport) -> tuple[Attachment, ...]:
    names = [name for media in pq.read_table(export.messages)["media"].to_pylist() for name in media]
    return tuple(Attachment(name, export.sha256, number, 10) for number, name in enumerate(names))


def test_rows_are_the_same_as_if_each_export_had_known_the_one_before(chronicles: Callable[[], Chronicle]) -> None:
    apart, in_turn = chronicles(), chronicles()
    for export in [apart.parse(text, known=()) for text in (MONDAY, FRIDAY)]:
        apart.merge(export)
    for number, text in enumerate((MONDAY, FRIDAY)):
        in_turn.merge(in_turn.parse(text), run_id=f"run-{number}")
    assert apart.rows() == in_turn.rows()


def test_a_message_in_two_exports_of_a_run_is_aligned_once_its_names_are_hidden(chronicle: Chronicle) -> None:
    ios = "\r\n".join(
        f"[{line[:17]}:33] {line[20:]}" for line in (MONDAY + FRIDAY).splitlines() if "attached" not in line
    )
    exports = [chronicle.parse(text, known=()) for text in (MONDAY, ios)]
    assert [chronicle.merge(export).added for export in exports] == [4, 2]


def test_what_a_run_before_brought_was_known_when_the_export_was_parsed(chronicle: Chronicle) -> None:
    chronicle.merge(FRIDAY, run_id="monday's")
    late = chronicle.parse(MONDAY)
    before = late.messages.stat().st_mtime_ns
    chronicle.merge(late, run_id="friday's")
    assert late.messages.stat().st_mtime_ns == before
    assert list(chronicle.archive.work.glob("*rewritten*")) == []
    assert not [name for name in NAMES if name in everything(chronicle)]


def test_topics_and_hidden_links_are_searched_too(chronicle: Chronicle) -> None:
    early = with_details(chronicle.parse(MONDAY, known=()), topic="About Wilhelmina", link="https://a.org/prott")
    late = chronicle.parse(FRIDAY, known=())
    chronicle.merge(early)
    chronicle.merge(late)
    assert not [name for name in NAMES if name in everything(chronicle)]
    again = with_details(chronicle.parse(MONDAY, known=()), topic="About Wilhelmina", link="https://a.org/prott")
    chronicle.merge(again)
    assert not [name for name in NAMES if name in everything(chronicle)]
    assert len(details(chronicle.archive.cursor())) == 4


def with_details(export: ParsedExport, *, topic: str, link: str) -> ParsedExport:
    table = pq.read_table(export.messages)
    n = len(table)
    table = table.append_column("topic", pa.array([topic] * n, pa.string()))
    table = table.append_column("links", pa.array([[link]] * n, pa.list_(pa.string())))
    path = Path(f"{export.messages}.told")
    pq.write_table(table, path)
    return replace(export, messages=path)


@cache
def namesakes() -> tuple[str, str]:
    """Two people whose aliases are equal while neither is known to the other."""
    given: dict[str, str] = {}
    for number in range(20_000):
        name = f"Person X{number}q"
        alias = aliases(KEY, [name], {})[name]
        if alias in given:
            return given[alias], name
        given[alias] = name
    raise AssertionError("no two aliases are equal")


def talk(*people: str, day: int = 11) -> str:
    """Everybody says something and names the one before."""
    return "".join(
        f"{day}/03/2026, 18:{minute:02} - {name}: hello {people[minute - 1]}, {minute} apples\n"
        for minute, name in enumerate(people)
    )


def test_namesakes_of_two_exports_stay_two_people(chronicles: Callable[[], Chronicle]) -> None:
    one, two = namesakes()
    apart, in_turn = chronicles(), chronicles()
    texts = (talk(one, "Ana Prado"), talk(two, "Bruno Lemke", day=12), talk(two, one, "Clara Voss", day=13))
    for export in [apart.parse(text, known=()) for text in texts]:
        apart.merge(export)
    for number, text in enumerate(texts):
        in_turn.merge(in_turn.parse(text), run_id=f"run-{number}")
    assert [row["author"] for row in apart.rows()] == [row["author"] for row in in_turn.rows()]
    assert [row["text"] for row in apart.rows()] == [row["text"] for row in in_turn.rows()]
    assert len(set(apart.column("author"))) == 5
    identities = "names WHERE words = 0 AND kind = 'name' ORDER BY mac"
    assert apart.rows("mac, alias", identities) == in_turn.rows("mac, alias", identities)


def test_a_namesake_s_messages_keep_the_alias_when_they_come_again(chronicle: Chronicle) -> None:
    one, two = namesakes()
    for export in [chronicle.parse(text, known=()) for text in (talk(one), talk(two, day=12))]:
        chronicle.merge(export)
    before = chronicle.rows()
    for export in [chronicle.parse(text, known=()) for text in (talk(two, day=12), talk(one))]:
        assert chronicle.merge(export, run_id="another").added == 0
    assert chronicle.rows() == before
    assert len(set(chronicle.column("author"))) == 2


def test_two_names_that_were_said_to_be_one_person_stay_one(chronicle: Chronicle) -> None:
    chronicle.merge(talk("Ana Prado", "Bruno Lemke"))
    alias = chronicle.column("author")[1]
    export = chronicle.parse(talk("Ana Prado", "Lemke from work", day=12), same={"Lemke from work": "Bruno Lemke"})
    stranger = Guard.build(KEY, ["Lemke from work"]).records()
    said = tuple(replace(record, alias=alias) for record in stranger if record.alias and not record.words)
    chronicle.merge(replace(export, names=(*export.names, *said)), run_id="another")
    assert [row["author"] for row in chronicle.rows()].count(alias) == 2


def test_a_name_learnt_later_is_hidden_in_what_pages_and_files_say(chronicle: Chronicle) -> None:
    chronicle.merge(chronicle.parse(MONDAY))
    enqueue_candidates(str(chronicle.archive.folder), settings=load_settings().settings)
    store = TaskStore(chronicle.archive.cursor())
    tasks = {task.kind: task for task in store.claim(9, 60, datetime(2026, 3, 12, tzinfo=UTC))}
    link, file = tasks["url"], tasks["document"]
    store.complete(
        [
            Enrichment(link.key, "url", link.value, title="Notes by Wilhelmina Prott", text="Prott wrote it."),
            Enrichment(file.key, "document", file.value, title="What Wilhelmina Prott found", site=None),
        ]
    )
    chronicle.merge(chronicle.parse(FRIDAY), run_id="run-1")
    alias = aliases(KEY, ["Wilhelmina Prott"], {})["Wilhelmina Prott"]
    # the address held the name: the link goes, and the one that the text holds now is found anew
    assert [known.title for known in store.enrichments()] == [f"What {alias} found"]
    enqueue_candidates(str(chronicle.archive.folder), settings=load_settings().settings)
    assert not [name for name in NAMES if name in repr(chronicle.rows(table="tasks")).lower()]
    assert store.links_waiting() == 1

"""The language in which pictures are described: that of the posts, else that of most messages, else nobody knows."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pytest

from stages.archive.store import to_json
from stages.archive.tables import TABLES
from stages.enrich.spoken import chat_language

PORTUGUESE = "não sei se ele vai para a praia com os amigos, mas acho que sim porque está sol"
ENGLISH = "I do not know whether he is going to the beach with his friends, but I think that he will"
RUSSIAN = "я не знаю, поедет ли он на пляж с друзьями, но мне кажется, что это было бы хорошо"


def archive(texts: Sequence[str], posts: Sequence[Sequence[str]] = ()) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for statement in TABLES:
        connection.execute(statement)
    rows = pa.table({"seq": list(range(len(texts))), "text": pa.array(texts, pa.string())})
    connection.register("rows", rows)
    connection.execute(
        "INSERT INTO messages BY NAME SELECT seq, 'id' || seq AS message_id, now() AS ts, 'A' AS author, "
        "'text' AS kind, text, 1 AS text_bytes, [] AS media, false AS edited FROM rows"
    )
    for number, languages in enumerate(posts):
        connection.execute(
            "INSERT INTO outcomes BY NAME SELECT ? AS signature, 'written' AS status, ? AS posts, 'm' AS model, "
            "'r' AS run_id",
            [f"s{number}", to_json([{"language": language} for language in languages])],
        )
    return connection


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        ([PORTUGUESE] * 30 + [ENGLISH] * 3, "pt"),
        ([ENGLISH] * 5_000, "en"),
        ([RUSSIAN] * 40, "ru"),
        ([], None),
        (["ok", "kkkk", "https://example.org/the/of/and"], None),
        ([PORTUGUESE] * 60 + [ENGLISH] * 60 + [RUSSIAN] * 60, None),
    ],
    ids=["portuguese", "english", "russian", "empty", "nothing", "thirds"],
)
def test_most_messages_decide(texts: Sequence[str], language: str | None) -> None:
    assert chat_language(archive(texts)) == language


def test_posts_that_there_are_decide_before_messages() -> None:
    assert chat_language(archive([ENGLISH] * 30, [["pt", "pt"], ["en"], []])) == "pt"
    assert chat_language(archive([ENGLISH] * 30, [[], []])) == "en"

"""Chats of any size from a seed, in the grammar of an Android export, written as a stream."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

TEXT: Final = (
    "the boat train dinner garden letter window amanhã café praia música livro gato chuva mesa jardim viagem "
    "concert bread ladder telescope river street picture story question answer summer winter friend idea"
)
WORDS: Final = tuple(TEXT.split())
PEOPLE: Final = tuple(f"Person {letter}" for letter in "ABCDEFGH")


def write_chat(path: Path, messages: int, seed: int = 1) -> int:
    """Write ``messages`` messages, many of them in the same minute, a link in one of fifty; returns the bytes."""
    rng = random.Random(seed)
    moment = datetime(2019, 1, 1, 8)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for number in range(messages):
            if rng.random() < 0.4:
                moment += timedelta(minutes=rng.randrange(1, 12))
            text = " ".join(rng.choices(WORDS, k=rng.randrange(3, 14)))
            if number % 50 == 0:
                text += f" https://example.org/page/{rng.randrange(5_000)}?utm_source=chat"
            out.write(f"{moment:%d/%m/%Y %H:%M} - {PEOPLE[rng.randrange(8)]}: {text}\n")
    return path.stat().st_size


_MESSAGES: Final = """
SELECT seq, md5(seq::VARCHAR) AS message_id,
  make_timestamptz(1262304000000000 + 60000000 * (
    seq // 1000 * 1440 + seq % 1000 // 200 * 200 + (seq % 200) * (seq % 200) // 800)) AS ts,
  CASE WHEN draw % 199 = 0 THEN NULL ELSE 'Person ' || chr((65 + draw % 8)::INTEGER) END AS author,
  CASE WHEN draw % 199 = 0 THEN 'system' WHEN draw % 20 = 1 THEN 'media' ELSE 'text' END AS kind,
  head.phrase || ' ' || tail.phrase AS text, strlen(text)::INTEGER AS text_bytes,
  CASE WHEN kind = 'media' THEN ['IMG-' || seq || '.jpg'] ELSE []::VARCHAR[] END AS media,
  CASE WHEN draw % 10 = 3 AND seq > 0 THEN md5((seq - 1)::VARCHAR) END AS reply_to, draw % 50 = 7 AS edited
FROM (SELECT range AS seq, hash(range) AS draw FROM range($rows))
JOIN phrases AS head ON head.at = 1 + (draw >> 8) % 1024 JOIN phrases AS tail ON tail.at = 1 + (draw >> 24) % 1024
ORDER BY seq
"""


def write_messages(folder: Path, messages: int) -> tuple[Path, Path]:
    """A table of messages in ``seq`` order as a Parquet file and as the table ``messages`` of a DuckDB file.

    All columns, and always the same for a number of messages: a thousand a day in five conversations, up to 29 in a
    minute, texts of about 50 bytes, a few without author, media, replies. Made by the engine; memory does not grow
    with ``messages``.
    """
    rng = random.Random(1)
    phrases = [" ".join(rng.choices(WORDS, k=rng.randrange(1, 8))) for _ in range(1_024)]
    parquet, stored = folder / f"{messages}.parquet", folder / f"{messages}.duckdb"
    with duckdb.connect(str(stored), config={"memory_limit": "1GB"}) as connection:
        connection.execute(
            "CREATE TEMP TABLE phrases AS SELECT unnest($all) AS phrase, generate_subscripts($all, 1) AS at",
            {"all": phrases},
        )
        connection.execute(f"CREATE TABLE messages AS {_MESSAGES}", {"rows": messages})
        connection.execute(f"COPY (FROM messages) TO '{parquet}' (COMPRESSION zstd)")
    return parquet, stored

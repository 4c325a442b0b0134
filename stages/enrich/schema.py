"""The tables of the task store: as they are made, and as those of an older archive become them."""

from dataclasses import fields
from typing import Final

from stages.archive.records import Enrichment

RESULT: Final = tuple(field.name for field in fields(Enrichment) if field.name not in ("key", "kind", "value"))

TASKS_SQL: Final = """CREATE TABLE IF NOT EXISTS tasks (
    key VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, value VARCHAR NOT NULL,
    first_seq BIGINT NOT NULL, n_messages BIGINT NOT NULL,
    state VARCHAR NOT NULL, attempts INTEGER NOT NULL, lease_until TIMESTAMPTZ,
    error_class VARCHAR, last_error VARCHAR,
    title VARCHAR, text VARCHAR, alt VARCHAR, transcript VARCHAR, mime VARCHAR, width BIGINT, height BIGINT,
    bytes BIGINT, sha256 VARCHAR, files VARCHAR, fetched BOOLEAN, site VARCHAR, published VARCHAR, language VARCHAR,
    seconds DOUBLE, preview VARCHAR, look VARCHAR, sizes VARCHAR, told_by VARCHAR)"""

KNOWN: Final = "files IS NOT NULL"
"""A row has a result: every result has its list of files, be it empty."""

ENRICHMENTS_SQL: Final = f"""CREATE OR REPLACE VIEW enrichments AS
    SELECT key, kind, value, {", ".join(RESULT)} FROM tasks WHERE {KNOWN}"""

SCHEMA_SQL: Final = f"{TASKS_SQL};\n{ENRICHMENTS_SQL};"
"""``tasks``, and ``enrichments`` as a view of those with a result; ``files`` and ``sizes`` are JSON lists."""

# what was added since the first archives, in this order
_ADDED: Final = {
    "site": "VARCHAR", "published": "VARCHAR", "language": "VARCHAR", "seconds": "DOUBLE", "preview": "VARCHAR",
    "look": "VARCHAR", "sizes": "VARCHAR", "told_by": "VARCHAR",
}  # fmt: skip

MIGRATE_SQL: Final = (
    *(f"ALTER TABLE tasks ADD COLUMN IF NOT EXISTS {name} {kind}" for name, kind in _ADDED.items()),
    ENRICHMENTS_SQL,
)
"""Makes the tables of an older archive those of :data:`SCHEMA_SQL`; run twice it changes nothing more."""

TASKS_VERSION: Final = "3"
"""Says which of the two an archive needs."""

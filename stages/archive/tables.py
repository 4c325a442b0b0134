"""The archive's tables as DDL. A change here is a change of ``SCHEMA_VERSION``."""

from typing import Final

SCHEMA_VERSION: Final = "1"

TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)",
    # one row an export that was taken in; its file name is not kept, it often is a person's name
    """CREATE TABLE IF NOT EXISTS exports (
        sha256 VARCHAR PRIMARY KEY, run_id VARCHAR NOT NULL, platform VARCHAR NOT NULL, format VARCHAR NOT NULL,
        reading VARCHAR NOT NULL, entries BIGINT NOT NULL, matched BIGINT NOT NULL, added BIGINT NOT NULL)""",
    # no constraints: rows are loaded in seq order and verified, an index would cost memory at a million rows
    """CREATE TABLE IF NOT EXISTS messages (
        seq BIGINT, message_id VARCHAR, ts TIMESTAMPTZ, author VARCHAR, kind VARCHAR, text VARCHAR,
        text_bytes INTEGER, media VARCHAR[], reply_to VARCHAR, edited BOOLEAN)""",
    # ids under which other exports know a message that is stored as same_as; ts where that export counts seconds
    "CREATE TABLE IF NOT EXISTS known_as (message_id VARCHAR, same_as VARCHAR, ts TIMESTAMPTZ)",
    # from when to when each export goes, and whether its times are cut to minutes
    """CREATE TABLE IF NOT EXISTS stretches (
        sha256 VARCHAR, first_ts TIMESTAMPTZ, last_ts TIMESTAMPTZ, to_minute BOOLEAN)""",
    # messages whose place behind the one before them, at the same time, no export has shown yet
    "CREATE TABLE IF NOT EXISTS tie_breaks (message_id VARCHAR)",
    # what few sources tell of a message, one row for those that have any of it
    """CREATE TABLE IF NOT EXISTS details (
        message_id VARCHAR, reactions INTEGER, topic VARCHAR, links VARCHAR[])""",
    """CREATE TABLE IF NOT EXISTS names (
        mac VARCHAR, head VARCHAR, words INTEGER, kind VARCHAR, common BOOLEAN, alias VARCHAR)""",
    # names that exports of the latest run brought: what else it parsed did not know them
    "CREATE TABLE IF NOT EXISTS names_of_run (run_id VARCHAR, mac VARCHAR, kind VARCHAR)",
    """CREATE TABLE IF NOT EXISTS attachments (
        name VARCHAR PRIMARY KEY, export VARCHAR NOT NULL, member BIGINT NOT NULL, size BIGINT NOT NULL)""",
    # which message speaks of which candidate
    "CREATE TABLE IF NOT EXISTS mentions (seq BIGINT, key VARCHAR)",
    # the plan of the last run; outcomes outlive it, so a plan that comes back costs nothing
    """CREATE TABLE IF NOT EXISTS windows (
        window_index BIGINT, start_seq BIGINT, end_seq BIGINT, own_start_seq BIGINT, own_end_seq BIGINT,
        start_ts TIMESTAMPTZ, end_ts TIMESTAMPTZ, n_messages BIGINT, n_bytes BIGINT, signature VARCHAR)""",
    """CREATE TABLE IF NOT EXISTS outcomes (
        signature VARCHAR PRIMARY KEY, status VARCHAR NOT NULL, posts VARCHAR NOT NULL, model VARCHAR NOT NULL,
        error VARCHAR, run_id VARCHAR NOT NULL)""",
    # slugs never change once published
    """CREATE TABLE IF NOT EXISTS slugs (
        signature VARCHAR, part INTEGER, path VARCHAR NOT NULL, PRIMARY KEY (signature, part))""",
    """CREATE TABLE IF NOT EXISTS runs (
        run_id VARCHAR PRIMARY KEY, started TIMESTAMPTZ NOT NULL, ended TIMESTAMPTZ, status VARCHAR NOT NULL,
        report VARCHAR)""",
)

"""``streamliner parse``: an export becomes a Parquet file of messages, and says what it saw."""

from collections.abc import Mapping

import click

from flows.commands.output import (
    alias_option,
    chat_option,
    config_option,
    direct_option,
    format_option,
    json_option,
    map_option,
    print_json,
    print_table,
    settings_for,
)


@click.command(name="parse")
@click.argument("export", type=click.Path())
@click.option("--out", type=click.Path(), help="Parquet file to write; without it the export is only judged.")
@click.option("--timezone", help="IANA time zone in which the export's times are read.")
@click.option("--date-order", type=click.Choice(["auto", "dmy", "mdy", "ymd"]), help="Order of day, month and year.")
@click.option("--raw-authors", is_flag=True, help="Keep names and texts as in the export. Never part of publishing.")
@chat_option
@alias_option
@format_option
@map_option
@direct_option
@config_option
@json_option
def command(
    export: str, out: str | None, timezone: str | None, date_order: str | None, raw_authors: bool, chat: str | None,
    aliases: tuple[str, ...], platform: str | None, mapping: str | None, direct_messages: bool | None,
    config: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Read an export, say what it is, and write its messages in order."""
    import tempfile
    from pathlib import Path

    from stages.ingest.export import ParseOptions, parse_export
    from stages.ingest.limits import processes, zip_limits
    from stages.parquet import output_file
    from stages.privacy import key as privacy_key
    from stages.privacy.same import renamed

    asked = {
        "archive.timezone": timezone,
        "ingest.date_order": date_order,
        "ingest.direct_messages": direct_messages,
    }
    loaded = settings_for(config, None, asked)
    settings = loaded.settings
    secret = settings.privacy.key
    notes: list[str] = []
    found = privacy_key.find_key(secret.get_secret_value() if secret else None, say=notes.append)
    key = found or privacy_key.new_key()
    columns: Mapping[str, str] = {}
    if mapping:
        from stages.ingest.table.mapping import parse_mapping

        columns = parse_mapping(mapping)
    same, known = renamed(aliases, key, ())
    options = ParseOptions(
        processes=processes(settings.performance),
        timezone=settings.archive.timezone,
        date_order=settings.ingest.date_order,
        raw_authors=raw_authors,
        block_bytes=settings.ingest.block_mb << 20,
        limits=zip_limits(settings.ingest),
        platform=platform,
        chat=None if chat == "all" else chat,
        mapping=columns,
        same=same,
        direct_messages=settings.ingest.direct_messages,
    )
    with tempfile.TemporaryDirectory(prefix="streamliner-") as scratch:
        target = output_file(out, Path(export)) if out is not None else Path(scratch) / "messages.parquet"
        report = parse_export(
            Path(export), target, key=key, options=options, known=known, region=settings.privacy.region
        )
    if found is None and not raw_authors:
        privacy_key.keep_key(key, say=notes.append)
    for note in notes:
        click.echo(note, err=True)
    result = report.as_json()
    if as_json:
        print_json(result)
        return
    for warning in result["warnings"]:
        click.echo(warning, err=True)
    rows = [(name, result[name]) for name in ("platform", "format", "date_order", "evidence", "ambiguous")]
    rows += [(f"{name}", f"{count:,}") for name, count in result["counts"].items() if count]
    rows += [("authors", len(result["authors"])), ("first", result["first_ts"]), ("last", result["last_ts"])]
    rows += [("seconds", f"{result['seconds']:.2f}"), ("peak MB", f"{result['peak_rss_mb']:.0f}")]
    if result["unparsed"]:
        unparsed = result["unparsed"]
        rows.append(("not understood", f"{unparsed['count']:,}, first {unparsed['first']}: {unparsed['looks_like']}"))
    print_table(("what", "value"), rows)
    if len(result["chats"]) > 1:
        heads = [name for name in ("number", "kind", "entries", "id", "name") if name in result["chats"][0]]
        print_table(heads, [[chat[name] for name in heads] for chat in result["chats"]], right=(0, 2))

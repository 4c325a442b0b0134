"""What makes other readers go wrong in silence: foreign headers, colons, marks, line ends, several shapes."""

from collections.abc import Callable
from typing import Any

import pytest

from stages.errors import BadInput

Parse = Callable[..., Any]


def test_a_pasted_header_of_another_shape_is_text(parse: Parse) -> None:
    parsed = parse(
        "[17.9.2019, 16:37:47] Peter: first\n"
        "[1.9.19, 00:00:00] Peter: pasted line\n"
        "[17.9.2019, 16:38:06] Peter: second\n"
        "2/11/19, 14:48 - Jo: pasted from Android\n"
        "[17.09.2019, 16:39:52] John: last\n"
    )
    assert [text for _, _, text in parsed.said] == [
        "first\n[1.9.19, 00:00:00] Peter: pasted line",
        "second\n2/11/19, 14:48 - Jo: pasted from Android",
        "last",
    ]
    assert any("line 2" in warning for warning in parsed.report.warnings)


def test_a_format_that_changes_with_an_update_is_followed(parse: Parse) -> None:
    before = "".join(f"{day:02}/01/2023, 10:{day:02} - Ana: m{day}\n" for day in range(1, 21))
    after = "".join(f"{day}/2/23, 9:{day:02}\u202fp.\u00a0m. - Rui: n{day}\n" for day in range(1, 21))
    parsed = parse(before + after)
    assert parsed.report.counts["entries"] == 40
    assert "; then " in parsed.report.format
    assert parsed.said[20] == ("2023-02-01T21:01:00", "Rui", "n1")


def test_a_clock_switched_to_twelve_hours_is_followed(parse: Parse) -> None:
    parsed = parse("13/01/2023, 22:10 - Ana: a\n14/01/2023, 8:10\u202fAM - Ana: b\n14/01/2023, 9:10\u202fPM - Ana: c\n")
    assert [ts for ts, _, _ in parsed.said] == ["2023-01-13T22:10:00", "2023-01-14T08:10:00", "2023-01-14T21:10:00"]


@pytest.mark.parametrize(
    ("line", "author", "text"),
    [
        ("You created the group: Chatmap", None, "You created the group: Chatmap"),
        ("Ana changed the subject to: Our trip: day 2", None, "Ana changed the subject to: Our trip: day 2"),
        ("Você criou o grupo: Família", None, "Você criou o grupo: Família"),
        ("John Doe:.", None, "John Doe:."),
        ("Ana:", "Ana", ""),
        ("Ana: ", "Ana", ""),
        ("~\u202fBia: oi", "~\u202fBia", "oi"),
        ("\u202a+55 11\u00a098888\u20117777\u202c: oi", "+55 11\u00a098888\u20117777", "oi"),
        ("Ana - work: oi", "Ana - work", "oi"),
        ("Even longer username with emoticons! 🙈 🙈: Maybe", "Even longer username with emoticons! 🙈 🙈", "Maybe"),
        ("a message without anybody", None, "a message without anybody"),
        ("Ana: Lorem : ipsum: dolor", "Ana", "Lorem : ipsum: dolor"),
    ],
)
def test_who_wrote(parse: Parse, line: str, author: str | None, text: str) -> None:
    parsed = parse(f"13/03/24, 10:00 - Ana: hi\n13/03/24, 10:01 - {line}\n13/03/24, 10:02 - Ana: bye\n")
    assert parsed.said[1][1:] == (author, text)


def test_a_name_that_holds_a_colon_itself(parse: Parse) -> None:
    said = "".join(f"13/03/24, 10:{minute:02} - Dr: House: vicodin {minute}\n" for minute in range(6))
    parsed = parse(said + "13/03/24, 11:00 - Ana: hi\n")
    assert parsed.report.authors == ["Ana", "Dr: House"]
    assert parsed.said[0][2] == "vicodin 0"


def test_somebody_who_sends_places_only_keeps_the_name(parse: Parse) -> None:
    place = "location: https://maps.google.com/?q=19.62,-99.12"
    parsed = parse("".join(f"13/03/24, 10:{minute:02} - Ana: {place}\n" for minute in range(6)))
    assert parsed.report.authors == ["Ana"]
    assert parsed.column("kind") == ["location"] * 6


def test_a_file_that_has_no_space_after_the_colon(parse: Parse) -> None:
    parsed = parse("[2026/7/9 02:28:09] Ana:Hey\n[2026/7/9 02:28:37] Rui:Hi\n[2026/7/9 02:29:37] Ana:What: now\n" * 2)
    assert [entry[1:] for entry in parsed.said[:2]] == [("Ana", "Hey"), ("Ana", "Hey")]
    assert parsed.report.authors == ["Ana", "Rui"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("feed", ["\n", "\r\n"])
def test_encodings_and_line_ends_change_nothing(parse: Parse, encoding: str, feed: str) -> None:
    lines = ["13/03/2024, 10:00 - Ana: olá ção 😀", "", "third line", "14/03/2024, 10:01 - Rui: tchau"]
    parsed = parse(feed.join(lines).encode(encoding))
    assert parsed.said == [
        ("2024-03-13T10:00:00", "Ana", "olá ção 😀\n\nthird line"),
        ("2024-03-14T10:01:00", "Rui", "tchau"),
    ]


def test_marks_scattered_in_headers_and_texts_are_no_part_of_either(parse: Parse) -> None:
    parsed = parse(
        "\ufeff\u200e[13/03/2024, 10:00:00] \u200fسارة\u200f: \u200fمرحبا\u202c\n"
        "\ufeff[13/03/2024, 10:00:01] Rui: @\u2068Ana\u2069 oi\n"
    )
    assert parsed.said[1] == ("2024-03-13T10:00:01", "Rui", "@Ana oi")
    assert not any(mark in str(parsed.said) for mark in ("\\u200", "\\u202", "\\u206", "\\ufeff"))


def test_bytes_that_are_no_text_are_replaced_and_counted(parse: Parse) -> None:
    parsed = parse(
        b"13/03/2024, 10:00 - Ana: ok\n13/03/2024, 10:01 - Ana: a\xff\xfeb\n13/03/2024, 10:02 - Ana: \x00x\n"
    )
    assert [text for _, _, text in parsed.said] == ["ok", "a\ufffd\ufffdb", "\ufffdx"]
    assert any("3 characters" in warning and "line 2" in warning for warning in parsed.report.warnings)


def test_lines_before_the_first_message_are_left_out_and_said(parse: Parse) -> None:
    parsed = parse("a title\nanother\n13/03/2024, 10:00 - Ana: ok\n")
    assert parsed.report.counts["entries"] == 1
    assert any("Lines 1 to 2" in warning for warning in parsed.report.warnings)


def test_lines_out_of_order_are_sorted_and_ties_keep_the_order_of_the_file(parse: Parse) -> None:
    parsed = parse(
        "13/03/2024, 10:05 - Ana: c\n13/03/2024, 10:01 - Ana: a\n"
        "13/03/2024, 10:05 - Rui: d\n13/03/2024, 10:01 - Rui: b\n"
    )
    assert [text for _, _, text in parsed.said] == ["a", "b", "c", "d"]
    assert parsed.column("seq") == [0, 1, 2, 3]


def test_a_date_that_does_not_exist_is_text(parse: Parse) -> None:
    parsed = parse("13/03/2024, 10:00 - Ana: x\n31/02/2024, 10:01 - Ana: y\n14/03/2024, 10:02 - Ana: z\n")
    assert [text for _, _, text in parsed.said] == ["x\n31/02/2024, 10:01 - Ana: y", "z"]
    assert len(parsed.report.warnings) == 1
    assert "does not exist, the first is line 2" in parsed.report.warnings[0]
    assert not parsed.report.ambiguous


def test_a_file_understood_by_less_than_half_is_refused_with_the_line(parse: Parse) -> None:
    # no shape holds half of the lines: this is no chat that anything could be said of
    lines = []
    for day in range(10, 30):
        lines += [
            f"[{day}/03/2024, 10:00:00] Ana: x",
            f"{day - 5}.02.24 9:15 - Rui: y",
            f"2023-01-{day:02}, 7:00 am - Bia: z",
        ]
    with pytest.raises(BadInput, match=r"Line 2 did not parse"):
        parse("\n".join(lines))


@pytest.mark.parametrize("author", ["../index", "CON", "<script>alert(1)</script>", "null", "%s", "a" * 100])
def test_authors_with_hostile_names_are_only_names(parse: Parse, author: str) -> None:
    parsed = parse(f"13/03/2024, 10:00 - {author}: ok\n13/03/2024, 10:01 - {author}: ok\n")
    assert parsed.report.authors == [author]


def test_one_message_and_one_very_long_line(parse: Parse) -> None:
    long = "x" * 1_000_000
    parsed = parse(f"13/03/2024, 10:00 - Ana: {long}", block_bytes=1 << 16)
    assert parsed.said == [("2024-03-13T10:00:00", "Ana", long)]


@pytest.mark.parametrize("year", [1970, 2099])
def test_years_at_the_ends_of_what_is_read(parse: Parse, year: int) -> None:
    assert parse(f"13/03/{year}, 10:00 - Ana: x\n").said[0][0] == f"{year}-03-13T10:00:00"

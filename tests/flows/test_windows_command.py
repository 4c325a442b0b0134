"""``streamliner windows`` as a person runs it: what is shown, what is written, what is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.cli import main
from stages.windows.plan import PLAN, plan_windows
from stages.windows.spec import WindowSpec

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 27, 18, 30, tzinfo=UTC)
AUTHORS = ("Quiet Heron", "Bold Otter", None)


def table(count: int = 120, minutes: int = 30) -> pa.Table:
    """A message every so many minutes, every third at the same minute as the one before."""
    times = [START + timedelta(minutes=minutes * (at - (at % 3 == 2))) for at in range(count)]
    return pa.table(
        {
            "seq": pa.array(range(count), pa.int64()),
            "ts": pa.array(times, pa.timestamp("us", tz="UTC")),
            "author": pa.array([AUTHORS[at % 3] for at in range(count)], pa.string()),
            "text": pa.array([f"número {at} " + "x" * (at * 7 % 50) for at in range(count)], pa.string()),
        }
    )


def lines(messages: pa.Table) -> list[str]:
    return [
        f"{row['ts']:%Y-%m-%d %H:%M} {row['author'] or '*'}: {row['text']}\n"
        for row in messages.sort_by("seq").to_pylist()
    ]


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    pq.write_table(table(), tmp_path / "chat.parquet", row_group_size=50)
    return tmp_path / "chat.parquet"


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command line within this process: (exit status, standard output, standard error)."""
    for name in list(os.environ):
        if name.startswith("STREAMLINER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["windows", *map(str, arguments)])
        code = end.value.code
        assert isinstance(code, int)
        return code, *capfd.readouterr()

    return command


def test_a_person_sees_table_histogram_and_summary(streamliner, chat: Path) -> None:
    options = ("--unit", "messages", "--size", "50", "--overlap", "0.1", "--timezone", "Europe/Lisbon")
    done = streamliner("windows", chat, *options)
    assert done.stderr == ""
    shown = done.stdout.splitlines()
    assert shown[0] == "messages, size 50, overlap 0.1; times in Europe/Lisbon"
    head, *rows = (line.split() for line in shown[2:5])
    assert head == ["window", "seq", "own", "first", "last", "span", "messages", "bytes", "tokens"]
    sizes = [len(line.encode()) for line in lines(table())]
    tokens = [-(-size // 4) for size in sizes]
    for row, (number, start, own, end) in zip(rows, [(0, 0, 0, 55), (1, 50, 55, 105)], strict=True):
        assert row[:3] == [str(number), f"{start}–{end - 1}", f"{own}–{end - 1}"]
        assert row[-3:] == ["55", f"{sum(sizes[start:end]):,}", f"{sum(tokens[start:end]):,}"]
    # the clock of Lisbon went forward on 29 March: half past four in UTC is half past five there
    first = table()["ts"][100].as_py().astimezone(ZoneInfo("Europe/Lisbon"))
    assert f"{first:%Y-%m-%d %H:%M}" == "2026-03-29 21:30"
    assert f"  {first:%Y-%m-%d %H:%M}  " in shown[5]
    assert shown[-1] == (
        "3 windows over 120 messages; median 55 a window (20 to 55); 8.3 % read again; largest 55 of 55 messages."
    )
    assert "Windows by tokens" in shown


def test_columns_stand_under_their_heads(streamliner, chat: Path) -> None:
    shown = streamliner("windows", chat, "--unit", "hours", "--size", "5", "--overlap", "0.3").stdout.splitlines()
    head = shown[2]
    body = shown[3 : shown.index("", 3)]
    assert len(body) > 10
    for name in ("seq", "own", "first", "last", "span"):
        at = head.index(name)
        assert all(line[at - 1] == " " and line[at] != " " for line in body), name
    for name in ("window", "messages", "bytes", "tokens"):
        past = head.index(name) + len(name)
        assert all(line[past - 1].isdigit() and line[past : past + 1] in ("", " ") for line in body), name


@pytest.mark.parametrize(
    "options",
    [
        {"unit": "messages", "size": "7", "overlap": "0.29"},
        {"unit": "hours", "size": "5", "overlap": "0.3", "align": "first", "max_span": "4h"},
        {"unit": "days", "size": "1", "timezone": "Europe/Lisbon"},
        {"unit": "bytes", "size": "500", "overlap": "0.5"},
        {"unit": "tokens", "size": "20", "overlap": "0.1"},
        {"unit": "session", "size": "45", "weigh": "tokens:100", "overlap": "0.2"},
    ],
    ids=lambda options: options["unit"],
)
def test_json_holds_every_window_and_the_numbers_that_were_shown(run, chat: Path, options: dict[str, str]) -> None:
    arguments = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    status, out, err = run(chat, *arguments, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    hours = timedelta(hours=4) if "max_span" in options else None
    spec = WindowSpec(**{"overlap": "0", "align": "calendar"} | options | {"max_span": hours})
    plan = plan_windows(table(), spec).to_pylist()
    assert found["windows"] == json.loads(json.dumps(plan, default=datetime.isoformat))
    weights = [-(-len(line.encode()) // 4) for line in lines(table())]
    sizes = {
        "messages": [row["n_messages"] for row in plan],
        "bytes": [row["n_bytes"] for row in plan],
        "tokens": [sum(weights[row["start_seq"] : row["end_seq"]]) for row in plan],
        "seconds": [(row["end_ts"] - row["start_ts"]).total_seconds() for row in plan],
    }
    summary = found["summary"]
    assert summary["per_window"] == {
        name: {"least": min(values), "median": median(values), "most": max(values)} for name, values in sizes.items()
    }
    assert (summary["windows"], summary["messages"]) == (len(plan), 120)
    assert summary["read_again"] == pytest.approx(sum(sizes["messages"]) / 120 - 1, abs=1e-6)
    for limit in summary["limits"]:
        values = sizes[limit["measure"]]
        assert limit["largest"] == max(values)
        assert limit["above"] == sum(value > limit["limit"] for value in values)
    limits = {"messages": [9], "hours": [14_400], "days": [], "bytes": [500], "tokens": [20], "session": [100]}
    assert [limit["limit"] for limit in summary["limits"]] == limits[options["unit"]]


def test_out_holds_the_columns_that_other_programs_read(streamliner, chat: Path, tmp_path: Path) -> None:
    target = tmp_path / "made.parquet"
    done = streamliner("windows", chat, "--unit", "bytes", "--size", "500", "--out", target, "--json")
    found = json.loads(done.stdout)
    written = pq.read_table(target)
    assert written.schema.equals(PLAN)
    assert written.equals(plan_windows(table(), WindowSpec("bytes", 500, 0)))
    assert (found["windows"], found["out"]) == (written.num_rows, str(target))
    assert found["summary"]["windows"] == written.num_rows
    shown = streamliner("windows", chat, "--unit", "bytes", "--size", "500", "--out", target).stdout
    assert "Windows by bytes" in shown
    assert sorted(path.name for path in tmp_path.glob("*parquet*")) == ["chat.parquet", "made.parquet"]


def test_a_long_plan_is_abbreviated_in_the_table_alone(run, tmp_path: Path) -> None:
    pq.write_table(table(5_000, 1), tmp_path / "long.parquet")
    cut = ("long.parquet", "--unit", "messages", "--size", "2", "--overlap", "0")
    _, shown, _ = run(*cut)
    body = shown[: shown.index("Windows by")].splitlines()[3:-1]
    numbers = [line.split()[0] for line in body]
    assert numbers == [*map(str, range(24)), "…", *map(str, range(2_488, 2_500))]
    assert "2,464 more" in body[24]
    _, found, _ = run(*cut, "--json", "--out", "plan.parquet")
    assert json.loads(found)["windows"] == pq.read_metadata(tmp_path / "plan.parquet").num_rows == 2_500
    _, found, _ = run(*cut, "--json")
    assert [window["window_index"] for window in json.loads(found)["windows"]] == list(range(2_500))


@pytest.mark.parametrize("size", ["1", "1000"])
def test_many_windows_and_one_window_fit_eighty_columns(run, tmp_path: Path, size: str) -> None:
    pq.write_table(table(100_000, 7), tmp_path / "c.parquet")
    status, shown, _ = run("c.parquet", "--unit", "days" if size == "1000" else "messages", "--size", size)
    assert status == 0
    bars = shown[shown.index("Windows by") :].splitlines()[1:-2]
    assert 1 <= len(bars) <= 10
    assert all(len(line) <= 80 for line in bars)
    assert len(shown.splitlines()) < 60


def test_a_table_without_messages_has_no_windows(run, tmp_path: Path) -> None:
    pq.write_table(table(0), tmp_path / "none.parquet")
    assert run("none.parquet") == (0, "No windows: the table holds no message.\n", "")
    status, out, _ = run("none.parquet", "--json")
    assert status == 0
    assert json.loads(out)["windows"] == []
    assert json.loads(out)["summary"]["per_window"] is None
    run("none.parquet", "--out", "plan.parquet")
    assert pq.read_table(tmp_path / "plan.parquet").equals(PLAN.empty_table())


def test_one_message_is_one_window(run, tmp_path: Path) -> None:
    pq.write_table(table(1), tmp_path / "one.parquet")
    _, shown, _ = run("one.parquet", "--unit", "session", "--size", "60")
    weight = len(lines(table(1))[0].encode())
    said = f"1 window over 1 message; median 1 a window (1 to 1); none read again; {weight} bytes or"
    assert shown.splitlines()[-1].startswith(said)
    assert "2026-03-27 18:30  0 s" in shown


def test_rows_in_another_order_make_the_same_plan(run, tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "a.parquet")
    # the file's own order of columns and rows is no matter
    mixed = table().select(["text", "author", "ts", "seq"]).take([*range(60, 120), *range(59, -1, -1)])
    pq.write_table(mixed, tmp_path / "b.parquet")
    asked = ("--unit", "tokens", "--size", "50", "--overlap", "0.2", "--json")
    assert run("a.parquet", *asked) == run("b.parquet", *asked)


def test_a_terminal_without_unicode_gets_ascii(streamliner, chat: Path) -> None:
    shown = streamliner("windows", chat, "--unit", "hours", "--size", "1", PYTHONIOENCODING="ascii").stdout
    assert shown.isascii()
    assert " 1-2 " in shown
    assert "##" in shown


def test_the_settings_file_says_what_was_not_asked(run, chat: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[windows]\nunit = "messages"\nsize = 40\noverlap = 0.25\n')
    _, shown, _ = run(chat, "--config", "mine.toml", "--overlap", "0")
    assert shown.startswith("messages, size 40, overlap 0;")


@pytest.mark.parametrize("number", [0, 3, 16])
def test_the_lines_of_one_window(streamliner, chat: Path, number: int) -> None:
    asked = ("windows", chat, "--unit", "messages", "--size", "7", "--overlap", "0.3")
    window = json.loads(streamliner(*asked, "--json").stdout)["windows"][number]
    wanted = "".join(lines(table())[window["start_seq"] : window["end_seq"]])
    # UTF-8, whatever the terminal's locale
    done = streamliner(*asked, "--window", number, LC_ALL="C.UTF-8", PYTHONIOENCODING="utf-8")
    assert done.stdout == wanted
    assert len(wanted.encode()) == window["n_bytes"]


def test_lines_come_in_order_from_a_table_that_is_not(run, tmp_path: Path) -> None:
    pq.write_table(table().take([*range(60, 120), *range(59, -1, -1)]), tmp_path / "mixed.parquet", row_group_size=40)
    status, shown, err = run("mixed.parquet", "--unit", "messages", "--size", "50", "--overlap", "0", "--window", "1")
    assert (status, shown, err) == (0, "".join(lines(table())[50:100]), "")


def test_a_window_may_be_the_whole_chat(run, tmp_path: Path) -> None:
    messages = table(40_000, 1)
    pq.write_table(messages, tmp_path / "large.parquet")
    status, shown, _ = run("large.parquet", "--unit", "messages", "--size", "40000", "--window", "0")
    assert (status, shown) == (0, "".join(lines(messages)))


def on_a_terminal(columns: int, *arguments: object, cwd: Path) -> str:
    """What the command writes to a terminal of so many columns."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "COLUMNS"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "flows", "windows", *map(str, arguments)],
        cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs,
        env=clean | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # how Linux tells that the other end was closed
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    assert process.wait() == 0, said
    return said.decode().replace("\r\n", "\n")


def test_a_narrow_terminal_folds_no_row(chat: Path) -> None:
    asked = (chat, "--unit", "hours", "--size", "5", "--overlap", "0.3")
    narrow = on_a_terminal(80, *asked, cwd=chat.parent)
    shown = narrow[: narrow.index("Windows by")].splitlines()
    assert all(len(line) <= 80 for line in shown)
    assert any(line.startswith("A wider terminal shows") for line in shown)
    wide = on_a_terminal(200, *asked, cwd=chat.parent)
    assert "A wider terminal" not in wide
    assert all(name in wide for name in ("own", "bytes", "tokens"))


def test_a_message_does_not_steer_the_terminal(tmp_path: Path) -> None:
    messages = table(1).set_column(3, "text", pa.array(["\x1b]0;owned\x07 \x9b2J fine"]))
    pq.write_table(messages, tmp_path / "c.parquet")
    said = on_a_terminal(80, "c.parquet", "--window", "0", cwd=tmp_path)
    assert not {"\x1b", "\x07", "\x9b"} & set(said)
    assert "fine" in said


def test_a_text_that_is_not_utf_8_is_shown_all_the_same(tmp_path: Path) -> None:
    broken = pa.array([b"caf\xe9 \xff fine"], pa.binary()).view(pa.string())
    pq.write_table(table(1).set_column(3, "text", broken), tmp_path / "c.parquet")
    said = on_a_terminal(80, "c.parquet", "--window", "0", cwd=tmp_path)
    assert said.endswith("caf\ufffd \ufffd fine\n")


@pytest.mark.parametrize("columns", [60, 80])
def test_a_sentence_is_broken_between_its_words(chat: Path, columns: int) -> None:
    asked = (chat, "--unit", "messages", "--size", "7", "--max-span", "5h", "--overlap", "0.3")
    broken, whole = (on_a_terminal(wide, *asked, cwd=chat.parent).splitlines() for wide in (columns, 300))
    assert max(map(len, broken)) <= columns < len(whole[-1])
    assert " ".join(broken).split()[-len(whole[-1].split()) :] == whole[-1].split()


def refused(run: Callable[..., tuple[int, str, str]], folder: Path, *arguments: object) -> str:
    """The one sentence; nothing on standard output, and every file as it was."""
    before = {path.name: path.is_file() and path.read_bytes() for path in folder.iterdir()}
    status, out, err = run(*arguments)
    assert (status, out) == (2, ""), err
    assert err.startswith("streamliner: ")
    assert err.count("\n") == 1
    assert {path.name: path.is_file() and path.read_bytes() for path in folder.iterdir()} == before
    return err.removeprefix("streamliner: ").strip()


SIZE = "size must be a number above 0 and at most 10^15"
OVERLAP = "overlap must be between 0 and 0.5"
SPAN = "max_span must be a length of time above 0"
WEIGH = "weigh must be bytes:LIMIT or tokens:LIMIT with a whole LIMIT from 1 to 10^15"
OPTIONS = {
    "--size 0": "size must be above 0",
    "--size -3": "size must be above 0",
    "--size 1e16": "at most 10^15",
    "--size inf": SIZE,
    "--size nan": SIZE,
    "--size ten": SIZE,
    "--size=": SIZE,
    "--size 1e-20 --unit hours": "size must be at least one microsecond",
    "--size 1.5 --unit messages": "size must be a whole number, 1 or more, when the unit is messages",
    "--size 1.5 --unit bytes": "when the unit is bytes",
    "--size 1.5 --unit tokens": "when the unit is tokens",
    "--size 1.5 --unit days --align calendar": "when the unit is calendar days",
    "--overlap 0.51": OVERLAP,
    "--overlap -0.1": OVERLAP,
    "--overlap nan": "overlap must be a number between 0 and 0.5",
    "--overlap half": "overlap must be a number between 0 and 0.5",
    "--overlap=": "overlap must be a number between 0 and 0.5",
    "--max-span soon": SPAN,
    "--max-span=": SPAN,
    "--max-span -5h": SPAN,
    "--max-span 0h": "max_span must be above 0",
    "--max-span 9999999999w": "max_span must be at most",
    "--max-span 5h --unit hours --size 5 --overlap 0.2 --align calendar": "max_span must be at least a slot",
    "--align middle": "'middle' is not one of 'first', 'calendar'",
    "--unit fortnights": "'fortnights' is not one of 'messages'",
    "--timezone Mars/Olympus": "'Mars/Olympus' is not an IANA time zone",
    "--timezone=": "is not an IANA time zone",
    "--weigh bytes:0 --unit session": WEIGH,
    "--weigh words:9 --unit session": WEIGH,
    "--weigh= --unit session": WEIGH,
    "--weigh bytes:10 --unit days": "weigh must be left out unless the unit is session, not days",
    "--window -1": "There is no window -1; the windows of this plan are 0 to 3.",
    "--window 4": "There is no window 4; the windows of this plan are 0 to 3.",
    "--window first": "'first' is not a valid integer",
    "--window 0 --json": "--window prints lines of text",
    "--window 0 --out plan.parquet": "--window prints lines of text",
    "--config absent.toml": "absent.toml does not exist",
    "--colour red": "--colour",
    "second.parquet": "second.parquet",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_a_wrong_option_is_one_sentence(run, chat: Path, tmp_path: Path, options: str) -> None:
    assert OPTIONS[options] in refused(run, tmp_path, chat, *options.split())


def test_a_wrong_option_leaves_no_plan_behind(run, chat: Path, tmp_path: Path) -> None:
    for options in ("--overlap 0.7", "--unit hours --max-span 1m"):
        refused(run, tmp_path, chat, *options.split(), "--out", "plan.parquet", "--json")


def with_column(name: str, values: object, kind: object = None) -> pa.Table:
    messages = table()
    column = values if isinstance(values, pa.ChunkedArray) else pa.array(values, kind)
    return messages.set_column(messages.schema.get_field_index(name), name, column)


def doubled() -> pa.Table:
    return pa.table([*table().columns, table()["seq"]], names=[*table().schema.names, "seq"])


TABLES: dict[str, tuple[Callable[[], pa.Table], str]] = {
    "without-seq": (lambda: table().drop_columns(["seq"]), "has no column seq: number the messages 0, 1, 2"),
    "seq-of-floats": (lambda: with_column("seq", table()["seq"].cast(pa.float64())), "seq holds double"),
    "seq-with-nulls": (lambda: with_column("seq", [*range(119), None], pa.int64()), "seq has nulls"),
    "seq-with-gap": (lambda: table().filter(pa.array([at != 7 for at in range(120)])), "gaps (first missing 7)"),
    "seq-with-repeat": (lambda: with_column("seq", [*range(119), 3], pa.int64()), "repeats (first 3)"),
    "seq-twice": (doubled, "the column seq twice"),
    "without-ts": (lambda: table().drop_columns(["ts"]), "ts is missing"),
    "naive-ts": (lambda: with_column("ts", table()["ts"].cast(pa.timestamp("us"))), "ts is naive: cast it"),
    "ts-with-null": (lambda: with_column("ts", [None] * 120, pa.timestamp("us", "UTC")), "ts has nulls"),
    "ts-backwards": (
        lambda: with_column("ts", table()["ts"].to_pylist()[::-1], pa.timestamp("us", "UTC")), "ts decreases along seq"
    ),
    "without-text": (lambda: table().drop_columns(["text"]), "neither text nor text_bytes"),
    "text-of-numbers": (lambda: with_column("text", range(120), pa.int64()), "text holds int64"),
    "no-messages-at-all": (lambda: pa.table({"a": [1]}), "has no column seq"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_used_says_why(run, tmp_path: Path, name: str) -> None:
    make, why = TABLES[name]
    pq.write_table(make(), tmp_path / "bad.parquet")
    for options in (("--out", "plan.parquet"), ("--json",), ("--window", "0")):
        assert why in refused(run, tmp_path, "bad.parquet", *options)


def test_lines_need_a_text(run, tmp_path: Path) -> None:
    sizes = pa.array([9] * 120, pa.int32())
    pq.write_table(table().drop_columns(["text"]).append_column("text_bytes", sizes), tmp_path / "sizes.parquet")
    assert run("sizes.parquet")[0] == 0
    assert "no column text" in refused(run, tmp_path, "sizes.parquet", "--window", "0")


def test_a_file_that_is_no_table_is_refused(run, chat: Path, tmp_path: Path) -> None:
    whole = chat.read_bytes()
    (tmp_path / "text.parquet").write_text("Dear diary")
    (tmp_path / "empty.parquet").touch()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "holes.parquet").write_bytes(whole[:200] + bytes(1_500) + whole[1_700:])
    (tmp_path / "folder.parquet").mkdir()
    os.mkfifo(tmp_path / "fifo.parquet")
    (tmp_path / "loop.parquet").symlink_to("loop.parquet")
    said = {name: refused(run, tmp_path, f"{name}.parquet", "--json") for name in (
        "text", "empty", "cut", "holes", "folder", "fifo", "loop", "absent", "x" * 300
    )}  # fmt: skip
    assert "is not a Parquet file" in said["text"]
    assert "is damaged" in said["holes"]
    assert "is a folder" in said["folder"]
    assert "is not a regular file" in said["fifo"]
    assert "is not there" in said["absent"]


def test_a_place_that_cannot_be_written_is_refused(run, chat: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "other-name.parquet").hardlink_to(chat)
    (tmp_path / "link.parquet").symlink_to(chat)
    for out in ("", ".", "folder", "fifo", "absent/plan.parquet", "chat.parquet/plan.parquet", "x" * 256):
        assert "--out" in refused(run, tmp_path, chat, "--out", out)
    for out in (chat, f"folder/../{chat.name}", "other-name.parquet", "link.parquet"):
        assert "is the file that is read" in refused(run, tmp_path, chat, "--out", out, "--json")


def test_no_sentence_repeats_what_was_written(run, tmp_path: Path) -> None:
    messages = with_column("text", ["a secret"] * 120).set_column(0, "seq", pa.array([0] * 120, pa.int64()))
    pq.write_table(messages, tmp_path / "c.parquet")
    said = refused(run, tmp_path, "c.parquet")
    assert "secret" not in said
    assert "Heron" not in said


def test_no_engine_is_loaded_to_plan_or_show(chat: Path) -> None:
    program = """
import sys
from flows.cli import cli
cli.main(["windows", sys.argv[1]], standalone_mode=False)
heavy = {"prefect", "litellm", "duckdb", "ibis", "pandas", "PIL", "jinja2"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program, str(chat)], check=True, cwd=ROOT, capture_output=True)

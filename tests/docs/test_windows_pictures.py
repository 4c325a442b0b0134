"""The pictures of docs/windows.md are what the code makes today, and can be read by everybody."""

import os
import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stages.windows.plan import plan_windows

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "draw_windows.py"
IMAGES = ROOT / "docs" / "images"
SVG = "{http://www.w3.org/2000/svg}"
NAMES = sorted(path.name for path in IMAGES.glob("windows-*.svg"))


def drawn() -> dict[str, str]:
    pictures: dict[str, str] = runpy.run_path(str(SCRIPT))["pictures"]()
    return pictures


def test_the_committed_pictures_are_what_the_script_draws() -> None:
    pictures = drawn()
    assert sorted(pictures) == NAMES
    for name, svg in pictures.items():
        assert (IMAGES / name).read_text(encoding="utf-8") == svg, f"{name}: run {SCRIPT.relative_to(ROOT)} again"


def test_another_process_draws_the_same_bytes() -> None:
    program = "import runpy, sys; sys.stdout.write(''.join(runpy.run_path(sys.argv[1])['pictures']().values()))"
    done = subprocess.run(
        [sys.executable, "-c", program, SCRIPT], cwd=ROOT, check=True, capture_output=True,
        env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.stdout.decode() == "".join(drawn().values())


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_says_what_it_shows_and_stands_alone(name: str) -> None:
    text = (IMAGES / name).read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert "window 0 holds messages 0 to" in (desc.text or "")
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in text


def test_every_window_of_the_plan_is_in_its_picture() -> None:
    script = runpy.run_path(str(SCRIPT))
    for picture in script["PICTURES"]:
        plan = plan_windows(script["conversation"](), picture.spec).to_pylist()
        root = ElementTree.fromstring(drawn()[f"windows-{picture.name}.svg"])
        numbers = [element.text for element in root.iter(f"{SVG}text") if element.get("class") == "number"]
        assert numbers == [str(window["window_index"]) for window in plan], picture.name
        hatched = sum(str(element.get("fill")).startswith("url(#h") for element in root.iter(f"{SVG}rect"))
        again = sum(window["start_seq"] < window["own_start_seq"] for window in plan)
        assert hatched == again + (again > 0), picture.name  # one more in the legend
        assert "docs/images" not in picture.said
        assert f"images/windows-{picture.name}.svg" in (ROOT / "docs" / "windows.md").read_text(encoding="utf-8")


def test_the_small_conversation_has_what_the_units_differ_in() -> None:
    script = runpy.run_path(str(SCRIPT))
    messages = script["conversation"]()
    times = messages.column("ts").to_pylist()
    assert times == sorted(times)
    assert sum(first == second for first, second in pairwise(times)) >= 10
    days = plan_windows(messages, next(p.spec for p in script["PICTURES"] if p.name == "days"))
    assert days.num_rows == 4

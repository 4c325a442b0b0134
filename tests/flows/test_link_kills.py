"""The program is killed while it fetches, again and again, and ends as if it never had been."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.flows.conftest import KEY
from tests.flows.linked import FETCHING, article, became, write_chat
from tests.servers.pages import ROBOTS, PageServer, page

ROOT = Path(__file__).parents[2]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "flows", *map(str, arguments)]


def variables(home: Path, **more: str) -> Mapping[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
    clean |= {"HOME": str(home), "XDG_CACHE_HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return clean | FETCHING | {"STREAMLINER_PRIVACY__KEY": KEY} | more


def published(archive: Path) -> dict[str, bytes]:
    return {
        f"{name}/{path.relative_to(folder)}": path.read_bytes()
        for name in ("site", "posts", "media")
        for folder in [(archive / name).resolve()]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def done_so_far(archive: Path, scratch: Path) -> set[str]:
    """The links that a killed run had done, read beside what it left, which stays as it is."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for path in archive.glob("archive.duckdb*"):
        shutil.copyfile(path, scratch / path.name)
    return {re.sub("^http://[^/]*", "", url) for url, row in became(scratch).items() if row[0] == "done"}


def test_a_run_killed_five_times_while_it_fetches_ends_as_one_that_never_was(tmp_path: Path) -> None:
    """What a killed run had kept is asked for by no later one, what it had not by each at most once."""
    with PageServer() as server:
        paths = [f"/{number}" for number in range(24)]
        for path in paths:
            server.put(path, page(article(f"Page {path[1:]}"), delay=0.1))
        chat = write_chat(tmp_path / "chat.zip", [*(server.url(path) for path in paths), server.url("/gone")])
        few = {"STREAMLINER_ENRICH__BATCH_SIZE": "2", "STREAMLINER_FETCH__CONNECTIONS_PER_HOST": "2"}
        whole = variables(tmp_path / "other", **few)
        subprocess.run(
            command("publish", chat, "--archive", tmp_path / "whole"), env=whole, check=True, capture_output=True
        )
        killed = variables(tmp_path / "home", **few, STREAMLINER_PERFORMANCE__MAX_WORKERS="1")
        kept = set[str]()
        for moment in random.Random(6).sample(range(1, 7), 5):
            server.forget()
            process = subprocess.Popen(
                command("publish", chat, "--archive", tmp_path / "a"), env=killed, stderr=subprocess.PIPE, text=True
            )
            while len(server.paths) <= moment:
                assert process.poll() is None, process.communicate()[1]
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            asked = set(server.paths) - {ROBOTS}
            assert Counter(server.paths) == Counter([ROBOTS, *asked])
            assert not asked & kept
            kept |= done_so_far(tmp_path / "a", tmp_path / "scratch")
        assert kept
        server.forget()
        done = subprocess.run(
            command("publish", chat, "--archive", tmp_path / "a", "--json"), env=killed, check=True, capture_output=True
        )
        asked = set(server.paths) - {ROBOTS}
        assert not asked & kept
        assert Counter(server.paths) == Counter([ROBOTS, *asked])
        report = json.loads(done.stdout)
        assert (report["dead_letters"], report["links_waiting"]) == (1, 0)
        assert published(tmp_path / "a") == published(tmp_path / "whole")
        server.forget()
        done = subprocess.run(
            command("publish", chat, "--archive", tmp_path / "a", "--json"), env=killed, check=True, capture_output=True
        )
        report = json.loads(done.stdout)
        assert (server.paths, report["fetches"], report["model_calls"]) == ([], 0, 0)
        assert published(tmp_path / "a") == published(tmp_path / "whole")

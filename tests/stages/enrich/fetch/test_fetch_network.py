"""No network against a dead name: by the system's own resolver and routes, in a network namespace made for it; and
by a name system that is played, for what no namespace can show."""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stages.resilience.errors import CallError, NoNetworkError, PermanentError, TransientError
from tests.servers.pages import PageServer, page
from tests.stages.enrich.fetch.conftest import Fetching
from tests.stages.enrich.fetch.test_fetch_guard import World

ROOT = Path(__file__).parents[4]
MADE = "unshare -rnm ip link set lo up"
"""What a machine can do that lets an ordinary process make a network of its own; hardened kernels do not."""
LOOPBACK_UP = ("ip link set lo up",)
# a public address that is this namespace's own, and a route that leads anywhere
INTERNET = (*LOOPBACK_UP, "ip address add 93.184.215.14/32 dev lo", "ip route add default dev lo")
WORLD = {"example.com": ["93.184.215.14"], "site.com": ["93.184.215.14"]}


@cache
def makes_networks() -> bool:
    try:
        return subprocess.run(MADE.split(), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def inside(
    scratch: Path,
    urls: Sequence[str],
    commands: Sequence[str] = (),
    names: dict[str, Any] | None = None,
    serve: Sequence[str] = (),
    allow: Sequence[str] = (),
    otherwise: int | None = 3,
) -> tuple[list[str], list[str]]:
    """What each link comes to in a fresh network namespace, and the names that its resolver asked for."""
    if not makes_networks():
        pytest.skip(f"This machine makes no network namespaces: {MADE}")
    world = {
        "scratch": str(scratch), "urls": urls, "commands": commands, "names": names, "serve": serve, "allow": allow,
        "otherwise": otherwise,
    }  # fmt: skip
    done = subprocess.run(
        ["unshare", "-rnm", sys.executable, "-m", "tests.stages.enrich.fetch.inside_namespace"],
        input=json.dumps(world), capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return [outcome.partition(":")[0] for outcome in said["outcomes"]], said["asked"]


LINKS = (
    "http://example.com/", "https://example.org/a", "http://no-such-name.com/", "http://93.184.215.15/",
    "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", "http://name.invalid/", "http://10.0.0.1/",
)  # fmt: skip


@pytest.mark.parametrize("commands", [(), LOOPBACK_UP], ids=["no-interface", "loopback-alone"])
def test_without_a_network_links_wait_and_refused_ones_do_not(tmp_path: Path, commands: tuple[str, ...]) -> None:
    outcomes, _ = inside(tmp_path, LINKS, commands)
    assert outcomes == ["NoNetworkError"] * 5 + ["PermanentError"] * 2


def test_a_resolver_that_answers_and_no_route(tmp_path: Path) -> None:
    outcomes, _ = inside(
        tmp_path, ["http://site.com/", "http://dead.com/"], LOOPBACK_UP, {"site.com": ["93.184.215.14"]}
    )
    assert outcomes == ["NoNetworkError", "NoNetworkError"]


def test_a_dead_name_while_others_resolve(tmp_path: Path) -> None:
    urls = ["http://dead.com/", "http://site.com/", "http://dead.com/", "http://failing.com/", "http://10.0.0.1/"]
    names = WORLD | {"failing.com": 2}
    outcomes, asked = inside(tmp_path, urls, INTERNET, names, ["93.184.215.14"])
    assert outcomes == ["PermanentError", "page", "PermanentError", "TransientError", "PermanentError"]
    # nobody needs to ask for a name twice to know that it is dead, and a name that is always there tells the rest
    assert asked[:3] == ["dead.com", "example.com", "site.com"]
    assert asked.count("dead.com") == 1


def test_a_network_that_knows_its_own_names_only(tmp_path: Path) -> None:
    urls = ["http://site.com/", "http://wiki.corp/", "http://dead.example/"]
    names = {"wiki.corp": ["10.9.8.7"]}
    commands = [*INTERNET, "ip address add 10.9.8.7/32 dev lo"]
    outcomes, _ = inside(tmp_path, urls, commands, names, ["10.9.8.7"], ["10.9.8.0/24"])
    assert outcomes == ["NoNetworkError", "page", "PermanentError"]


def test_a_resolver_that_never_answers(tmp_path: Path) -> None:
    outcomes, asked = inside(tmp_path, [f"http://site{n}.com/" for n in range(30)], INTERNET, {}, otherwise=None)
    assert outcomes == ["NoNetworkError"] * 30
    # once it is known, nobody waits for the same again
    assert len(set(asked)) <= 3


def test_a_public_page_needs_no_leave_and_a_name_that_moves_gets_none(tmp_path: Path) -> None:
    names = WORLD | {"moves.com": ["93.184.215.14", "127.0.0.1"], "home.com": ["127.0.0.1"]}
    urls = ["http://moves.com/", "http://home.com/", "http://moves.com/", "http://93.184.215.14/"]
    outcomes, asked = inside(tmp_path, urls, INTERNET, names, ["93.184.215.14", "127.0.0.1"])
    assert outcomes == ["page", "PermanentError", "page", "page"]
    assert asked == ["moves.com", "home.com"]


UNKNOWN = socket.gaierror(socket.EAI_NONAME, "")
FAILING = socket.gaierror(socket.EAI_AGAIN, "")


@pytest.mark.parametrize(
    ("answer", "others", "kind"),
    [
        (UNKNOWN, "93.184.215.14", PermanentError),
        (UNKNOWN, None, NoNetworkError),
        (UNKNOWN, "10.0.0.1", NoNetworkError),
        (FAILING, "93.184.215.14", TransientError),
        (FAILING, None, NoNetworkError),
        (socket.gaierror(socket.EAI_FAIL, ""), "93.184.215.14", TransientError),
        (OSError("plug-in"), "93.184.215.14", TransientError),
    ],
    ids=["dead", "unknown-as-all", "unknown-and-a-portal", "failing", "failing-as-all", "refusing", "broken"],
)
def test_one_name_against_names_that_are_always_there(
    fetching: Fetching, answer: OSError, others: str | None, kind: type[CallError]
) -> None:
    always = [others] if others else [UNKNOWN]
    fetching.more["lookup"] = world = World(site__com=[answer], example__com=always, example__org=always)
    fetching.settings(allow_networks=[])
    fetching.error("http://site.com/", kind)
    # what is unknown or offline is asked for once, what fails in passing once a try
    assert world.asked.count("site.com") == (4 if kind is TransientError else 1)


def test_many_links_at_once_ask_once_for_a_name(server: PageServer, fetching: Fetching) -> None:
    server.otherwise(page())
    fetching.more["lookup"] = world = World(site__com=["127.0.0.1"])
    url = server.url("/").replace("127.0.0.1", "site.com")
    fetching.all(*(f"{url}{n}" for n in range(50)))
    assert world.asked == ["site.com"]
    assert len(server.paths) == 50

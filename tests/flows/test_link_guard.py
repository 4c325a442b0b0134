"""No link, however it is spelled, named or led there, makes a person's command connect to what is not public."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.flows.conftest import KEY
from tests.flows.linked import FETCHING, article, became, known, write_chat
from tests.servers.pages import ROBOTS, PageServer, page, redirect

ROOT = Path(__file__).parents[2]
NOT_PUBLIC = "The link leads to an address that is not public (fetch.allow_networks)."
NO_USER = "The link carries a user name or password, which are sent to nobody."
NO_PORT = "The link names a port that is not for web pages."
GONE = "The site refused (404: there is no such page)."
NO_HOST = "The link names no host that can exist."
NO_WEB = "The page redirects to something that is not http or https."
NO_ADDRESS = "The page redirects to something that is no address."
ZONE = "The link names an interface of this machine."

# this machine, where a server listens: every spelling that some resolver reads as one of its addresses
HERE = (
    "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0X7F.0.0.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "0177.1", "00177.0.0.01",
    "2130706433", "0x7f000001", "0x7F000001", "017700000001", "127.0.0.1.", "localhost", "localhost.", "LocalHost",
    "127.0.0.2", "127.255.255.254", "0.0.0.0", "0", "0x0", "00", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]",
    "１２７.０.０.１", "①②⑦.0.0.1", "127。0。0。1",
)  # fmt: skip

# others' networks, clouds' own services, what is reserved
ELSEWHERE = (
    "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.257", "169.254.169.254", "0xa9fea9fe",
    "2852039166", "0251.0376.0251.0376", "100.64.0.1", "100.127.255.254", "100.100.100.200", "168.63.129.16",
    "192.0.0.192", "198.18.0.1", "203.0.113.5", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[fe80::1]", "[fd00::1]",
    "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::a9fe:a9fe]",
    "[2002:a00:1::1]", "[2002:c0a8:101::]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[::ffff:100.64.0.1]",
    "[2001:0:53aa:64c:0:fffe:80ff:fffe]",
)  # fmt: skip

# where a redirect may lead besides, and what is said then
LEADS = {
    "//127.0.0.1:{port}/": NOT_PUBLIC,
    "http://good.example@127.0.0.1:{port}/": NO_USER,
    "http://user:password@127.0.0.1:{port}/": NO_USER,
    "http://127.0.0.1:{port}\\@good.example/": NOT_PUBLIC,
    "http://127.0.0.1:{port}#@good.example/": NOT_PUBLIC,
    "http://[fe80::1%25lo]:{port}/": ZONE,
    "http://[fe80::1%lo]:{port}/": ZONE,
    "http://[::1%25lo]:{port6}/": ZONE,
    "http://127.0.0.1%00.good.example:{port}/": NO_HOST,
    "http://127.0.0.1%2egood.example:{port}/": NO_HOST,
    "http://127.0.0.1.:{port}/": NOT_PUBLIC,
    "http://127.0.0.1..:{port}/": NO_HOST,
    "http://256.0.0.1:{port}/": NO_HOST,
    "http://4294967297:{port}/": NO_HOST,
    "http://[::1:{port6}/": NO_ADDRESS,
    "http://127.0.0.1:22/": NO_PORT,
    "http://127.0.0.1:99999/": NO_PORT,
    "file:///etc/passwd": NO_WEB,
    "file://127.0.0.1/etc/passwd": NO_WEB,
    "gopher://127.0.0.1:{port}/_GET": NO_WEB,
    "ftp://127.0.0.1:{port}/": NO_WEB,
    "dict://127.0.0.1:{port}/": NO_WEB,
    "data:text/html,x": NO_WEB,
    "javascript:alert(1)": NO_WEB,
}

# what is read as a path of the site that redirects, which has no such page
STAYS = ("http:/127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "http:\\\\127.0.0.1:{port}\\", "127.0.0.1:{port}")


@pytest.fixture
def streamliner(inside):
    """In this process: litellm and the readers of pages are loaded once."""
    return inside


def test_no_spelling_of_an_address_leads_where_it_must_not(publish, tmp_path: Path) -> None:
    """As a link of the chat, and as where an allowed site redirects to."""
    with PageServer(["127.0.0.1", "::1", "127.0.0.2"]) as shut, PageServer(["127.0.0.3"]) as allowed:
        shut.otherwise(page(article("A secret")))
        port, port6 = (site.rpartition(":")[2] for site in shut.sites[:2])
        addresses = [
            f"http://{host}:{port6 if host.startswith('[') and 'f' not in host else port}/"
            for host in (*HERE, *ELSEWHERE)
        ]
        leads = dict.fromkeys(addresses, NOT_PUBLIC)
        leads |= {where.format(port=port, port6=port6): reason for where, reason in LEADS.items()}
        leads |= dict.fromkeys((where.format(port=port) for where in STAYS), GONE)
        for number, where in enumerate(leads):
            allowed.put(f"/{number}", redirect(where))
        written = [*addresses, f"http://a:b@127.0.0.1:{port}/", f"http://127.0.0.1:{port}\\@good.example/"]
        chat = write_chat(
            tmp_path / "chat.zip", [*written, *(allowed.url(f"/{number}") for number in range(len(leads)))]
        )
        strict = FETCHING | {"STREAMLINER_FETCH__ALLOW_NETWORKS": '["127.0.0.3/32"]'}
        report = publish(chat, "--archive", tmp_path / "a", **strict)
        assert shut.connections == 0
        asked = Counter([ROBOTS, *(f"/{number}" for number in range(len(leads)))])
        asked.update([f"/127.0.0.1:{port}/"] * 2 + [f"/%5C%5C127.0.0.1:{port}%5C", f"/127.0.0.1:{port}"])
        assert Counter(allowed.paths) == asked
    assert report["fetches"] == asked.total()
    assert report["retries"] == 0
    found = became(tmp_path / "a")
    for number, (where, reason) in enumerate(leads.items()):
        state, attempts, error_class, said = found.pop(allowed.url(f"/{number}"))
        assert (state, attempts, error_class, said) == ("dead", 1, "permanent", reason), where
    # candidates are what people can mean by a link, so some spellings are links only as far as they are read as one
    assert len(found) >= len(addresses) - 4
    assert found.pop(f"http://a:b@127.0.0.1:{port}/") == ("dead", 1, "permanent", NO_USER)
    assert set(found.values()) == {("dead", 1, "permanent", NOT_PUBLIC)}


NAMES = {
    "example.com": ["93.184.215.14"],
    "good.com": ["93.184.215.14"],
    "home.com": ["127.0.0.1"],
    "metadata.com": ["169.254.169.254"],
    "shared.com": ["100.64.0.1"],
    "two.com": ["93.184.215.14 127.0.0.1"],
    "six.com": ["93.184.215.14 ::1"],
    "mapped.com": ["93.184.215.14 ::ffff:127.0.0.1"],
    "local.com": ["fe80::1"],
    "nat.com": ["64:ff9b::7f00:1"],
    "leads.com": ["93.184.215.14"],
    "moves.com": ["93.184.215.14", "127.0.0.1"],
    "failing.com": 2,
    "silent.com": None,
}


def test_no_name_leads_where_it_must_not_whenever_it_is_asked_for(tmp_path: Path) -> None:
    """By the system's own resolver, in a network made for it. A name that moves is asked for once a run, and all
    requests of the run go where it was judged to be; where it is by the next run is judged anew."""
    private = ("home.com", "metadata.com", "shared.com", "two.com", "six.com", "mapped.com", "local.com", "nat.com")
    links = [f"http://{name}/" for name in (*private, "good.com", "dead.com", "failing.com", "silent.com", "localhost")]
    chat = write_chat(tmp_path / "chat.zip", [*links, "http://leads.com/home", "http://moves.com/again"])
    archive = tmp_path / "a"
    publish = ["publish", str(chat), "--archive", str(archive), "--json"]
    world = {
        "scratch": str(tmp_path), "public": "93.184.215.14", "names": NAMES, "otherwise": 3,
        "commands": [publish, [*publish, "--refresh", "enrich"]],
    }  # fmt: skip
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLINER_", "PREFECT_"))}
    clean |= FETCHING | {"STREAMLINER_PRIVACY__KEY": KEY, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    clean |= {"STREAMLINER_FETCH__ALLOW_NETWORKS": "[]", "STREAMLINER_RETRY__ATTEMPTS": "1"}
    done = subprocess.run(
        ["unshare", "-rnm", sys.executable, "-m", "tests.flows.inside_names"],
        input=json.dumps(world), env=clean, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["own"] == 0
    first, second = told["runs"]
    asked = [name for name in first["asked"] if name != "example.com"]  # by which a network is told from none
    assert sorted(asked) == sorted({*NAMES, "dead.com"} - {"example.com"})
    seen = ("good.com/", "leads.com/home", "moves.com/again", "moves.com/there")
    rules = ("good.com/robots.txt", "leads.com/robots.txt", "moves.com/robots.txt")
    assert sorted(first["seen"]) == sorted((*seen, *rules))
    assert (first["report"]["fetches"], first["report"]["retries"]) == (7, 0)
    assert (first["report"]["enriched"], first["report"]["dead_letters"]) == (2, 13)
    assert sorted(second["asked"]) == ["good.com", "moves.com"]
    assert sorted(second["seen"]) == ["good.com/", "good.com/robots.txt"]
    assert (second["report"]["fetches"], second["report"]["dead_letters"]) == (2, 14)
    found = became(archive)
    for url in (*(f"http://{name}/" for name in (*private, "localhost")), "http://leads.com/home"):
        assert found[url] == ("dead", 1, "permanent", NOT_PUBLIC), url
    assert found["http://moves.com/again"] == ("dead", 1, "permanent", NOT_PUBLIC)
    assert found["http://dead.com/"][2:] == ("permanent", "There is no such site: nobody knows its name.")
    unresolved = ("transient", "The name of the site could not be resolved just now.")
    assert {found[f"http://{name}.com/"][2:] for name in ("failing", "silent")} == {unresolved}
    assert found["http://good.com/"][0] == "done"
    assert known(archive)["http://moves.com/again"]["title"] == "A page of the Internet", "what was learnt stays known"
    assert not any(b"secret of this machine" in path.read_bytes() for path in archive.rglob("*") if path.is_file())

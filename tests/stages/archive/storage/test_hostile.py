"""What lies in a store came from outside: whatever it says, nothing outside of the archive's folder is touched."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from stages.archive.storage.address import parse_address
from stages.archive.storage.checkout import check_out, read_out
from stages.archive.storage.client import Objects
from stages.archive.storage.faults import Damaged
from stages.archive.storage.layout import POINTER, manifest_name, object_name
from stages.archive.storage.manifest import PART_BYTES, parse_manifest
from stages.errors import BadInput
from tests.servers.stores import Server
from tests.stages.archive.storage.conftest import fill, tree

PART = "ab" * 32


def told(**more: Any) -> dict[str, Any]:
    return {"version": 1, "part_bytes": PART_BYTES, "files": {}, "links": {}, "folders": []} | more


HOSTILE: dict[str, Any] = {
    "climbs": told(files={"../evil": [1, PART]}),
    "climbs-inside": told(files={"posts/../../evil": [1, PART]}),
    "absolute": told(files={"/etc/cron.d/evil": [1, PART]}),
    "empty-name": told(files={"": [1, PART]}),
    "double-slash": told(files={"posts//a": [1, PART]}),
    "dot": told(files={"posts/./a": [1, PART]}),
    "nul": told(files={"posts/a\0": [1, PART]}),
    "lone-surrogate": told(files={"posts/\ud800": [1, PART]}),
    "the-lock": told(files={"archive.lock": [0]}),
    "scratch": told(files={".work/spill": [0]}),
    "other-bucket": told(files={"a": [1, "../../../other-bucket/secret"]}),
    "url-for-bytes": told(files={"a": [1, "s3://other-bucket/secret"]}),
    "upper-case-digest": told(files={"a": [1, PART.upper()]}),
    "too-few-parts": told(files={"a": [PART_BYTES + 1, PART]}),
    "too-many-parts": told(files={"a": [1, PART, PART]}),
    "negative-size": told(files={"a": [-1]}),
    "size-is-a-truth": told(files={"a": [True, PART]}),
    "through-a-link": told(files={"site/x": [0]}, links={"site": ".versions/a"}),
    "below-a-file": told(files={"a": [0], "a/b": [0]}),
    "file-and-link": told(files={"a": [0]}, links={"a": "b"}),
    "link-out": told(links={"site": "../.."}),
    "link-out-from-below": told(links={"a/site": "../../etc"}),
    "link-to-root": told(links={"site": "/etc"}),
    "link-through-a-link": told(links={"a/up": "..", "out": "a/up/../.."}),
    "link-to-nothing": told(links={"site": ""}),
    "folder-out": told(folders=["../evil"]),
    "files-are-a-list": told(files=[]),
    "no-object": [],
    "other-version": told(version=2),
    "other-parts": told(part_bytes=1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_manifest_is_refused(name: str) -> None:
    with pytest.raises(Damaged) as caught:
        parse_manifest(json.dumps(HOSTILE[name]).encode(), "s3://chats/family")
    assert str(caught.value).startswith(("The manifest of s3://chats/family names what", "The archive s3://chats/fam"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"null"], ids=["empty", "no-text", "deep", "null"])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(Damaged):
        parse_manifest(data, "s3://chats/family")


def test_a_manifest_that_was_exchanged_changes_nothing_here(heeding: Server, tmp_path: Path) -> None:
    settings = heeding.settings(scratch=tmp_path / "deep" / "scratch")
    address = parse_address(heeding.fresh())
    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder)
        checkout.put_back()
    objects = Objects(address, settings)
    data = json.dumps(HOSTILE["climbs"]).encode()
    honest = f"00000002-{hashlib.sha256(data).hexdigest()}"
    for identity in (honest, f"00000002-{PART}"):
        objects.put(manifest_name(identity), data)
        pointer = {"version": 1, "generation": 2, "epoch": "x", "manifest": identity}
        objects.put(POINTER, json.dumps(pointer).encode())
        with pytest.raises(Damaged), check_out(address, settings, run_id="two"):
            pass
        with pytest.raises(Damaged), read_out(address, settings, lambda manifest: manifest):
            pass
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]
    assert not [path for path in tmp_path.rglob("*") if path.name == "state.json"]


@pytest.mark.parametrize(
    "pointer",
    [b"", b"{}", b'{"version":1,"generation":1,"epoch":"x","manifest":"../../other"}', b'{"version":9}', b"[" * 9_999],
    ids=["empty", "nothing", "leads-elsewhere", "other-version", "deep"],
)
def test_a_pointer_that_is_none_is_refused(pointer: bytes, heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    settings = heeding.settings(scratch=tmp_path)
    Objects(address, settings).put(POINTER, pointer)
    with pytest.raises(Damaged), check_out(address, settings, run_id="one"):
        pass


@pytest.mark.parametrize("how", ["changed", "missing", "longer"])
def test_bytes_that_are_not_what_was_put_there_are_never_used(how: str, heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    settings = heeding.settings(scratch=tmp_path)
    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder)
        checkout.put_back()
        kept = tree(checkout.folder)
    content = kept["archive.duckdb"]
    assert isinstance(content, bytes)
    name = object_name(hashlib.sha256(content).hexdigest())
    objects = Objects(address, settings)
    if how == "missing":
        objects.delete([name])
    else:
        objects.put(name, b"x" + content[1:] if how == "changed" else content + b"x")
    gone = "is missing in the store or is not what was put there"
    with pytest.raises(Damaged, match=gone), check_out(address, settings, run_id="two"):
        pass
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    objects.put(name, content)
    with check_out(address, settings, run_id="three") as checkout:
        assert tree(checkout.folder) == kept


@pytest.mark.parametrize(
    "url",
    [
        "s3://", "s3://../x", "s3://Chats/x", "s3://chats/../x", "s3://chats/a/../b", "s3://chats/a//b", "gs://chats/x",
        "http://example.org/x", "s3://key:canary@chats/x", "s3://chats/\x00", "s3://chats/" + "a" * 800, "s3:/chats",
    ],
    ids=str,
)  # fmt: skip
def test_an_address_that_is_none_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_address(url)
    assert "canary" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_an_address_is_taken_apart_and_nothing_is_decoded() -> None:
    address = parse_address("s3://chats/our%20chats/família/")
    assert (address.bucket, address.key, address.name) == ("chats", "our%20chats/família", "família")
    assert address.url == "s3://chats/our%20chats/família"
    assert parse_address("S3://chats").name == "chats"
    assert parse_address("s3://chats/").below("site") == "site"


def test_what_cannot_be_stored_is_refused_before_anything_is_sent(heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    settings = heeding.settings(scratch=tmp_path)
    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder)
        checkout.put_back()
        (checkout.folder / "out").symlink_to("/etc")
        with pytest.raises(BadInput, match=r"The link 'out' leads out of the archive"):
            checkout.put_back()
        (checkout.folder / "out").unlink()
        (checkout.folder / "posts" / "pipe").parent.mkdir(exist_ok=True)
        __import__("os").mkfifo(checkout.folder / "posts" / "pipe")
        with pytest.raises(BadInput, match=r"'posts/pipe' in the archive is no regular file"):
            checkout.put_back()
        (checkout.folder / "posts" / "pipe").unlink()
        assert checkout.put_back().changed is False

"""A store that is away, refuses, or has no such bucket: one sentence that says what to do, and no secret in it."""

import traceback
from pathlib import Path

import pytest

from stages.archive.storage.address import parse_address
from stages.archive.storage.checkout import check_out, read_out
from stages.archive.storage.exports import fetch_exports
from stages.errors import BadInput, StreamlinerError
from stages.settings import Settings
from tests.servers.stores import KEY_ID, SECRET, Seen, Server, Watch, free_port
from tests.stages.archive.storage.conftest import fill, tree

WRONG = "canary-that-is-not-the-secret"


def sentences(settings: Settings, url: str, folder: Path) -> list[str]:
    """What each way into a store says, and that none of it holds a key or a traceback of the library's."""
    said = []
    address = parse_address(url)
    ways = (
        lambda: check_out(address, settings, run_id="one", locked=True).__enter__(),
        lambda: read_out(address, settings, lambda manifest: manifest).__enter__(),
        lambda: fetch_exports(f"{url}/chat.zip", settings, folder),
    )
    for way in ways:
        with pytest.raises(BadInput) as caught:
            way()
        shown = "".join(traceback.format_exception(caught.value))
        assert not [word for word in (SECRET, WRONG, KEY_ID, "<Error>", "Signature=") if word in shown]
        said.append(str(caught.value))
    return said


def test_a_store_that_is_away(tmp_path: Path) -> None:
    nobody = Server(f"http://127.0.0.1:{free_port()}", None)  # type: ignore[arg-type]
    host = nobody.endpoint.removeprefix("http://")
    said = sentences(nobody.settings(scratch=tmp_path), "s3://chats/family", tmp_path / "exports")
    assert (
        said
        == [
            f"The store at {host} does not answer; see that it runs and that STREAMLINER_STORAGE__ENDPOINT is right, "
            "then run the same command again."
        ]
        * 3
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_wrong_secret(heedless: Server, tmp_path: Path) -> None:
    settings = heedless.settings(scratch=tmp_path, secret_access_key=WRONG)
    host = heedless.endpoint.removeprefix("http://")
    assert (
        sentences(settings, "s3://chats/family", tmp_path / "exports")
        == [
            f"The store at {host} refuses the key for the bucket 'chats'; check STREAMLINER_STORAGE__ACCESS_KEY_ID, "
            "STREAMLINER_STORAGE__SECRET_ACCESS_KEY and what the key may do."
        ]
        * 3
    )


@pytest.mark.parametrize("kind", ["heeding", "heedless"])
def test_a_bucket_that_is_not_there(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server: Server = request.getfixturevalue(kind)
    host = server.endpoint.removeprefix("http://")
    said = sentences(server.settings(scratch=tmp_path), "s3://no-such-bucket/family", tmp_path / "exports")
    assert said[:2] == [f"There is no bucket 'no-such-bucket' at {host}; make it, or correct the address."] * 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"access_key_id": None}, "There is no key to the store; set STREAMLINER_STORAGE__ACCESS_KEY_ID and"),
        ({"secret_access_key": ""}, "There is no key to the store; set STREAMLINER_STORAGE__ACCESS_KEY_ID and"),
        ({"allow_http": False}, "is reached without encryption; set STREAMLINER_STORAGE__ALLOW_HTTP=true if that is"),
    ],
    ids=["no-id", "no-secret", "http"],
)
def test_what_is_missing_is_named(given: dict[str, object], said: str, heeding: Server, tmp_path: Path) -> None:
    for sentence in sentences(heeding.settings(scratch=tmp_path, **given), "s3://chats/family", tmp_path / "exports"):
        assert said in sentence


def test_the_environment_of_other_programs_plays_no_part(
    heedless: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT": "http://127.0.0.1:9", "AWS_SESSION_TOKEN": "x",
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "moon-1", "AWS_DEFAULT_REGION": "moon-1",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true", "AWS_SKIP_SIGNATURE": "true", "AWS_CONDITIONAL_PUT": "disabled",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    address = parse_address(heedless.fresh())
    settings = heedless.settings(scratch=tmp_path)
    with check_out(address, settings, run_id="one", locked=True) as checkout:
        fill(checkout.folder)
        assert checkout.put_back().changed


@pytest.mark.parametrize("what", ["objects", "manifests", "current"])
def test_a_store_that_goes_away_in_a_put_back_keeps_the_old_archive(what: str, watch: Watch, tmp_path: Path) -> None:
    address = parse_address(watch.server.fresh())
    settings = watch.settings(scratch=tmp_path)
    with check_out(address, settings, run_id="one") as checkout:
        fill(checkout.folder)
        checkout.put_back()
        old = tree(checkout.folder)

    def away(seen: Seen) -> None:
        if f".archive/{what}" in seen.key and seen.method == "PUT":
            raise ConnectionAbortedError

    watch.before = away
    with pytest.raises(StreamlinerError) as caught:  # noqa: SIM117, PT012 - the block is what a run does
        with check_out(address, settings, run_id="two") as checkout:
            fill(checkout.folder, posts=9)
            checkout.put_back()
    assert caught.value.exit_code == 1
    assert f"The archive {address.url} is as it was before; what was done waits in {tmp_path}" in str(caught.value)
    watch.before = lambda _seen: None
    with read_out(address, settings, lambda manifest: manifest) as folder:
        assert tree(folder) == old
    with check_out(address, settings, run_id="three") as checkout:
        assert checkout.resumed
        new = tree(checkout.folder)
        assert checkout.put_back().changed
    with read_out(address, settings, lambda manifest: manifest) as folder:
        assert tree(folder) == new
        assert len(new) == len(old) + 12


def test_a_run_that_fails_before_it_works_leaves_nothing_here(heeding: Server, tmp_path: Path) -> None:
    address = parse_address(heeding.fresh())
    settings = heeding.settings(scratch=tmp_path)
    with pytest.raises(BadInput, match="no chat"), check_out(address, settings, run_id="one") as checkout:  # noqa: PT012
        (checkout.folder / "half").write_text("half")
        raise BadInput("This is no chat.")
    assert [path for path in tmp_path.rglob("*") if not path.name.endswith(".lock")] == []
    with check_out(address, settings, run_id="two") as checkout:
        assert not checkout.resumed

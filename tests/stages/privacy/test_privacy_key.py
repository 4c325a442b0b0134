"""The key: made once, kept to its owner, the same for everybody who asks."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stages.errors import BadInput
from stages.privacy.key import find_key, fingerprint, key_file, load_key, subkey

ROOT = Path(__file__).parents[3]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return []


def test_a_configured_key_is_used_and_nothing_is_made(said: list[str]) -> None:
    assert load_key("0f" * 32, say=said.append) == bytes([15]) * 32
    assert load_key("0F" * 32, say=said.append) == bytes([15]) * 32
    assert said == []
    assert not key_file().parent.exists()


@pytest.mark.parametrize("bad", ["", "0f", "0f" * 33, "zz" * 32, "０" * 64, "0f" * 31 + "0"])
def test_a_malformed_key_is_refused_without_being_repeated(said: list[str], bad: str) -> None:
    with pytest.raises(BadInput, match="64 hex digits") as caught:
        load_key(bad, say=said.append)
    assert bad == "" or bad not in str(caught.value)


def test_the_key_file_is_made_once_for_its_owner_alone_and_its_path_said_once(said: list[str]) -> None:
    assert find_key(None, say=said.append) is None
    first = load_key(None, say=said.append)
    assert len(first) == 32
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file().parent.stat().st_mode) == 0o700
    assert [str(key_file()) in line for line in said] == [True]
    assert first.hex() not in said[0]
    assert load_key(None, say=said.append) == first
    assert len(said) == 1
    assert [path.name for path in key_file().parent.iterdir()] == ["key"]


def test_a_key_that_others_may_read_is_used_with_a_warning(said: list[str]) -> None:
    first = load_key(None, say=said.append)
    key_file().chmod(0o644)
    assert load_key(None, say=said.append) == first
    assert "chmod 600" in said[-1]


def test_a_broken_or_strange_key_file_is_refused(said: list[str]) -> None:
    load_key(None, say=said.append)
    key_file().write_text("half a ke")
    with pytest.raises(BadInput, match=r"not 64 hex digits"):
        load_key(None, say=said.append)
    key_file().unlink()
    os.mkfifo(key_file())
    with pytest.raises(BadInput, match="not a regular file"):
        load_key(None, say=said.append)


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(BadInput, match="STREAMLINER_PRIVACY__KEY"):
        load_key(None, say=said.append)


def test_runs_that_start_together_use_one_key(tmp_path: Path) -> None:
    code = "from stages.privacy.key import load_key; print(load_key(None, say=lambda line: None).hex())"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    keys = {run.communicate()[0].strip() for run in runs}
    assert len(keys) == 1
    assert len(keys.pop()) == 64


def test_derived_keys_differ_by_purpose_and_give_the_key_away_nowhere() -> None:
    key = bytes(range(32))
    assert len({subkey(key, purpose) for purpose in ("alias", "name", "phone")} | {key}) == 4
    assert fingerprint(key) == fingerprint(bytes(range(32))) != fingerprint(bytes(32))
    assert len(fingerprint(key)) == 16
    assert fingerprint(key) not in key.hex()

"""F13: settings come from the file, then the environment, then options; each value tells where it came from."""

from pathlib import Path

import pytest

from stages.errors import BadInput
from stages.settings import describe, load_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("STREAMLINER_"):
            monkeypatch.delenv(name)


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "streamliner.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_f13_1_option_beats_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a", '[windows]\nunit = "hours"\nsize = 5\n[llm]\nconcurrency = 7\n')
    monkeypatch.setenv("STREAMLINER_WINDOWS__SIZE", "6")
    loaded = load_settings(tmp_path / "a", options={"windows.unit": "messages", "llm.model": None})
    assert (loaded.settings.windows.unit, loaded.settings.windows.size) == ("messages", 6)
    assert loaded.settings.llm.concurrency == 7
    origins = {name: origin for name, _, origin, _ in describe(loaded)}
    assert origins["windows.unit"] == "option"
    assert origins["windows.size"] == "environment"
    assert origins["llm.concurrency"] == "file"
    assert origins["llm.model"] == "default"


def test_the_file_beside_the_archive_is_found(tmp_path: Path) -> None:
    write(tmp_path, "[llm]\nconcurrency = 3\n")
    assert load_settings(tmp_path / "family").settings.llm.concurrency == 3
    assert load_settings(tmp_path / "family").file == tmp_path / "streamliner.toml"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STREAMLINER_RETRY__ATTEMPTS", "0"),
        ("STREAMLINER_WINDOWS__OVERLAP", "0.6"),
        ("STREAMLINER_LLM__CONCURRENCY", "many"),
        ("STREAMLINER_FETCH__ALLOW_NETWORKS", '["10.0.0.0/99"]'),
        ("STREAMLINER_FETCH__ALLOW_NETWORKS", "10.0.0.0/8"),
        ("STREAMLINER_ARCHIVE__TIMEZONE", "Mars/Olympus"),
    ],
)
def test_f13_2_a_bad_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput) as caught:
        load_settings()
    section = name.removeprefix("STREAMLINER_").lower().partition("__")[0]
    assert section in str(caught.value).lower()
    assert "\n" not in str(caught.value)


def test_an_unknown_variable_is_a_warning_and_an_unknown_key_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLINER_WINDOWZ__SIZE", "1")
    monkeypatch.setenv("STREAMLINER_LLM__COLOUR", "red")
    loaded = load_settings()
    assert len(loaded.warnings) == 2
    assert any("STREAMLINER_LLM__COLOUR" in warning for warning in loaded.warnings)
    with pytest.raises(BadInput, match="colour"):
        load_settings(config=write(tmp_path, '[llm]\ncolour = "red"\n'))


def test_f13_4_a_secret_is_never_shown_and_never_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLINER_LLM__API_KEY", "sk-canary")
    monkeypatch.setenv("STREAMLINER_PRIVACY__KEY", "ab" * 32)
    loaded = load_settings()
    shown = repr(list(describe(loaded))) + repr(loaded) + str(loaded.settings.model_dump_json())
    assert "sk-canary" not in shown
    assert "abab" not in shown
    with pytest.raises(BadInput, match="environment only"):
        load_settings(config=write(tmp_path, '[llm]\napi_key = "sk"\n'))


def test_lists_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLINER_FETCH__ALLOW_NETWORKS", '["127.0.0.0/8", "fd00::/8"]')
    assert [str(network) for network in load_settings().settings.fetch.allow_networks] == ["127.0.0.0/8", "fd00::/8"]


def test_a_broken_or_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        load_settings(config=write(tmp_path, "[llm\n"))
    with pytest.raises(BadInput, match="does not exist"):
        load_settings(config=tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("https://key:canary@store.example", "an endpoint holds no key"),
        ("store.example:9000", "an endpoint is written https://HOST"),
        ("ftp://store.example", "an endpoint is written https://HOST"),
        ("https://store.example/bucket", "an endpoint is written https://HOST"),
        ("https://store.example:port", "an endpoint is written https://HOST"),
        ("https://", "an endpoint is written https://HOST"),
    ],
)
def test_an_endpoint_of_a_store_is_a_host_and_holds_no_key(
    endpoint: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLINER_STORAGE__ENDPOINT", endpoint)
    with pytest.raises(BadInput, match=f"storage.endpoint .*{said}") as caught:
        load_settings()
    assert "canary" not in str(caught.value)


def test_keys_of_a_store_come_from_the_environment_and_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("access_key_id", "secret_access_key", "session_token")
    for name in names:
        write(tmp_path, f'[storage]\n{name} = "canary"\n')
        with pytest.raises(BadInput, match=rf"storage\.{name} is a secret and is read from the environment only"):
            load_settings(tmp_path)
        monkeypatch.setenv(f"STREAMLINER_STORAGE__{name.upper()}", f"canary of {name}")
    shown = {name: value for name, value, _, _ in describe(load_settings())}
    assert [shown[f"storage.{name}"] for name in names] == ["set"] * 3
    assert "canary" not in repr(load_settings())

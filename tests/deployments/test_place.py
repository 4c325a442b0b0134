"""What differs between hosts: DEPLOY_ variables, the image's tag, where packages come from."""

import subprocess
from pathlib import Path

import pytest

from deployments.indexes import package_indexes, uv_variables
from deployments.place import IMAGE_SOURCES, describe, read_place, source_tag
from stages.errors import BadInput


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A small project in a repository of its own."""
    for name in IMAGE_SOURCES:
        path = tmp_path / name
        if "." in name or name == "Dockerfile":
            path.write_text('[project]\nversion = "1.2.3"\n' if name == "pyproject.toml" else name, encoding="utf-8")
        else:
            path.mkdir()
            (path / "__init__.py").write_text("", encoding="utf-8")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "State of things")


def test_a_tag_names_the_version_and_the_commit_of_the_sources(sources: Path) -> None:
    git(sources, "init", "-q")
    commit(sources)
    first = source_tag(sources)
    assert first.startswith("1.2.3-")
    assert first.count("-") == 1
    (sources / "README.md").write_text("no part of the image", encoding="utf-8")
    commit(sources)
    assert source_tag(sources) == first
    (sources / "flows" / "publish.py").write_text("changed = True", encoding="utf-8")
    dirty = source_tag(sources)
    assert dirty.startswith(f"{first}-")
    (sources / "flows" / "publish.py").write_text("changed = False", encoding="utf-8")
    assert source_tag(sources) != dirty
    commit(sources)
    assert source_tag(sources) not in {first, dirty}


def test_without_a_repository_the_tag_is_a_hash_of_the_sources(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    first = source_tag(sources)
    assert source_tag(sources) == first
    (sources / "flows" / "__pycache__").mkdir()
    (sources / "flows" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert source_tag(sources) == first
    (sources / "requirements.lock").write_text("other", encoding="utf-8")
    assert source_tag(sources) != first


def test_a_place_is_described_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_IMAGE", "registry.example.org/team/streamliner")
    monkeypatch.setenv("DEPLOY_ARCHIVES", "/srv/chats")
    monkeypatch.setenv("DEPLOY_SECRETS", "/srv/secrets")
    monkeypatch.setenv("DEPLOY_NETWORK_MODE", "host")
    place = describe()
    assert place["image"] == f"registry.example.org/team/streamliner:{place['tag']}"
    assert place["volumes"] == [
        "/srv/chats:/archives",
        "streamliner-config:/config",
        "/srv/secrets:/run/secrets:ro",
    ]
    assert place["network_mode"] == "host"
    assert "build_network" not in place


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEPLOY_USER", "0:0"),
        ("DEPLOY_USER", "root"),
        ("DEPLOY_ARCHIVES", "/var/run/docker.sock"),
        ("DEPLOY_SECRETS", "/a:/b"),
        ("DEPLOY_PULL_POLICY", "Sometimes"),
    ],
)
def test_a_place_that_is_not_right_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=f"{name} is not valid"):
        read_place()


def test_uv_is_told_what_pip_is_configured_with(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        f"[global]\nindex-url = https://mirror.example.org/simple\nfind-links = {wheels}\n"
        f"extra-index-url = file://{tmp_path}/missing https://extra.example.org/simple\n",
        encoding="utf-8",
    )
    environment = {"PIP_CONFIG_FILE": str(configuration)}
    variables = uv_variables(environment)
    assert variables["UV_DEFAULT_INDEX"] == "https://mirror.example.org/simple"
    assert variables["UV_INDEX"] == "https://extra.example.org/simple"
    assert variables["UV_FIND_LINKS"] == str(wheels)
    assert "UV_DEFAULT_INDEX" not in uv_variables(environment | {"UV_DEFAULT_INDEX": "https://own.example.org"})
    over = uv_variables(environment | {"PIP_INDEX_URL": "https://variable.example.org/simple"})
    assert over["UV_DEFAULT_INDEX"] == "https://variable.example.org/simple"
    assert "links" not in package_indexes(environment, local=False), "a container does not see this machine's folders"

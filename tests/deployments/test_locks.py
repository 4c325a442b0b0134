"""The lock files: every version with hashes, no address, in agreement with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = ("requirements.lock", "requirements-dev.lock", "deployments/installer.lock")
ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==(\S+)(?: ; (.+?))? \\$")


def entries(lock: Path) -> dict[str, list[tuple[Version, int]]]:
    """Name -> (version, number of hashes); a name can be there twice, under markers that exclude each other."""
    found: dict[str, list[tuple[Version, int]]] = {}
    current: list[tuple[Version, int]] | None = None
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := ENTRY.match(line):
            current = found.setdefault(canonicalize_name(match[1]), [])
            current.append((Version(match[2]), 0))
        elif line.startswith("    --hash=sha256:"):
            assert current is not None
            current[-1] = (current[-1][0], current[-1][1] + 1)
        else:
            assert line.lstrip().startswith("#"), f"{lock.name}: a line that is no version, hash or comment: {line}"
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_version_has_a_hash_and_no_line_an_address(checkout: Path, name: str) -> None:
    found = entries(checkout / name)
    assert found
    assert [package for package, versions in found.items() if not all(hashes for _, hashes in versions)] == []
    assert "://" not in (checkout / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_the_two_malicious_releases_of_litellm_are_not_in_it(checkout: Path, name: str) -> None:
    bad = {Version("1.82.7"), Version("1.82.8")}
    assert not bad & {version for version, _ in entries(checkout / name).get("litellm", [])}


def test_litellm_comes_without_its_proxy(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [litellm] = [item for item in map(Requirement, project["dependencies"]) if item.name == "litellm"]
    assert litellm.extras == set()


def test_the_locks_agree_with_the_project(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked, dev = entries(checkout / "requirements.lock"), entries(checkout / "requirements-dev.lock")
    extras = [item for items in project["optional-dependencies"].values() for item in items]
    for lock, wanted in ((locked, project["dependencies"]), (dev, [*project["dependencies"], *extras])):
        for requirement in map(Requirement, wanted):
            versions = [version for version, _ in lock.get(canonicalize_name(requirement.name), [])]
            assert versions, f"{requirement.name} is not locked: make lock"
            assert all(requirement.specifier.contains(version, prereleases=True) for version in versions)


def test_the_tests_run_with_the_versions_that_are_shipped(checkout: Path) -> None:
    locked, dev = entries(checkout / "requirements.lock"), entries(checkout / "requirements-dev.lock")
    assert {name: [version for version, _ in versions] for name, versions in locked.items()} == {
        name: [version for version, _ in dev.get(name, [])] for name in locked
    }


def test_uv_is_the_version_that_is_asked_for(checkout: Path) -> None:
    asked = [line for line in (checkout / "deployments/installer.in").read_text(encoding="utf-8").splitlines() if line]
    found = entries(checkout / "deployments/installer.lock")
    for requirement in map(Requirement, asked):
        [(version, _)] = found[requirement.name]
        assert requirement.specifier.contains(version)

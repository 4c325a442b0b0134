"""The Makefile's list, the image's recipe, and how secrets reach a container."""

import re
import subprocess
from pathlib import Path

import pytest

from deployments.base_image import base_name

TARGETS = [
    "help",
    "setup",
    "run",
    "stop",
    "test",
    "docker-test",
    "lint",
    "mutants",
    "lock",
    "bench",
    "sample",
    "site",
    "clean",
]


def test_make_alone_lists_the_targets(checkout: Path) -> None:
    listed = subprocess.run(["make"], cwd=checkout, capture_output=True, text=True, check=True).stdout
    assert [line.split()[1] for line in listed.splitlines()] == TARGETS
    assert all(len(line.split()) > 4 for line in listed.splitlines())


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_can_be_planned(checkout: Path, target: str) -> None:
    subprocess.run(["make", "-n", target], cwd=checkout, capture_output=True, check=True)


def test_ci_runs_both_suites_and_fails_on_the_first_failure(checkout: Path) -> None:
    script = (checkout / ".ci" / "run").read_text(encoding="utf-8")
    assert script.startswith("#!/bin/bash")
    assert "set -euo pipefail" in script
    assert script.rstrip().endswith("make test\nmake docker-test")
    subprocess.run(["bash", "-n", str(checkout / ".ci" / "run")], check=True)


def test_the_base_is_pinned_and_the_same_in_both_stages(checkout: Path) -> None:
    recipe = (checkout / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", recipe, re.MULTILINE)
    assert bases == [base_name(checkout)] * 2
    assert re.fullmatch(r"python:3\.11(\.\d+)?-slim-bookworm(@sha256:[0-9a-f]{64})?", bases[0])


def test_both_builders_accept_the_recipe(checkout: Path) -> None:
    recipe = (checkout / "Dockerfile").read_text(encoding="utf-8")
    instructions = "\n".join(line for line in recipe.splitlines() if not line.startswith("#"))
    assert "--mount" not in instructions
    assert "<<" not in instructions
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", instructions, re.MULTILINE)
    assert instructions.count("--require-hashes") == 2


def test_only_code_reaches_the_builder(checkout: Path) -> None:
    lines = [
        line
        for line in (checkout / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert lines[0] == "*"
    assert {line for line in lines if line.startswith("!")} == {
        f"!{name}" for name in ("pyproject.toml", "requirements.lock", "flows", "tasks", "stages", "deployments")
    }


def test_secrets_are_read_from_mounted_files_by_the_process_alone(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "STREAMLINER_PRIVACY__KEY").write_text("ab" * 32, encoding="utf-8")
    (tmp_path / "OTHER").write_text("not ours", encoding="utf-8")
    shown = subprocess.run(
        ["/bin/sh", str(checkout / "deployments" / "entrypoint.sh"), "env"],
        env={"PATH": "/usr/bin:/bin", "SECRETS_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"STREAMLINER_PRIVACY__KEY={'ab' * 32}" in shown.stdout.splitlines()
    assert "not ours" not in shown.stdout
    assert shown.stderr == ""


def test_without_secrets_the_command_just_runs(checkout: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", str(checkout / "deployments" / "entrypoint.sh"), "sh", "-c", "exit 7"],
        env={"PATH": "/usr/bin:/bin", "SECRETS_FOLDER": str(tmp_path / "none")},
        check=False,
    )
    assert done.returncode == 7

"""The house stands as docs/architecture.md says: one-way arrow, lazy imports, thin tasks, readable files."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "stages": {"stages"},
    "tasks": {"tasks", "stages"},
    "flows": {"flows", "tasks", "stages"},
    "deployments": {"deployments", "flows", "tasks", "stages"},
}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_the_arrow_goes_one_way(package: str) -> None:
    ours = set(MAY_IMPORT)
    for path in modules(package):
        for name in imports(path):
            top = name.partition(".")[0]
            assert top not in ours - MAY_IMPORT[package], f"{path.relative_to(ROOT)} imports {name}"


def test_stages_know_nothing_of_prefect_and_import_heavy_things_late() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in modules("stages")
    ]
    program = f"""
import importlib, sys
sys.modules["prefect"] = None
for name in {names!r}:
    importlib.import_module(name)
heavy = {{"litellm", "ibis", "PIL", "jinja2", "phonenumbers", "rich", "aiohttp", "trafilatura"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_only_the_settings_read_the_environment() -> None:
    for path in modules("stages"):
        if path.name == "settings.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            read = isinstance(node, ast.Attribute) and node.attr in ("getenv", "environb")
            assert not read, f"{path.relative_to(ROOT)} reads the environment"
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
                assert not (node.value.attr == "environ" and isinstance(node.ctx, ast.Load)), path


def test_help_is_light() -> None:
    program = """
import sys
from flows.cli import cli
cli.main(["--help"], standalone_mode=False)
heavy = {"prefect", "litellm", "duckdb", "pyarrow", "numpy", "pydantic", "ibis", "rich"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True)


def test_every_task_wraps_the_stage_of_its_step() -> None:
    from flows.steps import ALL

    for step in ALL:
        task = step.load_task()
        assert task.fn.__wrapped__ is step.load_stage(), step.name
        assert task.persist_result is False, step.name
        assert task.name == step.name


def test_files_can_be_read_in_one_sitting() -> None:
    for package in MAY_IMPORT:
        for path in modules(package):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines; split it by idea"
            assert path.stem not in ("util", "utils", "helpers", "common", "misc")


def test_every_dependency_has_its_reason_in_the_architecture() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    wanted = [*project["dependencies"], *project["optional-dependencies"]["docker"]]
    for requirement in wanted:
        name = requirement.split("[")[0].split("=")[0].split("<")[0].split(">")[0]
        assert f"`{name}`" in said, f"docs/architecture.md gives no reason for {name}"

"""prefect.yaml, read by Prefect's own loader and checked against the flows that it names."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from prefect.cli.deploy._config import _load_deploy_configs_and_actions
from prefect.flows import Flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate
from rich.console import Console

from deployments.place import describe
from deployments.pools import POOL_TYPES, PoolType
from deployments.wanted import read_project, read_wanted


@pytest.fixture(scope="module")
def project(checkout: Path) -> dict[str, Any]:
    return read_project(checkout)


def flow_of(entrypoint: str) -> Flow[..., Any]:
    path, _, name = entrypoint.partition(":")
    found = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(found, Flow)
    return found


def test_prefects_own_loader_reads_it(checkout: Path) -> None:
    deployments, actions = _load_deploy_configs_and_actions(checkout / "prefect.yaml", console=Console())
    assert [deployment["name"] for deployment in deployments] == ["default", "default"]
    assert [next(iter(step)) for step in actions["build"]] == [
        "deployments.place.describe",
        "prefect_docker.deployments.steps.build_docker_image",
    ]
    assert [next(iter(step)) for step in actions["push"]] == ["deployments.place.push_image"]
    assert actions["pull"] == [
        {"prefect.deployments.steps.set_working_directory": {"directory": "/opt/streamliner/app"}}
    ]


def test_it_is_for_the_prefect_that_is_locked(project: dict[str, Any], checkout: Path) -> None:
    assert f"prefect=={project['prefect-version']} " in (checkout / "requirements.lock").read_text(encoding="utf-8")


def test_every_deployment_says_what_a_retry_does_and_how_many_run_at_once(project: dict[str, Any]) -> None:
    for deployment in project["deployments"]:
        assert "**Retry**" in deployment["description"]
        assert deployment["tags"]
        assert deployment["enforce_parameter_schema"] is True
        limit = deployment["concurrency_limit"]
        assert limit["limit"] >= 1
        assert limit["collision_strategy"] in {"ENQUEUE", "CANCEL_NEW"}
        assert limit["grace_period_seconds"] >= 60, "longer than a cold start"


def test_parameters_fit_the_form_and_every_field_explains_itself(project: dict[str, Any]) -> None:
    for deployment in project["deployments"]:
        schema = json.loads(parameter_schema(flow_of(deployment["entrypoint"])).model_dump_json(exclude_unset=True))
        assert list(schema["properties"]) == ["request"], "a flow takes one model"
        validate(deployment["parameters"], schema)
        for definition in schema["definitions"].values():
            fields = definition.get("properties", {})
            assert [name for name, field in fields.items() if not field.get("description")] == []


@pytest.mark.parametrize("pool_type", POOL_TYPES)
def test_no_placeholder_is_left(checkout: Path, pool_type: PoolType) -> None:
    wanted = read_wanted(checkout, pool_type, describe())
    assert "{{" not in json.dumps(wanted.deployments)
    assert {fields["work_pool_name"] for fields in wanted.deployments.values()} == {wanted.pool_name}


def test_a_process_pool_runs_from_the_checkout_and_builds_no_image(checkout: Path) -> None:
    wanted = read_wanted(checkout, "process", describe())
    assert list(wanted.deployments) == ["publish/default", "retry-failed/default"]
    for deployment in wanted.deployments.values():
        assert deployment["pull_steps"] == [
            {"prefect.deployments.steps.set_working_directory": {"directory": str(checkout)}}
        ]
        assert "image" not in deployment["job_variables"]
    assert wanted.steps == []

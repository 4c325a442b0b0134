"""The work pools' templates: Prefect's own with our limits, which no deployment and no run can loosen."""

import asyncio
from typing import Any

import jsonschema
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.utilities.templating import apply_values
from prefect_docker.worker import DockerWorkerJobConfiguration

from deployments.pools import POOL_TYPES, PoolType, make_templates, prefects_own, read_template


def rendered(values: dict[str, Any]) -> DockerWorkerJobConfiguration:
    """The configuration of a container as the Docker worker makes it from the template and job variables."""
    template = read_template("docker")
    # neither holds a reference to a block or a variable, so the client is never asked
    client = PrefectClient("http://127.0.0.1:9/api")
    return asyncio.run(DockerWorkerJobConfiguration.from_template_and_values(template, values, client=client))


@pytest.mark.parametrize("pool_type", POOL_TYPES)
def test_the_files_are_what_the_installed_prefect_gives(pool_type: PoolType) -> None:
    assert read_template(pool_type) == make_templates()[pool_type], "make them anew: python -m deployments.pools"


@pytest.mark.parametrize("pool_type", POOL_TYPES)
def test_every_placeholder_has_a_variable_with_a_description(pool_type: PoolType) -> None:
    template = read_template(pool_type)
    variables = template["variables"]["properties"]
    used = set(prefects_own(pool_type)["variables"]["properties"]) - {"privileged", "container_create_kwargs"}
    assert used <= set(variables)
    assert [name for name, variable in variables.items() if not variable.get("description")] == []


def test_a_container_starts_with_nothing_that_it_does_not_need() -> None:
    configuration = rendered({"image": "streamliner:1"})
    assert configuration.privileged is False
    assert configuration.mem_limit == configuration.memswap_limit == "2g"
    assert configuration.image_pull_policy == "IfNotPresent"
    assert configuration.env == {"PREFECT_HOME": "/tmp/prefect"}
    assert configuration.container_create_kwargs == {
        "user": "10001:10001",
        "read_only": True,
        "tmpfs": {"/tmp": "size=1g,mode=1777,nosuid,nodev"},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "pids_limit": 512,
        "init": True,
    }


def test_job_variables_choose_the_place_and_loosen_nothing() -> None:
    configuration = rendered(
        {
            "user": "1000:1000",
            "volumes": ["/srv/chats:/archives"],
            "network_mode": "host",
            "privileged": True,
            "container_create_kwargs": {"cap_add": ["SYS_ADMIN"], "read_only": False},
        }
    )
    assert configuration.volumes == ["/srv/chats:/archives"]
    assert configuration.network_mode == "host"
    assert configuration.privileged is False
    kwargs = configuration.container_create_kwargs or {}
    assert kwargs["user"] == "1000:1000"
    assert kwargs["read_only"] is True
    assert "cap_add" not in kwargs


@pytest.mark.parametrize(
    "refused",
    [
        {"user": "0"},
        {"user": "0:0"},
        {"user": "root"},
        {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]},
        {"pids_limit": 100_000},
        {"nano_cpus": 0},
    ],
)
def test_job_variables_that_would_loosen_it_are_refused(refused: dict[str, Any]) -> None:
    schema = read_template("docker")["variables"]
    jsonschema.validate({"user": "1000:1000", "volumes": ["/srv/chats:/archives"]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(refused, schema)


def test_a_kubernetes_job_has_the_same_limits() -> None:
    template = read_template("kubernetes")
    defaults = {
        name: variable["default"]
        for name, variable in template["variables"]["properties"].items()
        if "default" in variable
    }
    manifest = apply_values(template["job_configuration"], {**defaults, "image": "streamliner:1"})["job_manifest"]
    pod = manifest["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["automountServiceAccountToken"] is False
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"] == {"memory": "2Gi"}
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted == {"/archives", "/run/secrets", "/tmp"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}

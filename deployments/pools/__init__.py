"""The base job templates of the work pools: Prefect's own, with what we take away and what we fix.

    python -m deployments.pools        makes docker.json, kubernetes.json and process.json anew

They are files, so that a deployment needs neither Docker's nor Kubernetes' worker installed, and so that a reader can
see what a container may do. What is fixed in ``job_configuration`` cannot be loosened by a deployment or a run.
"""

import json
from pathlib import Path
from typing import Any, Literal, get_args

PoolType = Literal["docker", "process", "kubernetes"]
POOL_TYPES: tuple[PoolType, ...] = get_args(PoolType)

FOLDER = Path(__file__).parent
_NOT_ROOT = "^[1-9][0-9]*(:[1-9][0-9]*)?$"
Template = dict[str, Any]


def read_template(pool_type: PoolType) -> Template:
    """The base job template of a pool of this type, as ``{"job_configuration": …, "variables": …}``."""
    template: Template = json.loads((FOLDER / f"{pool_type}.json").read_text(encoding="utf-8"))
    return template


def prefects_own(pool_type: PoolType) -> Template:
    """The template that the installed Prefect has for workers of this type."""
    template: Template
    if pool_type == "docker":
        from prefect_docker.worker import DockerWorker

        template = DockerWorker.get_default_base_job_template()
    elif pool_type == "process":
        from prefect.workers.process import ProcessWorker

        template = ProcessWorker.get_default_base_job_template()
    else:
        # its worker is not installed here; Prefect carries the template for the dashboard's form
        import prefect

        views = Path(prefect.__file__).parent / "server/api/collections_data/views/aggregate-worker-metadata.json"
        workers = json.loads(views.read_text(encoding="utf-8"))["prefect-kubernetes"]
        template = workers["kubernetes"]["default_base_job_configuration"]
    return template


def docker_template() -> Template:
    """Prefect's Docker template, hardened: no root, read-only, no capabilities, no way to the engine."""
    template = prefects_own("docker")
    configuration, properties = template["job_configuration"], template["variables"]["properties"]
    for name in ("privileged", "container_create_kwargs"):
        del properties[name], configuration[name]
    properties["volumes"]["items"] = {"type": "string", "not": {"pattern": r"docker\.sock"}}
    properties["volumes"]["default"] = ["streamliner-archives:/archives", "streamliner-config:/config"]
    properties["env"]["default"] = {"PREFECT_HOME": "/tmp/prefect"}
    properties["image_pull_policy"]["default"] = "IfNotPresent"
    properties["mem_limit"]["default"] = properties["memswap_limit"]["default"] = "2g"
    properties |= {
        "user": _variable("User", "uid:gid of the run, never root.", "10001:10001", pattern=_NOT_ROOT),
        "pids_limit": _variable("Most processes", "Processes and threads of a run.", 512, minimum=64, maximum=4096),
        "nano_cpus": {
            **_variable("CPU limit", "Billionths of a CPU that a run may use; none means all.", None),
            "anyOf": [{"type": "integer", "minimum": 100_000_000}, {"type": "null"}],
        },
        "scratch": _variable(
            "Scratch", "Mount options of /tmp, which lies in memory.", "size=1g,mode=1777,nosuid,nodev"
        ),
    }
    configuration["privileged"] = False
    configuration["container_create_kwargs"] = {
        "user": "{{ user }}",
        "read_only": True,
        "tmpfs": {"/tmp": "{{ scratch }}"},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "pids_limit": "{{ pids_limit }}",
        "nano_cpus": "{{ nano_cpus }}",
        "init": True,
    }
    return template


def kubernetes_template() -> Template:
    """Prefect's Kubernetes template with the same limits, a claim for the archives and a secret's files."""
    template = prefects_own("kubernetes")
    properties = template["variables"]["properties"]
    properties |= {
        "user": _variable("User", "uid, gid and group of the run, never root.", 10001, minimum=1),
        "archives_claim": _variable("Archives", "Volume claim with the archives.", "streamliner-archives"),
        "secret_name": _variable("Secret", "Secret whose entries are STREAMLINER_ settings.", "streamliner-secrets"),
        "scratch": _variable("Scratch", "Size of /tmp, which lies in memory.", "1Gi"),
    }
    properties["env"]["default"] = {"PREFECT_HOME": "/tmp/prefect"}
    properties["memory_limit"]["default"] = "2Gi"
    pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    pod["automountServiceAccountToken"] = False
    pod["securityContext"] = {
        "runAsNonRoot": True,
        "runAsUser": "{{ user }}",
        "runAsGroup": "{{ user }}",
        "fsGroup": "{{ user }}",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    pod["volumes"] = [
        {"name": "archives", "persistentVolumeClaim": {"claimName": "{{ archives_claim }}"}},
        {"name": "secrets", "secret": {"secretName": "{{ secret_name }}", "optional": True, "defaultMode": 0o440}},
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "{{ scratch }}"}},
    ]
    container = pod["containers"][0]
    container["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    container["volumeMounts"] = [
        {"name": "archives", "mountPath": "/archives"},
        {"name": "secrets", "mountPath": "/run/secrets", "readOnly": True},
        {"name": "scratch", "mountPath": "/tmp"},
    ]
    return template


def _variable(title: str, description: str, default: Any, **bounds: Any) -> dict[str, Any]:
    kinds = {str: "string", int: "integer"}
    kind = {"type": kinds[type(default)]} if default is not None else {}
    return {"title": title, "description": description, "default": default, **kind, **bounds}


def make_templates() -> dict[PoolType, Template]:
    return {
        "docker": docker_template(),
        "kubernetes": kubernetes_template(),
        "process": prefects_own("process"),
    }

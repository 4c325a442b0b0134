"""What is wanted on a server: the limits, one work pool, the deployments of prefect.yaml. Nothing is sent here.

Every piece is a plain dictionary with the API's own field names, so that what is wanted can be compared with what is
there, and the difference shown.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deployments.pools import PoolType, read_template
from stages.errors import BadInput, StreamlinerError

Fields = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """The state to reach. ``deployments`` maps ``flow/name`` to fields; ``steps`` are what makes the image."""

    pool_name: str
    pool: Fields
    limits: dict[str, Fields]
    deployments: dict[str, Fields]
    steps: list[Fields] = field(default_factory=list)


def read_wanted(checkout: Path, pool_type: PoolType, place: Fields) -> Wanted:
    """Read prefect.yaml for a pool of this type, its placeholders filled from ``place``.

    Raises :class:`BadInput` where there is no checkout, :class:`StreamlinerError` where prefect.yaml is not right.
    """
    from prefect.cli.deploy._models import DeploymentConfig
    from prefect.utilities.templating import apply_values

    from tasks.limits import LIMITS

    project = read_project(checkout)
    pool = apply_values(project["definitions"]["pools"][pool_type], {"place": place})
    pull = apply_values(project["definitions"]["pulls"][pool_type], {"place": place})
    deployments: dict[str, Fields] = {}
    for entry in project["deployments"]:
        config = DeploymentConfig.model_validate(apply_values(entry, {"place": place}))
        flow_name, fields = _deployment(checkout, config)
        fields |= {
            "work_pool_name": pool["name"],
            "work_queue_name": pool["work_queue_name"],
            "job_variables": pool["job_variables"],
            "pull_steps": pull,
        }
        deployments[f"{flow_name}/{config.name}"] = fields
    return Wanted(
        pool_name=pool["name"],
        pool={
            "type": pool_type,
            "description": "Runs of Streamliner. Made by `streamliner deploy`; what is changed by hand is set back.",
            "base_job_template": read_template(pool_type),
        },
        limits={name: {"limit": slots, "active": True, "slot_decay_per_second": 0.0} for name, slots in LIMITS.items()},
        deployments=deployments,
        steps=[*(project.get("build") or []), *(project.get("push") or [])] if pool_type != "process" else [],
    )


def read_project(checkout: Path) -> Fields:
    """prefect.yaml as Prefect itself reads it, checked by its own model."""
    from prefect.cli.deploy._models import PrefectYamlModel
    from pydantic import ValidationError

    file = checkout / "prefect.yaml"
    if not file.is_file():
        raise BadInput("`streamliner deploy` works in a checkout of the project: there is no prefect.yaml beside it.")
    try:
        project: Fields = yaml.safe_load(file.read_text(encoding="utf-8"))
        PrefectYamlModel.model_validate(project)
    except (yaml.YAMLError, ValidationError) as error:
        raise StreamlinerError(f"prefect.yaml is not right: {' '.join(str(error).split())[:300]}") from None
    return project


def _deployment(checkout: Path, config: Any) -> tuple[str, Fields]:
    """The flow's name, and what a deployment is made of but for its pool."""
    from prefect.utilities.callables import parameter_schema

    flow = _load_flow(checkout, config.entrypoint)
    limit = config.concurrency_limit
    schema = parameter_schema(flow)
    return flow.name, {
        "version": config.version,
        "description": config.description,
        "tags": config.tags,
        "entrypoint": config.entrypoint,
        "path": None,
        "parameters": config.parameters,
        "parameter_openapi_schema": schema.model_dump(mode="json", exclude_unset=True),
        "enforce_parameter_schema": config.enforce_parameter_schema,
        "concurrency_limit": limit.limit,
        "concurrency_options": {
            "collision_strategy": limit.collision_strategy,
            "grace_period_seconds": limit.grace_period_seconds,
        },
    }


def _load_flow(checkout: Path, entrypoint: str) -> Any:
    """The flow of ``flows/publish.py:publish``, imported as the module that it is."""
    from importlib import import_module

    path, _, name = entrypoint.partition(":")
    module = import_module(path.removesuffix(".py").replace("/", "."))
    return getattr(module, name)

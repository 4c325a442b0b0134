"""Where Streamliner is deployed: what differs from one host to the next, read from ``DEPLOY_…`` variables.

The first build step of ``prefect.yaml``; everything there that differs between hosts is ``{{ place.… }}``. No secret
is among it: secrets reach a container as mounted files (``DEPLOY_SECRETS``), never as job variables.
"""

import hashlib
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployments.indexes import package_indexes
from stages.errors import BadInput

CHECKOUT = Path(__file__).resolve().parents[1]
IMAGE_SOURCES = ("Dockerfile", "pyproject.toml", "requirements.lock", "flows", "tasks", "stages", "deployments")
"""What the image is made from; its tag changes with these and with nothing else."""


class Place(BaseSettings):
    """The host that containers run on, as the person who deploys describes it."""

    model_config = SettingsConfigDict(env_prefix="DEPLOY_", frozen=True, extra="ignore")

    image: str = Field("streamliner", description="Repository of the image, with its registry where it is pushed.")
    push: bool = Field(False, description="Push the image after building it.")
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field(
        "IfNotPresent", description="When a worker pulls the image; tags never change, so once is enough."
    )
    archives: str = Field("streamliner-archives", description="Folder or volume with the archives.")
    config: str = Field("streamliner-config", description="Folder or volume where a key made by a run is kept.")
    secrets: str | None = Field(None, description="Folder of secret files, named like their STREAMLINER_ variables.")
    user: str = Field("10001:10001", description="uid:gid of the runs; they own the archives. Never root.")
    memory: str = Field("2g", description="Most memory of a run.")
    network_mode: str | None = Field(None, description="Docker network mode of the runs, for example host.")
    build_network: str | None = Field(None, description="Docker network mode while the image is built.")

    @field_validator("user")
    @classmethod
    def not_root(cls, value: str) -> str:
        if not re.fullmatch(r"[1-9][0-9]*(:[1-9][0-9]*)?", value):
            raise ValueError("is a user number, or uid:gid, that is not root")
        return value

    @field_validator("archives", "config", "secrets")
    @classmethod
    def not_the_engine(cls, value: str | None) -> str | None:
        if value is not None and (":" in value or "docker.sock" in value):
            raise ValueError("is one folder or the name of a volume, and never Docker's socket")
        return value


def read_place() -> Place:
    """The place that the environment describes. Raises :class:`BadInput` with the variable's name."""
    try:
        return Place()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"DEPLOY_{str(first['loc'][0]).upper()}"
        raise BadInput(f"{name} is not valid: {first['msg'].removeprefix('Value error, ')}.") from None


def describe() -> dict[str, Any]:
    """The step ``place``: every value that prefect.yaml takes from it. What is not set is left out."""
    place = read_place()
    indexes = package_indexes(local=False)
    tag = source_tag(CHECKOUT)
    arguments = {
        "INDEX_URL": indexes.get("index"),
        "EXTRA_INDEX_URL": indexes.get("extra"),
        "TRUSTED_HOST": indexes.get("trusted"),
    }
    volumes = [f"{place.archives}:/archives", f"{place.config}:/config"]
    if place.secrets:
        volumes.append(f"{place.secrets}:/run/secrets:ro")
    values = {
        "checkout": str(CHECKOUT),
        "image": f"{place.image}:{tag}",
        "image_name": place.image,
        "tag": tag,
        "push": place.push,
        "pull_policy": place.pull_policy,
        "volumes": volumes,
        "user": place.user,
        "memory": place.memory,
        "network_mode": place.network_mode,
        "build_network": place.build_network,
        "build_arguments": {name: value for name, value in arguments.items() if value},
    }
    return {name: value for name, value in values.items() if value is not None}


def push_image(image_name: str, tag: str, enabled: bool = False) -> dict[str, Any]:
    """The step that pushes the image where DEPLOY_PUSH asks for it."""
    if not enabled:
        return {}
    from prefect_docker.deployments.steps import push_docker_image

    return dict(push_docker_image(image_name=image_name, tag=tag))


def source_tag(checkout: Path) -> str:
    """``<version>-<commit>`` of what the image is made from, with a hash of it where it is not as committed.

    The same sources give the same tag, other sources another one: a tag is never used twice.
    """
    version = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    commit = _git(checkout, "log", "-1", "--format=%h", "--abbrev=10", "--", *IMAGE_SOURCES)
    changed = _git(checkout, "status", "--porcelain", "--", *IMAGE_SOURCES)
    if commit and changed == "":
        return f"{version}-{commit}"
    digest = _digest(checkout)
    return f"{version}-{commit}-{digest[:8]}" if commit else f"{version}-{digest[:12]}"


def _git(checkout: Path, *arguments: str) -> str | None:
    """What git answers, or None where there is no repository or no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _digest(checkout: Path) -> str:
    """SHA-256 over names and bytes of the sources, bytecode left out."""
    digest = hashlib.sha256()
    for source in IMAGE_SOURCES:
        path = checkout / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                content = file.read_bytes()
                digest.update(f"{file.relative_to(checkout).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()

"""The image of a deployment: is it on this machine's engine, and if not, make it by the steps of prefect.yaml."""

import asyncio
import contextlib
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployments.wanted import Fields
from stages.errors import BadInput, StreamlinerError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def make_image(
    steps: list[Fields], place: Fields, checkout: Path, say: Callable[[str], None], *, dry_run: bool = False
) -> tuple[str, str, str]:
    """Build (and push) the image unless the engine has one of these very sources; the row of what was done.

    Raises :class:`BadInput` where no engine answers, :class:`StreamlinerError` where the build fails. Cost: one
    request when the image is there, else minutes the first time and seconds when only our code has changed.
    """
    name = place["image"]
    engine = connect_engine()
    try:
        there = bool(engine.images.list(name=name))
    finally:
        engine.close()
    if there and not place["push"]:
        return "image", name, "unchanged"
    if dry_run:
        say(f"image {name}: {'is here and would be pushed' if there else 'is not there'}")
        return "image", name, "would be pushed" if there else "would be built"
    _run_steps(steps, checkout, say)
    return "image", name, "built and pushed" if place["push"] else "built"


def connect_engine() -> Any:
    """A client of Docker's engine (``DOCKER_HOST`` or the usual socket). Raises :class:`BadInput`."""
    try:
        import docker
        from docker.errors import DockerException
    except ImportError:
        raise BadInput(
            "Building the image needs the extra `docker`: pip install 'streamliner[docker]', or use --no-build."
        ) from None
    try:
        engine = docker.from_env(timeout=600)
        engine.ping()
    except (DockerException, OSError):
        raise BadInput(
            "No Docker engine answers; start it or set DOCKER_HOST, deploy with --no-build where the image is built "
            "elsewhere, or with --pool-type process on one machine without Docker."
        ) from None
    return engine


def _run_steps(steps: list[Fields], checkout: Path, say: Callable[[str], None]) -> None:
    """Prefect runs the steps; what the builder prints goes to ``say``, line by line."""
    from prefect.deployments.steps.core import StepExecutionError, run_steps

    lines = _Lines(say)

    def tell(*words: object, **_: object) -> None:
        lines.write(" ".join(map(str, words)).strip() + "\n")

    try:
        with contextlib.chdir(checkout), contextlib.redirect_stdout(lines):
            asyncio.run(run_steps(steps, print_function=tell))
    except StepExecutionError as error:
        cause = error.__cause__ or error
        raise StreamlinerError(f"The image could not be built: {' '.join(str(cause).split())[:400]}") from None


class _Lines(io.TextIOBase):
    """Standard output for a while: hands whole lines to a function, which may print to the real one."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._real = sys.stdout
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                with contextlib.redirect_stdout(self._real):
                    self._say(_COLOUR.sub("", line).rstrip())
        return len(text)

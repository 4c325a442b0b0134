"""Batches that come to an end of their own, mapped as the project's are: ``python -m tests.flows.batches FOLDER``."""

import json
import sys
from pathlib import Path
from threading import Event
from typing import Any

from prefect import flow
from prefect.runtime import flow_run

from flows.runner import PrefectRunner
from flows.steps import Step
from stages.errors import StreamlinerError
from tasks.limits import ensure_limits
from tasks.slots import slots_of_the_run
from tasks.wrapping import stage_task

WAYS = ("well", "dies", "says")


def work(how: str, folder: str) -> str:
    """``well``, or ``dies`` the first time as a worker does that is killed, or ``says`` what nobody can help."""
    tries = Path(folder) / how
    with tries.open("a") as file:
        file.write("x")
    if how == "says":
        raise StreamlinerError("The media folder cannot be written.")
    if how == "dies" and tries.stat().st_size == 1:
        raise RuntimeError("the worker died")
    return how


limited = stage_task(work, name="work", description="Of a test.", retries=2, limit="streamliner-enrich")
unlimited = stage_task(work, name="work", description="Of a test.", retries=2, limit="streamliner-no-such-limit")


@flow
def batches(task: str, folder: str) -> list[Any]:
    """The run's id, and what became of each batch: its result or its sentence."""
    with slots_of_the_run(Path(folder)) as slots:
        mapped = PrefectRunner(slots).map(
            Step("work", "tests.flows.batches:work", f"tests.flows.batches:{task}"),
            [{"how": how, "folder": folder} for how in WAYS],
            [1] * len(WAYS),
            Event(),
        )
        told = {}
        try:
            for n, value in mapped:
                told[WAYS[n]] = str(value) if isinstance(value, Exception) else value.value
        except StreamlinerError as error:
            return [str(flow_run.id), type(error).__name__, str(error)]
    return [str(flow_run.id), told]


if __name__ == "__main__":
    ensure_limits()
    print(json.dumps([batches(task, sys.argv[1]) for task in ("limited", "unlimited")]))

"""Imports what a flow run imports, so that the image carries the bytecode of that and of nothing else.

Bytecode of every dependency would add 170 MB; what a run loads is a third of it. A module that cannot be imported
fails the build of the image. ``python warm.py dependencies`` in the build stage, ``code`` where the code is baked in.
"""

import importlib
import pkgutil
import subprocess
import sys
import sysconfig

DEPENDENCIES = (
    "PIL.Image",
    "duckdb",
    "ibis.backends.duckdb",
    "litellm",
    "nh3",
    "phonenumbers",
    "prefect.artifacts",
    "prefect.concurrency.sync",
    "prefect.deployments.steps.core",
    "prefect.engine",
    "prefect.flow_engine",
    "prefect.runner",
    "prefect.task_engine",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.parquet",
)
ROOMS = ("stages", "tasks", "flows")


def main(what: str) -> None:
    if what == "dependencies":
        for name in DEPENDENCIES:
            importlib.import_module(name)
        command = [f"{sysconfig.get_path('scripts')}/prefect", "flow-run", "execute", "--help"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    else:
        for room in ROOMS:
            package = importlib.import_module(room)
            for module in pkgutil.walk_packages(package.__path__, f"{room}."):
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)


if __name__ == "__main__":
    main(sys.argv[1])

"""``python -m benchmarks [NAME] [OPTIONS]``: one set of workloads; without a name, single stages at their scale."""

import sys
from importlib import import_module

_NAMES = ("scale", "ingest", "windows", "queueing", "enrich")


def main() -> None:
    name, *options = sys.argv[1:] or ["scale"]
    if name not in _NAMES:
        raise SystemExit(f"There is no benchmark {name!r}; there are {', '.join(_NAMES)}.")
    if name == "scale":
        import_module("benchmarks.scale").main(int(options[0]) if options else 1_000_000)
    else:
        import_module(f"benchmarks.{name}").main(options)


main()

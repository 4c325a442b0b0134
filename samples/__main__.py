"""``python -m samples OUTDIR``: writes the sample exports; with ``--json`` prints the facts about them as well."""

import argparse
import json
import sys
from pathlib import Path

from samples.bundle import write_samples
from samples.facts import facts


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m samples", description="Write the sample chat's exports.")
    parser.add_argument("outdir", type=Path, help="folder for the ZIP files; made where it is missing")
    parser.add_argument("--json", action="store_true", help="print the facts about the sample as JSON")
    options = parser.parse_args(arguments)
    if options.outdir.exists() and not options.outdir.is_dir():
        print(f"samples: {options.outdir} is not a folder.", file=sys.stderr)
        return 2
    written = write_samples(options.outdir)
    if options.json:
        print(json.dumps(facts(), ensure_ascii=False, indent=2))
    else:
        for path in written:
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())

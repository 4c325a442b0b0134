"""``python -m flows`` is the command ``streamliner``."""

from flows.cli import main

main()

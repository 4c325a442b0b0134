"""Writes the templates anew from the installed Prefect."""

import json

from deployments.pools import FOLDER, make_templates

for name, template in make_templates().items():
    (FOLDER / f"{name}.json").write_text(json.dumps(template, indent=2) + "\n", encoding="utf-8")

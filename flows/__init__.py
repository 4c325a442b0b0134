"""What runs: one file per deployable flow, and the command line. A flow only composes steps.

The composition is stated once (``flows.pipeline``), against a small runner: the direct runner calls the stage behind
each task in this process, the Prefect runner submits and maps the same tasks.
"""

"""What is computed: pure functions and small classes, one room per step of the data's way.

Nothing here knows of Prefect or reads an environment variable (``stages.settings`` alone does, when asked), and
heavy libraries are imported where they are used, so that ``streamliner --help`` stays instant.
"""

"""Where it runs: the image, the work pool, the limits and the deployments, and the command that makes them.

The outermost package: it may import flows, tasks and stages, and none of them imports it.
"""

"""How fast: workloads that measure whole commands, beside what they are compared with."""

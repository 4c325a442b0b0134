"""Run by test_links.py inside a network namespace: a machine with a route, whose name server never answers.

python -m tests.flows.inside_silence SCRATCH ARGUMENTS...      the arguments of `streamliner`
"""

import subprocess
import sys
from pathlib import Path

from flows.cli import main
from tests.servers.names import NameServer

resolver = Path(sys.argv[1]) / "resolv.conf"
resolver.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
for command in ("ip link set lo up", "ip route add default dev lo", f"mount --bind {resolver} /etc/resolv.conf"):
    subprocess.run(command.split(), check=True)
NameServer({}, None)
main(sys.argv[2:])

"""Run by test_link_guard.py inside a network namespace: a small Internet, with names that mean this machine no good.

Standard input: a JSON object of ``scratch``, ``public`` (the address of the Internet's one server), ``names``,
``otherwise`` and ``commands``, each the arguments of a `streamliner`, run one after the other. Standard output: for
each its report, the names that were asked for, and what the public server and this machine's own saw.
"""

import json
import subprocess
import sys
from pathlib import Path

from tests.servers.names import NameServer
from tests.servers.pages import PageServer, page, redirect

world = json.load(sys.stdin)
resolver = Path(world["scratch"]) / "resolv.conf"
resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
for command in (
    "ip link set lo up",
    f"ip address add {world['public']}/32 dev lo",
    "ip route add default dev lo",
    f"mount --bind {resolver} /etc/resolv.conf",
):
    subprocess.run(command.split(), check=True)
names = NameServer(world["names"], world["otherwise"])
told = []
with PageServer([world["public"]], port=80) as public, PageServer(["127.0.0.1", "::1"], port=80) as own:
    public.otherwise(page("<title>A page of the Internet</title><p>It is read by everybody who likes to read."))
    own.otherwise(page("<title>A secret of this machine</title><p>It is nobody's but its owner's."))
    public.put("/again", redirect("/there"))
    public.put("/home", redirect("http://home.com/"))
    for arguments in world["commands"]:
        done = subprocess.run([sys.executable, "-m", "flows", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        seen = [request.headers["Host"] + request.path for request in public.requests]
        told.append({"report": json.loads(done.stdout), "asked": list(names.asked), "seen": seen})
        names.asked.clear()
        public.forget()
    print(json.dumps({"runs": told, "own": own.connections}))

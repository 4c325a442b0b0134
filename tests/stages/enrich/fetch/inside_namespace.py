"""Run by test_fetch_network.py inside a network namespace of its own: what links come to in a world made here.

Standard input: a JSON object of ``commands`` (for the interfaces), ``names`` (or null: nobody resolves), ``serve``
(addresses whose port 80 answers every path) and ``urls``, fetched one after the other. Standard output: what each came
to, and the names that were asked for.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from stages.enrich.fetch import Fetcher, Shared
from stages.resilience.errors import CallError
from stages.settings import BreakerSettings, FetchSettings, RetrySettings
from tests.servers.names import NameServer


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage")
    writer.close()


async def main() -> None:
    world = json.load(sys.stdin)
    for command in world["commands"]:
        subprocess.run(command.split(), check=True)
    asked: list[str] = []
    if world["names"] is not None:
        resolver = Path(world["scratch"]) / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        subprocess.run(["mount", "--bind", resolver, "/etc/resolv.conf"], check=True)
        asked = NameServer(world["names"], world["otherwise"]).asked
    servers = [await asyncio.start_server(answer, address, 80) for address in world["serve"]]
    settings = FetchSettings(robots=False, allow_networks=world["allow"], connect_timeout_seconds=2)
    retry = RetrySettings(attempts=2, wait_initial_seconds=0)
    outcomes = []
    async with Fetcher(settings, retry, BreakerSettings(), shared=Shared()) as fetcher:
        for url in world["urls"]:
            try:
                outcomes.append((await fetcher.page(url)).body.decode())
            except CallError as error:
                outcomes.append(f"{type(error).__name__}: {error}")
    for server in servers:
        server.close()
    print(json.dumps({"outcomes": outcomes, "asked": asked}))


asyncio.run(main())

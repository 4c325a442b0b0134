"""Real S3-compatible servers: moto's, which heeds the conditions of a put, and rclone's, which ignores them.

with moto() as store, Watch(store) as watch:
    settings = watch.settings()          # as a program reads them
    environment = watch.environment()    # as a person gives them
    ...
    assert watch.sent("PUT") == [".archive/current"]
"""

import http.client
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from stages.settings import Settings, load_settings

KEY_ID: Final = "AKIASTREAMLINERTESTS"
SECRET: Final = "canary-of-the-stores-secret-0123456789"
BUCKET: Final = "chats"


class Addressed:
    """Something that answers at an endpoint."""

    endpoint: str

    def options(self, **more: Any) -> dict[str, Any]:
        """Settings by dotted name; ``more`` names those of ``storage``."""
        given = {"endpoint": self.endpoint, "access_key_id": KEY_ID, "secret_access_key": SECRET, "allow_http": True}
        quick = {"retry.attempts": 2, "retry.wait_initial_seconds": 0.02}
        return quick | {f"storage.{name}": value for name, value in (given | more).items()}

    def settings(self, **more: Any) -> Settings:
        return load_settings(None, None, self.options(**more)).settings

    def environment(self, **more: Any) -> dict[str, str]:
        return {
            "STREAMLINER_" + name.upper().replace(".", "__"): str(value).lower() if value is True else str(value)
            for name, value in self.options(**more).items()
        }


@dataclass
class Server(Addressed):
    """One running server with the bucket ``chats``."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def fresh(self) -> str:
        """The address of an archive that is not there yet."""
        return f"s3://{BUCKET}/tests/{secrets.token_hex(6)}/family"

    def look(self, url: str) -> tuple[bytes, str] | None:
        """An object's bytes and its type, as the server gives them to anybody with a key (moto only); None: gone."""
        key = (
            f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        )
        asked = urllib.request.Request(
            f"{self.endpoint}/{quote(url.removeprefix('s3://'))}", headers={"Authorization": key}
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.read(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None


@contextmanager
def moto() -> Iterator[Server]:
    """moto's server: conditional puts, everything in memory; any key is as good as another."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": "1048576"}
    with _running(command, port, environment) as server:
        make = urllib.request.Request(f"{server.endpoint}/{BUCKET}", method="PUT")
        urllib.request.urlopen(make, timeout=10).close()
        yield server


@contextmanager
def rclone(folder: Path) -> Iterator[Server]:
    """rclone's server over a folder: it checks keys and ignores the conditions of a put."""
    port = free_port()
    (folder / BUCKET).mkdir(parents=True)
    binary = Path(sys.executable).with_name("rclone")
    command = [str(binary), "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}"]
    command += ["--auth-key", f"{KEY_ID},{SECRET}", "--config", str(folder / "rclone.conf"), "--vfs-cache-mode", "off"]
    with _running(command, port, dict(os.environ)) as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: list[str], port: int, environment: dict[str, str]) -> Iterator[Server]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment)
    try:
        for _ in range(600):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {process.returncode}")
            time.sleep(0.05)
        yield Server(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(timeout=20)


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it: ``key`` without the bucket, the size of its body, whether it had a condition."""

    method: str
    key: str
    size: int
    conditional: bool


@dataclass
class Watch(Addressed):
    """A server's door: every request passes here, is remembered, and may be kept from passing.

    ``before`` is called with each request before it is passed on, ``after`` when the server has done it and before
    its answer goes back; an OSError that they raise closes the connection.
    """

    server: Server
    before: Callable[[Seen], None] = lambda _seen: None
    after: Callable[[Seen], None] = lambda _seen: None
    seen: list[Seen] = field(default_factory=list)

    def __enter__(self) -> "Watch":
        upstream = urlsplit(self.server.endpoint).netloc
        watch = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one packet

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                conditional = any(name.lower() in ("if-match", "if-none-match") for name in self.headers)
                parts = urlsplit(self.path)
                key = unquote(parts.path).removeprefix(f"/{BUCKET}").lstrip("/")
                seen = Seen(self.command, key or parts.query, len(body), conditional)
                watch.seen.append(seen)
                watch.before(seen)
                connection = http.client.HTTPConnection(upstream, timeout=60)
                try:
                    connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        connection.putheader(name, value)
                    connection.endheaders(body)
                    answer = connection.getresponse()
                    content = answer.read()
                finally:
                    connection.close()
                watch.after(seen)
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815 - names of the base class

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._door.daemon_threads = True
        self._thread = threading.Thread(target=self._door.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._door.server_address[1]}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._door.shutdown()
        self._door.server_close()
        self._thread.join()

    def forget(self) -> None:
        self.seen.clear()

    def sent(self, method: str, below: str) -> list[str]:
        """Names below an archive's address that were asked for by this method, in order."""
        prefix = below.removeprefix(f"s3://{BUCKET}/") + "/"
        return [seen.key[len(prefix) :] for seen in self.seen if seen.method == method and seen.key.startswith(prefix)]

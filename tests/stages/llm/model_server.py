"""A model's server as users have one: OpenAI's protocol over real HTTP, on loopback, in threads."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What the server sends back: ``text`` as a completion, or ``body`` as it is."""

    text: str = "hello"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    delay: float = 0.0
    finish: str = "stop"
    drop: bool = False
    drip: float = 0.0

    def bytes(self) -> bytes:
        if self.body is not None:
            return self.body.encode()
        completion = {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": "test-model",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": self.text}, "finish_reason": self.finish}
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
        return json.dumps(completion).encode()


def form(kind: str, body: bytes) -> dict[str, Any]:
    """The fields of a form, as a transcript is asked for; a file is (name, media type, bytes)."""
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    fields: dict[str, Any] = {}
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        file = part.get_filename()
        fields[name] = (file, part.get_content_type(), content) if file else content.decode()
    return fields


class ModelServer:
    """Answers in the order of ``answers``, the last one for ever; keeps every request and the peak in flight."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[dict[str, Any]], Answer]] = [Answer()]
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.keys: list[str | None] = []
        self.in_flight = self.peak = 0
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                kind = self.headers["Content-Type"]
                asked = form(kind, sent) if kind.startswith("multipart/") else json.loads(sent)
                with server._lock:
                    number = len(server.requests)
                    server.requests.append(asked)
                    server.times.append(time.monotonic())
                    server.keys.append(self.headers.get("Authorization"))
                    server.in_flight += 1
                    server.peak = max(server.peak, server.in_flight)
                    answer = server.answers[min(number, len(server.answers) - 1)]
                if not isinstance(answer, Answer):
                    answer = answer(asked)
                time.sleep(answer.delay)
                with server._lock:
                    server.in_flight -= 1
                if answer.drop:
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                body = answer.bytes()
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    for at in range(0, len(body), 8 if answer.drip else len(body) or 1):
                        self.wfile.write(body[at : at + 8] if answer.drip else body)
                        self.wfile.flush()
                        time.sleep(answer.drip)
                except OSError:
                    self.close_connection = True

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

"""The objects of one bucket: small calls with conditions, in our own words when they fail.

The library is told everything: left to itself it reads ``AWS_…`` variables. Its calls that wait are used and none of
its coroutines, whose threads may meet the end of the interpreter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from stages.archive.storage.address import Address
from stages.archive.storage.faults import Damaged, NotThere, told
from stages.errors import BadInput
from stages.settings import Settings

_CONNECT_SECONDS: Final = 10
_SILENCE_SECONDS: Final = 30
_REQUEST_SECONDS: Final = 300
_TRYING_SECONDS: Final = 60
_MOST_SMALL: Final = 1 << 20
_BATCH: Final = 1_000
_PIECE: Final = 512 << 10


@dataclass(frozen=True)
class Found:
    """An object's bytes, its ETag (None where the store has none), and when the store says it was written."""

    data: bytes
    etag: str | None
    modified: datetime


@dataclass(frozen=True)
class Listed:
    """One line of a listing; ``name`` is relative to the client's prefix, ``size`` in bytes."""

    name: str
    size: int
    modified: datetime


class Objects:
    """Objects below one address. Threads may share it. Every call raises :class:`StoreError` or a kind of it.

    ``patience_seconds`` bounds one call with all its tries; None leaves it to the settings' ``retry``. ``unhurried`` is
    for objects of any size: only silence ends a request.
    """

    def __init__(
        self, address: Address, settings: Settings, *, patience_seconds: float | None = None, unhurried: bool = False
    ) -> None:
        from obstore.store import S3Store

        self.address = address
        self.host = store_host(settings)
        config = _configuration(settings, patience_seconds)
        if unhurried:
            config["client_options"] |= {"timeout": timedelta(days=1)}
        with told(self.host, address.bucket):
            self._store = S3Store(address.bucket, **config)

    def get(self, name: str, *, most_bytes: int = _MOST_SMALL) -> Found:
        """The whole object. Raises :class:`NotThere`, and :class:`Damaged` for one above ``most_bytes``."""
        import obstore

        with told(self.host, self.address.bucket):
            answer = obstore.get(self._store, self.address.below(name))
            meta = answer.meta
            if meta["size"] > most_bytes:
                raise Damaged(f"An object of {self.address.url} is larger than it can be; the store was tampered with.")
            return Found(answer.bytes().to_bytes(), meta["e_tag"], meta["last_modified"])

    def stream(self, name: str) -> Iterator[bytes]:
        """The object in pieces of half a megabyte or so, as they come. Raises :class:`NotThere` with the first."""
        import obstore

        with told(self.host, self.address.bucket):
            pieces = iter(obstore.get(self._store, self.address.below(name)).stream(min_chunk_size=_PIECE))
        while True:
            with told(self.host, self.address.bucket):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    def look(self, name: str) -> Listed:
        """An object's size and when the store says that it was written. Raises :class:`NotThere`."""
        import obstore

        with told(self.host, self.address.bucket):
            meta = obstore.head(self._store, self.address.below(name))
            return Listed(name, meta["size"], meta["last_modified"])

    def exists(self, name: str) -> bool:
        try:
            self.look(name)
        except NotThere:
            return False
        return True

    def put(self, name: str, data: bytes, *, content_type: str | None = None) -> None:
        """Write an object in one request, whatever was there."""
        self._put(name, data, None, content_type)

    def put_file(self, name: str, path: Path, *, content_type: str) -> None:
        """Write a file of any size: in parts where it is large, two in memory at a time; it appears as a whole."""
        import obstore

        with told(self.host, self.address.bucket):
            obstore.put(
                self._store,
                self.address.below(name),
                path,
                attributes=_headers(content_type),
                chunk_size=5 << 20,
                max_concurrency=2,
            )

    def create(self, name: str, data: bytes) -> str | None:
        """Write an object that must not be there yet; its ETag. Raises :class:`Taken`."""
        return self._put(name, data, "create")

    def replace(self, name: str, data: bytes, etag: str | None) -> str | None:
        """Write an object that must still have this ETag; the new one. Raises :class:`Taken`."""
        return self._put(name, data, {"e_tag": etag})

    def _put(self, name: str, data: bytes, mode: Any, content_type: str | None = None) -> str | None:
        import obstore

        with told(self.host, self.address.bucket):
            result = obstore.put(
                self._store,
                self.address.below(name),
                data,
                mode=mode,
                use_multipart=False,
                attributes=_headers(content_type) if content_type else None,
            )
            return result["e_tag"]

    def listing(self, prefix: str) -> Iterator[Listed]:
        """Everything below a prefix (without its last slash); one request for each thousand objects."""
        import obstore

        start = len(self.address.below("")) if self.address.key else 0
        stream = iter(obstore.list(self._store, self.address.below(prefix), chunk_size=_BATCH))
        while True:
            with told(self.host, self.address.bucket):
                batch = next(stream, None)
            if batch is None:
                return
            for meta in batch:
                yield Listed(meta["path"][start:], meta["size"], meta["last_modified"])

    def directly_below(self) -> tuple[list[str], list[Listed]]:
        """Names of the folders, and the objects, that lie directly below the address, in order of their names."""
        import obstore

        with told(self.host, self.address.bucket):
            found = obstore.list_with_delimiter(self._store, self.address.key or None)
        folders = sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"])
        objects = [
            Listed(meta["path"].rpartition("/")[2], meta["size"], meta["last_modified"]) for meta in found["objects"]
        ]
        return folders, sorted(objects, key=lambda one: one.name)

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects, a thousand a request; those that are gone already are no error."""
        import obstore

        for start in range(0, len(names), _BATCH):
            with told(self.host, self.address.bucket):
                obstore.delete(self._store, [self.address.below(name) for name in names[start : start + _BATCH]])


def store_host(settings: Settings) -> str:
    """The store's host and port, as a person is told of it."""
    return _endpoint(settings).partition("://")[2]


def _endpoint(settings: Settings) -> str:
    return settings.storage.endpoint or f"https://s3.{settings.storage.region}.amazonaws.com"


def _headers(content_type: str) -> Any:
    # the names of a site stay the same while what they show changes
    return {"Content-Type": content_type, "Cache-Control": "no-cache"}


def _configuration(settings: Settings, patience_seconds: float | None) -> dict[str, Any]:
    storage, retry = settings.storage, settings.retry
    endpoint = _endpoint(settings)
    if endpoint.startswith("http://") and not storage.allow_http:
        raise BadInput(
            f"The store at {store_host(settings)} is reached without encryption; "
            "set STREAMLINER_STORAGE__ALLOW_HTTP=true if that is meant."
        )
    if not storage.access_key_id or not storage.secret_access_key:
        raise BadInput(
            "There is no key to the store; set STREAMLINER_STORAGE__ACCESS_KEY_ID and "
            "STREAMLINER_STORAGE__SECRET_ACCESS_KEY."
        )
    token = storage.session_token.get_secret_value() if storage.session_token else None
    credential = {
        "access_key_id": storage.access_key_id.get_secret_value(),
        "secret_access_key": storage.secret_access_key.get_secret_value(),
        "token": token or None,
        "expires_at": None,
    }
    request = _REQUEST_SECONDS if patience_seconds is None else patience_seconds / 2
    total = _TRYING_SECONDS if patience_seconds is None else patience_seconds
    return {
        "endpoint": endpoint,
        "region": storage.region,
        "virtual_hosted_style_request": False,
        "conditional_put": "etag",
        "skip_signature": False,
        # a provider is asked before the environment is
        "credential_provider": lambda: dict(credential),
        "client_options": {
            "allow_http": storage.allow_http,
            "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, request)),
            "read_timeout": timedelta(seconds=min(_SILENCE_SECONDS, request)),
            "timeout": timedelta(seconds=request),
        },
        "retry_config": {
            "max_retries": retry.attempts - 1,
            "retry_timeout": timedelta(seconds=total),
            "backoff": {
                "init_backoff": timedelta(seconds=max(0.01, retry.wait_initial_seconds)),
                "max_backoff": timedelta(seconds=max(0.01, retry.wait_max_seconds)),
                "base": 2,
            },
        },
    }

"""Bytes that only who knows a name can read: the name makes the key, and the name is not kept.

What is remembered of a page is found and opened by its address alone, so a folder full of it does not tell what was
read. SHAKE-256 of key and nonce is the key stream, a keyed BLAKE2b over nonce and bytes tells whether they are whole.
"""

import hashlib
import os
from typing import Final

_NONCE: Final = 16
_TAG: Final = 16


def place(secret: bytes, kind: str, name: str) -> str:
    """Under which 64 hex digits a name is kept: a SHA-256, keyed where there is a secret."""
    return hashlib.sha256(_joined(secret, f"place:{kind}", name)).hexdigest()


def seal(secret: bytes, kind: str, name: str, data: bytes) -> bytes:
    """``data`` as :func:`unseal` reads it with the same secret, kind and name; 32 bytes longer. 10 ms a megabyte."""
    key, nonce = _key(secret, kind, name), os.urandom(_NONCE)
    hidden = _mixed(key, nonce, data)
    return nonce + _tag(key, nonce, hidden) + hidden


def unseal(secret: bytes, kind: str, name: str, sealed: bytes) -> bytes:
    """What was sealed. ``ValueError`` where it is not whole, or was sealed under another name."""
    key = _key(secret, kind, name)
    nonce, tag, hidden = sealed[:_NONCE], sealed[_NONCE : _NONCE + _TAG], sealed[_NONCE + _TAG :]
    if _tag(key, nonce, hidden) != tag:
        raise ValueError("the sealed bytes are not whole")
    return _mixed(key, nonce, hidden)


def _key(secret: bytes, kind: str, name: str) -> bytes:
    return hashlib.sha256(_joined(secret, f"key:{kind}", name)).digest()


def _joined(*parts: str | bytes) -> bytes:
    """Parts that cannot be confused: each with its length before it."""
    plain = [part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in plain)


def _tag(key: bytes, nonce: bytes, hidden: bytes) -> bytes:
    return hashlib.blake2b(nonce + hidden, key=key, digest_size=_TAG, person=b"streamliner-page").digest()


def _mixed(key: bytes, nonce: bytes, data: bytes) -> bytes:
    stream = hashlib.shake_256(key + nonce).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")

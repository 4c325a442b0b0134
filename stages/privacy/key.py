"""The privacy key: 32 random bytes that every id, alias and MAC of a user's archives hangs on.

It is given as 64 hex digits, else kept in the user's configuration folder, outside of every archive and site. Nothing
here derives anything from a name: a list of names and no key gives nothing away.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from stages.durable import sync_folder
from stages.errors import BadInput

SIZE: Final = 32
_VARIABLE: Final = "STREAMLINER_PRIVACY__KEY"


def load_key(configured: str | None, *, say: Callable[[str], None]) -> bytes:
    """The key that was ``configured``, else the one of the key file, made now where there is none.

    ``say`` gets one sentence with the file's path when it is made, and a warning when others may read it.
    Raises :class:`BadInput` when the key or its file is malformed, unreadable or cannot be made.
    """
    return find_key(configured, say=say) or keep_key(new_key(), say=say)


def find_key(configured: str | None, *, say: Callable[[str], None]) -> bytes | None:
    """The key that was ``configured``, else the one of the key file, else None; makes nothing."""
    if configured is not None:
        return _parse(configured, f"The privacy key in {_VARIABLE}")
    path = key_file()
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadInput(f"The privacy key file {path} cannot be read: {error.strerror}.") from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise BadInput(f"The privacy key file {path} is not a regular file; move it away.")
        content = file.read(4 * SIZE)
    if os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        say(f"Others on this machine may read the privacy key {path}; `chmod 600` it.")
    return _parse(content.decode("ascii", "replace"), f"The privacy key file {path}")


def new_key() -> bytes:
    """32 bytes from the system's generator."""
    return os.urandom(SIZE)


def keep_key(key: bytes, *, say: Callable[[str], None]) -> bytes:
    """Keep ``key`` in the key file and return the key that is in it.

    The file is made whole under a name of its own and then linked to its place, so that of two runs that start
    together one makes it and both use it, and nobody reads half a key. Raises :class:`BadInput` when it cannot be
    written.
    """
    path = key_file()
    draft = path.with_name(f".key-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(key.hex().encode() + b"\n")
                file.flush()
                os.fsync(handle)
            os.link(draft, path)
        finally:
            draft.unlink()
        sync_folder(path.parent)
    except FileExistsError:
        return find_key(None, say=say) or key
    except OSError as error:
        raise BadInput(
            f"The privacy key cannot be kept in {path} ({error.strerror}); set {_VARIABLE} to 64 hex digits instead."
        ) from None
    say(f"Made the privacy key {path}; keep a copy: without it an archive cannot grow.")
    return key


def key_file() -> Path:
    """Where the key of this user is kept."""
    import click

    return Path(click.get_app_dir("streamliner")) / "key"


def fingerprint(key: bytes) -> str:
    """16 hex digits that tell two keys apart and give nothing of either away."""
    return hashlib.blake2b(b"fingerprint", key=subkey(key, "fingerprint"), digest_size=8).hexdigest()


def subkey(key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one ``purpose`` alone, so that no MAC can be used where another is meant."""
    return hashlib.blake2b(purpose.encode(), key=key, digest_size=SIZE, person=b"streamliner-priv").digest()


def keyed_mac(key: bytes, purpose: str, value: str) -> str:
    """32 hex digits that tell two values apart and give nothing of either away without the key."""
    said = value.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, key=subkey(key, purpose), digest_size=16).hexdigest()


def _parse(text: str, what: str) -> bytes:
    digits = text.strip()
    if len(digits) != 2 * SIZE or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        raise BadInput(f"{what} is not 64 hex digits; make one with `openssl rand -hex {SIZE}`.")
    return bytes.fromhex(digits)

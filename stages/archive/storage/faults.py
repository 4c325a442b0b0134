"""What goes wrong with an object store, in words of our own.

A store puts addresses, keys and whole requests into its messages, and the client library repeats them: nothing of
that reaches a person, a log or a server. Each class is a decision that a caller can make.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from stages.errors import BadInput, StreamlinerError


class StoreError(BadInput):
    """The store cannot be used as asked: away, refused, full. Nothing was changed by the call that raised it."""


class NotThere(StoreError):
    """There is no such object."""


class Taken(StoreError):
    """The condition of a put did not hold: somebody else was there first."""


class Held(BadInput):
    """Another run holds the archive's lease."""


class NoLease(BadInput):
    """The store cannot hold a lease, and the caller has no lock of its own."""


class Damaged(BadInput):
    """What lies in the store is not what was put there."""


class LeaseLost(StreamlinerError):
    """The lease ended or was taken over while a run worked: what it did must not be put back."""


_CODES: Final = {
    "NoSuchBucket": "There is no bucket {bucket!r} at {host}; make it, or correct the address.",
    "RequestTimeTooSkewed": "The clock of this machine differs from that of the store at {host}; set it, try again.",
    "ExpiredToken": "The temporary key to the store at {host} has expired; set a fresh STREAMLINER_STORAGE__… key.",
    "InvalidBucketName": "{bucket!r} is no name of a bucket; correct the address.",
    "QuotaExceeded": "The store at {host} is full; make room there, then run the same command again.",
    "XMinioStorageFull": "The store at {host} is full; make room there, then run the same command again.",
    "PermanentRedirect": "The bucket {bucket!r} is in another region; set STREAMLINER_STORAGE__REGION.",
    "AuthorizationHeaderMalformed": "The bucket {bucket!r} is in another region; set STREAMLINER_STORAGE__REGION.",
}
_REFUSED: Final = (
    "The store at {host} refuses the key for the bucket {bucket!r}; check STREAMLINER_STORAGE__ACCESS_KEY_ID, "
    "STREAMLINER_STORAGE__SECRET_ACCESS_KEY and what the key may do."
)
_AWAY: Final = (
    "The store at {host} does not answer; see that it runs and that STREAMLINER_STORAGE__ENDPOINT is right, then run "
    "the same command again."
)
_FAILED: Final = "The store at {host} failed{status}; run the same command again, or ask whoever looks after it."


@contextmanager
def told(host: str, bucket: str) -> Iterator[None]:
    """Turn whatever the client library raises into one of the classes above, without a word of the store's own."""
    from obstore import exceptions

    try:
        yield
    except StreamlinerError:
        raise
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        raise Taken(f"An object in the bucket {bucket!r} at {host} was changed by somebody else.") from None
    except (exceptions.BaseError, OSError, ValueError) as error:
        text = str(error)
        code = next((code for code in _CODES if f"<Code>{code}</Code>" in text), None)
        if code is not None:
            raise StoreError(_CODES[code].format(host=host, bucket=bucket)) from None
        if isinstance(error, FileNotFoundError):
            raise NotThere(f"An object in the bucket {bucket!r} at {host} is not there.") from None
        if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
            raise StoreError(_REFUSED.format(host=host, bucket=bucket)) from None
        found = re.search(r"status code: ([0-9]{3})", text)
        if found is None:
            raise StoreError(_AWAY.format(host=host)) from None
        raise StoreError(_FAILED.format(host=host, status=f" (HTTP {found[1]})")) from None

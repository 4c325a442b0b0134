"""What lies where below an archive's address. ``site/`` may be public; nothing below ``.archive/`` ever is."""

from typing import Final

STATE: Final = ".archive"
POINTER: Final = f"{STATE}/current"
LEASE: Final = f"{STATE}/lease"
PLACED: Final = f"{STATE}/site"
PROBES: Final = f"{STATE}/probes"
MANIFESTS: Final = f"{STATE}/manifests"
OBJECTS: Final = f"{STATE}/objects"
SITE: Final = "site"


def object_name(digest: str) -> str:
    """Where the bytes with this SHA-256 (hex) lie."""
    return f"{OBJECTS}/{digest[:2]}/{digest}"


def manifest_name(identity: str) -> str:
    """Where the manifest with this identity (``<generation>-<sha256>``) lies."""
    return f"{MANIFESTS}/{identity}"

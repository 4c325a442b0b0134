"""The version of the offline writer: part of the signature of every window that it writes."""

from typing import Final

WRITER_VERSION: Final = "1"

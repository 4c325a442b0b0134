"""How memory is taken while blocks of some megabytes come and go: from the heap, again and again.

By default glibc asks the kernel for every large array and gives it back, so that each page is cleared anew (a tenth of
the time), and keeps a heap for each thread.
"""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE: Final = 64 << 20


@contextmanager
def frugal() -> Iterator[None]:
    """While this is open, large arrays come from one heap for all threads, with glibc; elsewhere nothing changes. Free
    memory goes back to the system at the end."""
    library = ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
    if library is not None:
        for name, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
            library.mallopt(name, value)
    try:
        yield
    finally:
        if library is not None:
            library.malloc_trim(0)

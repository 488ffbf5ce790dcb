"""Memory that a run frees stays with the process until the run ends, on Linux's C library."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""As glibc's malloc.h has them."""
LARGEST = 1 << 30
"""Bytes; single tensors beyond it are still handed back at once."""


@contextmanager
def pages_kept() -> Iterator[None]:
    """While a run lasts, freed tensors are used again and not handed back to the system.

    glibc maps each block of more than 32 MiB anew and unmaps it when it is freed, and the first touch of
    every page is a fault: with 16 images of 224 × 224 that can be half of a forward's time on a CPU. The
    thresholds stay raised for the process, since what they were before cannot be asked; what is unused at
    the end is handed back. With another C library nothing is done.
    """
    library = _glibc()
    if library is None:
        yield
        return
    for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
        library.mallopt(option, LARGEST)
    try:
        yield
    finally:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    """The C library of this process where it is glibc, else None."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    named = all(hasattr(library, name) for name in ("gnu_get_libc_version", "mallopt", "malloc_trim"))
    return library if named else None

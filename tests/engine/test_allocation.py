"""Freed memory is used again while a run lasts; faults are counted, not seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from camaudit.engine import allocation

FAULTS = """
import resource
import torch
from camaudit.engine.allocation import pages_kept

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.zeros(64 * 2**20, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

without = faults()
with pages_kept():
    faults()
    kept = faults()
print(without, kept)
"""


@pytest.mark.skipif(allocation._glibc() is None, reason="needs glibc")
def test_tensors_are_not_mapped_anew():
    """In a process of its own: the thresholds stay as they were set."""
    found = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    without, kept = map(int, found.stdout.split())
    assert without > 10 * 64 * 2**20 / (2 * 2**20), "each block has been touched page by page"
    assert kept < without / 10


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(allocation, "_glibc", lambda: None)
    with allocation.pages_kept():
        pass


def test_an_error_goes_through():
    with pytest.raises(KeyError), allocation.pages_kept():
        raise KeyError

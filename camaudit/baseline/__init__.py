"""What a check measured once and somebody accepted: the scores and maps that later runs are held against.

A run never writes a baseline: it leaves a candidate in its report. `accept` copies a candidate, and writes
down who did it, when and why. Torch-free.
"""

from __future__ import annotations

from camaudit.baseline.history import accept, history
from camaudit.baseline.packed import PackedMap
from camaudit.baseline.record import LEFT_OUT, Baseline, Fingerprint, Row
from camaudit.baseline.unused import unused

__all__ = ["LEFT_OUT", "Baseline", "Fingerprint", "PackedMap", "Row", "accept", "history", "unused"]

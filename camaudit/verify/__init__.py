"""Is a report what its spec, network and data give? Files, identity, judgement and single numbers, checked.

A report is `VERIFIED` where everything was checked and nothing differs, and never without a sample measured
anew. Torch is loaded when samples are measured, not before.
"""

from __future__ import annotations

from camaudit.verify.found import TOLERANCE, CheckFound, Line, Verification
from camaudit.verify.verify import verify

__all__ = ["TOLERANCE", "CheckFound", "Line", "Verification", "verify"]

"""What a drift check does with the numbers of the check that it watches."""

from __future__ import annotations

from camaudit.engine.drift.compare import compare

__all__ = ["compare"]

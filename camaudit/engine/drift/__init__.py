"""What a drift check does with the numbers of the check that it watches."""

from __future__ import annotations

from camaudit.engine.drift.beside import beside
from camaudit.engine.drift.compare import Compared, compare

__all__ = ["Compared", "beside", "compare"]

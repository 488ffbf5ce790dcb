"""The engine: the only place where files, model and device meet."""

from __future__ import annotations

from camaudit.engine.run import Options, run

__all__ = ["Options", "run"]

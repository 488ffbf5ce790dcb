"""What a shortcut check does when its walk has ended: who is changed, with what, and what the answers are."""

from __future__ import annotations

from camaudit.engine.shortcut.follow import follow

__all__ = ["follow"]

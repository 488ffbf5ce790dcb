"""The one way in which a single sample is given up: an error with a reason that can be counted."""

from __future__ import annotations

from camaudit.errors import DataError


class SampleError(DataError):
    """One sample that cannot be used; `reason` is one of few short texts, so that refusals can be counted."""

    def __init__(
        self, message: str, *, reason: str, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.reason = reason

    @property
    def detail(self) -> str:
        """The whole story on one line."""
        return str(self).replace("\n  hint: ", "; ")

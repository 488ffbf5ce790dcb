"""What a reader is told of an exception that a user's network, data or metric raised."""

from __future__ import annotations

import traceback

from camaudit.errors import CamauditError


def reason(error: Exception) -> str:
    """The message of an error made for users; of any other, its type and where it was raised as well."""
    if isinstance(error, CamauditError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" (raised at {frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"

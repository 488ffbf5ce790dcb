"""``python -m camaudit``: the command ``camaudit``, for a Python whose scripts are not on the path."""

from __future__ import annotations

import sys

from camaudit.cli import main

if __name__ == "__main__":
    sys.exit(main())

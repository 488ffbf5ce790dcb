"""What all tests share: the repository on the path, few threads, reproducible property tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# With --import-mode=importlib the root is not on the path; `from tests.reference import …` needs it.
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# Under xdist every worker would start as many threads as there are cores. Set before torch is imported.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# Time limits per example fail on a busy machine; CI repeats the same examples on every run.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the development data where that is absent, and say so."""
    folder = SHARED / "data"
    if folder.is_dir():
        return
    skip = pytest.mark.skip(
        reason="needs the development data: there is no ../shared/data beside this checkout"
    )
    for item in items:
        if item.get_closest_marker("shared_data"):
            item.add_marker(skip)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium; for tests marked `browser`, which are skipped without one and fail without one in CI.

    Of one module's length: two of Playwright's event loops in one thread are refused.
    """
    from tests.browser import give_up, missing, started

    if reason := missing():
        give_up(reason)
    with started() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development data; for tests marked `shared_data`, which are skipped without it."""
    return SHARED / "data"

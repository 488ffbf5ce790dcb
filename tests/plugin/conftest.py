"""What tests of the pytest plugin share: heavy modules loaded once, and a folder whose tests are audits."""

from __future__ import annotations

from importlib import import_module

import pytest

# Loaded before pytester takes stock of the modules: a second `import torch` in one process fails.
for _heavy in (
    "camaudit.engine",
    "camaudit.engine.look",
    "camaudit.merge",
    "camaudit.report.html",
    "camaudit.spec.audit",
    "scipy.stats",
):
    import_module(_heavy)


@pytest.fixture
def project(pytester, monkeypatch):
    """A folder whose tests are audits, and a terminal wide enough for whole lines."""
    monkeypatch.setenv("COLUMNS", "250")
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
    return pytester

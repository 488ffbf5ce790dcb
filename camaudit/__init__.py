"""Audits image classifiers: does the network look at, and depend on, the right thing?

The rooms, in the order in which the data walks through them:

==================  ==========================================================================
`spec`              what a person wrote (``*.audit.yaml``), read with every mistake located
`plan`              which maps and metrics that takes; equal work merged
`data`              samples: image, masks, label; strict pairing; decoding ahead of the model
`classifier`        a network that takes pixels in [0, 1]
`maps`              where the network looks: Grad-CAM and its relatives
`targets`           what is explained: the label, the prediction, any scalar
`dense_targets`     the same for networks that answer per pixel or per box
`metrics`           one number per map: overlap with a mask, similarity of two maps
`checks`            one file per kind of check: which evidence it needs, what it estimates
`stats`, `verdict`  intervals, and the one judge
`engine`            the only place where files, model and device meet
`scores`, `result`  what is kept: a table and a versioned JSON file
`report`            what a person reads
`cli`, `pytest_plugin`   the two doors
`fixtures`          what Python tests get of them
`contract`          what members have to keep, anybody's, ready to be tested
==================  ==========================================================================

Importing this package loads none of them; the public names below load what they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camaudit.classifier import Classifier
    from camaudit.data.sample import Sample
    from camaudit.engine import run  # type: ignore[no-redef] # mypy also sees the submodule of that name
    from camaudit.engine.look import ImageMap
    from camaudit.errors import CamauditError
    from camaudit.fixtures import Audited, AuditFixture, Checked, MapFixture
    from camaudit.maps import attention_map
    from camaudit.result import AuditResult
    from camaudit.spec import read  # type: ignore[no-redef] # see above

__version__ = "0.1.0"

__all__ = [
    "AuditFixture",
    "AuditResult",
    "Audited",
    "CamauditError",
    "Checked",
    "Classifier",
    "ImageMap",
    "MapFixture",
    "Sample",
    "attention_map",
    "read",
    "run",
]

_HOMES = {
    "AuditFixture": "camaudit.fixtures",
    "Audited": "camaudit.fixtures",
    "Checked": "camaudit.fixtures",
    "ImageMap": "camaudit.engine.look",
    "MapFixture": "camaudit.fixtures",
    "AuditResult": "camaudit.result",
    "CamauditError": "camaudit.errors",
    "Classifier": "camaudit.classifier",
    "Sample": "camaudit.data.sample",
    "attention_map": "camaudit.maps",
    "read": "camaudit.spec",
    "run": "camaudit.engine",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'camaudit' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

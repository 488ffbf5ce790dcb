"""Data sources: image, mask and label by reference, strictly paired, decoded ahead of the model."""

from __future__ import annotations

SOURCES: dict[str, str] = {
    "manifest": "camaudit.data.manifest:ManifestSource",
    "folder": "camaudit.data.folder:FolderSource",
    "coco": "camaudit.data.coco:CocoSource",
    "voc": "camaudit.data.voc:VocSource",
    "factory": "camaudit.data.factory:FactorySource",
}
"""The key that a data set of the spec is written with, and the type behind it."""

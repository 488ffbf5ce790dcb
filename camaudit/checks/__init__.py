"""Kinds of check, one file each. Torch-free: a check names evidence and estimates from columns."""

from __future__ import annotations

CHECKS: dict[str, str] = {
    "overlap": "camaudit.checks.overlap:CHECK",
    "localisation": "camaudit.checks.localisation:CHECK",
    "errors": "camaudit.checks.errors:CHECK",
    "sanity": "camaudit.checks.sanity:CHECK",
    "drift": "camaudit.checks.drift:CHECK",
    "shortcut": "camaudit.checks.shortcut:CHECK",
    "adversarial": "camaudit.checks.adversarial:CHECK",
    "one_pixel": "camaudit.checks.one_pixel:CHECK",
    "corruption": "camaudit.checks.corruption:CHECK",
}

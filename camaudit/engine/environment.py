"""Where a run happened: versions, git commit, threads. For the record; nothing is sent anywhere."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = (
    "camaudit",
    "torch",
    "torchvision",
    "numpy",
    "pandas",
    "scipy",
    "pillow",
    "safetensors",
    "pydantic",
)


def environment(folder: Path, device: str) -> dict[str, str]:
    """Versions of what computed the numbers, the git commit of `folder` (and if dirty), device, threads."""
    facts = {"python": platform.python_version(), "platform": platform.platform()}
    facts.update({name: package_version(name) for name in PACKAGES})
    facts["device"] = _device(device)
    facts["threads"] = str(torch.get_num_threads())
    facts["git"] = _git(folder)
    return facts


def _device(name: str) -> str:
    try:
        return f"{name} ({torch.cuda.get_device_name(name)})" if name.startswith("cuda") else name
    except (RuntimeError, AssertionError, ValueError) as error:
        return f"{name} (not to be had: {str(error).splitlines()[0]})"


def package_version(name: str) -> str:
    """The installed version of a package, or that there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed as a package"


def _git(folder: Path) -> str:
    commit = _run(folder, "rev-parse", "HEAD")
    if commit is None:
        return "not a git checkout"
    return commit + (" (with uncommitted changes)" if _run(folder, "status", "--porcelain") else "")


def _run(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    settings = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=settings)  # noqa: S603 - fixed command
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

"""Paths as a spec writes them: relative to a folder, or inside an installed package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from camaudit.errors import DataError

PACKAGE = "package:"
_DISTRIBUTIONS = {"cv2": "opencv-python", "skimage": "scikit-image", "sklearn": "scikit-learn"}
"""Packages whose distribution is called otherwise; the rest differ by ``_`` and ``-`` at most."""


def resolve(text: str, base: Path) -> Path:
    """Turn a path of a spec or a manifest into a file path.

    ``package:NAME/FILE`` is a file or folder inside the installed top-level package NAME, found without
    importing it; it must exist. Anything else is taken relative to `base` (absolute paths stay) and need
    not exist. Raises `DataError` where the package or its file is missing.
    """
    if text.startswith(PACKAGE):
        return _inside_package(text)
    if not text.strip():
        raise DataError("the path is empty", hint="write a path relative to the spec's or manifest's folder")
    return base / text


def _inside_package(text: str) -> Path:
    name, _, file = text.removeprefix(PACKAGE).partition("/")
    if not name.isidentifier() or not file or ".." in Path(file).parts:
        raise DataError(
            f"{text!r} is not package:NAME/FILE with a top-level package NAME and a FILE inside it",
            hint="write for instance package:sklearn/datasets/images/china.jpg",
        )
    folders = _folders(name)
    if not folders:
        distribution = _DISTRIBUTIONS.get(name, name.replace("_", "-"))
        raise DataError(
            f"the package {name!r} is not installed", where=text, hint=f"pip install {distribution}"
        )
    for folder in folders:
        if (folder / file).exists():
            return folder / file
    raise DataError(
        f"the package {name!r} has no file {file!r}",
        where=text,
        hint=f"it lies in {folders[0]}; another version of the package may hold the file",
    )


def _folders(name: str) -> tuple[Path, ...]:
    try:
        spec = find_spec(name)
    except (
        ImportError,
        ValueError,
    ):  # ValueError: a half-initialised module of that name (`__spec__` is None)
        return ()
    if spec is None:
        return ()
    return tuple(Path(folder) for folder in spec.submodule_search_locations or ())

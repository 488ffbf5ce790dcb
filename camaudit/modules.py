"""Python code that a spec names as ``module:callable``: beside the spec, then in the working folder."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from camaudit.errors import DataError
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from camaudit.errors import CamauditError

OWN = __name__.partition(".")[0]
"""This package: it is loaded once, also where a spec lies beside its source."""
_lock = RLock()
_by_folder: dict[Path, dict[str, ModuleType]] = {}
"""Modules that came from a spec's folder, by folder: two audits may each have a ``models.py``."""


def load_callable(
    reference: str, base: Path, *, error: type[CamauditError] = DataError
) -> Callable[..., Any]:
    """Import what ``module:callable`` names: from the folder `base`, the working folder, or as Python would.

    Both folders are on `sys.path` during the import only; call the result under `inside(base)` where it may
    import lazily. Raises `error` where the module is missing, raises while it is imported, was already
    loaded from elsewhere under the same name, or where it has no such callable.
    """
    name, _, attribute = reference.partition(":")
    if not name or not attribute:
        raise error(f"{reference!r} is not of the form module:callable")
    with inside(base):
        module = _import(name, base, reference, error)
    _refuse_namesake(name, base, reference, error)
    if not hasattr(module, attribute):
        public = [item for item in vars(module) if not item.startswith("_")]
        raise error(
            f"module {name!r} has no attribute {attribute!r}{did_you_mean(attribute, public)}",
            where=reference,
            hint=f"the module is {getattr(module, '__file__', None) or 'a folder'}",
        )
    member = getattr(module, attribute)
    if not callable(member):
        raise error(f"{attribute!r} is {type(member).__name__}, which cannot be called", where=reference)
    found: Callable[..., Any] = member
    return found


@contextmanager
def inside(base: Path) -> Iterator[None]:
    """Let imports look into the folder `base` first, then into the working folder, for the time of the block.

    A command that is installed has no working folder on its path, unlike ``python -m``.

    Modules that other folders brought are set aside meanwhile and put back afterwards, so that each
    audit sees its own ``models.py``. Everything else in `sys.modules` stays. One thread at a time.
    """
    folder = base.resolve()
    with _lock:
        own = _by_folder.setdefault(folder, {})
        others = {name for other, modules in _by_folder.items() if other != folder for name in modules}
        found = {name: sys.modules[name] for name in others | set(own) if name in sys.modules}
        for name in others & set(found):
            del sys.modules[name]
        sys.modules.update(own)
        places = dict.fromkeys((str(folder), str(Path.cwd())))
        sys.path[:0] = places
        invalidate_caches()
        try:
            yield
        finally:
            for place in places:
                sys.path.remove(place)
            own.update(_modules_of(folder))
            sys.modules.update(found)


def _modules_of(folder: Path) -> dict[str, ModuleType]:
    tops = {entry.stem for entry in folder.iterdir()} - {OWN} if folder.is_dir() else set()
    names = [name for name in list(sys.modules) if name.partition(".")[0] in tops and _lies_in(name, folder)]
    return {name: sys.modules[name] for name in names}


def _import(name: str, base: Path, reference: str, error: type[CamauditError]) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{name}.".startswith(f"{missing.name}."):
            raise error(
                f"importing {name!r} fails: {missing}",
                where=reference,
                hint="install what the module imports",
            ) from missing
        raise error(
            f"there is no module {missing.name!r}",
            where=reference,
            hint=f"modules are looked up in the spec's folder {base}, the working folder and Python's path",
        ) from missing
    except (Exception, SystemExit) as failure:  # a module may raise anything while it is imported
        raise error(
            f"importing {name!r} fails: {type(failure).__name__}: {failure}",
            where=reference,
            hint=f'run: python -c "import {name}" in {base}',
        ) from failure


def _refuse_namesake(name: str, base: Path, reference: str, error: type[CamauditError]) -> None:
    """Refuse a module loaded from elsewhere where the spec's folder holds one of that name."""
    folder, top = base.resolve(), name.partition(".")[0]
    wanted = next((file for file in _files(folder, top) if file.is_file()), None)
    with inside(base):
        if wanted is None or _lies_in(top, folder):
            return
        loaded = getattr(sys.modules[top], "__file__", None) or "Python itself"
    raise error(
        f"a module {top!r} was already loaded from {loaded}, so {wanted} cannot be",
        where=reference,
        hint="rename one of them",
    )


def _lies_in(name: str, folder: Path) -> bool:
    """Whether the top-level module of a dotted name was found in this very folder (not deeper)."""
    top = name.partition(".")[0]
    module = sys.modules.get(top)
    file = getattr(module, "__file__", None)
    if file:
        return Path(file).resolve() in _files(folder, top)
    return any(Path(place).resolve() == folder / top for place in getattr(module, "__path__", ()))


def _files(folder: Path, top: str) -> tuple[Path, ...]:
    return (folder / f"{top}.py", folder / top / "__init__.py")

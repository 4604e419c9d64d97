"""The user's own code: found by name, and its errors told with file and line."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from functools import reduce
from pathlib import Path
from types import ModuleType

from lfs_core.errors import LFSError

INSTALLED = {"site-packages", "dist-packages"}  # folders of code that is not the user's
CORE = Path(__file__).parents[1]
STANDARD = Path(importlib.__file__).parents[1]


def load_object(name: str, what: str) -> object:
    """What "module:object" or "file.py:object" names.

    A module is taken from where Python finds modules; only if it finds none of that name, from the
    current folder. Nothing else is ever loaded from there.

    Args:
        name: an importable module or the path of a file, a colon, and a name in it, with dots for
            names within names.
        what: it is to be, for errors, as "network".

    Raises:
        LFSError: there is no such module, file or object, or it cannot be run.
    """
    module, _, path = name.rpartition(":")
    if not module or not path:
        raise LFSError(f"There is no {what} {name!r}; give module:object or file.py:object.")
    try:
        loaded = _from_file(Path(module)) if module.endswith(".py") else _by_name(module)
    except LFSError as error:
        raise LFSError(f"There is no {what} {name!r}: {error}") from None
    except Exception as error:
        raise LFSError(f"{module} cannot be loaded: {told(error)}.") from error
    try:
        return reduce(getattr, path.split("."), loaded)
    except AttributeError:
        raise LFSError(f"There is no {what} {name!r}: {module} has no {path}.") from None


def absolute(name: str) -> str:
    """The same name, which another folder's processes understand too."""
    module, colon, path = name.rpartition(":")
    file = Path(module if module.endswith(".py") else f"{module.replace('.', '/')}.py")
    if colon and file.is_file() and (module.endswith(".py") or _found(module) is None):
        return f"{file.resolve()}:{path}"
    return name


def told(error: BaseException) -> str:
    """What went wrong, and in which line of the user's own code; one line of text."""
    lines = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen")
        and not INSTALLED & set(Path(frame.filename).parts)
        and not any(map(Path(frame.filename).is_relative_to, (CORE, STANDARD)))
    ]
    return f"{said} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else said


def _by_name(module: str) -> ModuleType:
    if _found(module) is not None:
        return importlib.import_module(module)
    file = Path(f"{module.replace('.', '/')}.py")
    if not file.is_file():
        raise LFSError(f"Python finds no module {module!r}, and there is no {file} here.")
    return _from_file(file, module)


def _found(module: str) -> object:
    try:
        return sys.modules.get(module) or importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None


def _loaded(name: str, path: Path) -> bool:
    return getattr(sys.modules.get(name), "__file__", None) == str(path)


def _is_of(path: Path, found: object) -> bool:
    """Whether a name that Python looks for leads to a file, or to nothing."""
    origin = getattr(found, "origin", None)
    return found is None or (origin is not None and Path(origin).resolve() == path)


def _from_file(file: Path, name: str | None = None) -> ModuleType:
    """The module in a file, loaded once; it may import modules next to it."""
    path = file.resolve()
    if not path.is_file():
        raise LFSError(f"there is no file {file}.")
    name = name or path.stem
    if _loaded(name, path):
        return sys.modules[name]
    if name in sys.modules or not _is_of(path, _found(name)):  # another module has this name
        # The same in every process, as fingerprints of networks hold the names of modules.
        name = f"{name}_of_{hashlib.sha256(str(path.parent).encode()).hexdigest()[:16]}"
        if _loaded(name, path):
            return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LFSError(f"{file} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.append(str(path.parent))  # last, so that it hides nothing
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.parent))
    return module

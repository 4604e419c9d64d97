"""JavaScript modules joined into one, without Node.

Modules are put one after the other, each after those that it imports, and `import` and `export`
are taken out. So all share one scope: no two of a view's modules may define the same name.
"""

from __future__ import annotations

import re
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

from lfs_core.errors import LFSError

__all__ = ["joined"]

IMPORT = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.MULTILINE)
TYPES = re.compile(r"^/\*\* @import .* \*/\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function |const |let |class )", re.MULTILINE)
NAME = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
LEFT = re.compile(r"^(?:import\b|export (?!default \{)|(?:const|let) [^\w]).*", re.MULTILINE)


def joined(folder: Traversable, entry: str) -> str:
    """A module with all that it imports, as one module that imports nothing.

    Only `import { a, b } from "./c.js";` and `export` before a definition are understood, and
    `export default {...}` in the entry; the type checker sees to it that what is imported exists.

    Args:
        folder: where all modules are.
        entry: path of the module within it, with "/".

    Raises:
        LFSError: modules import each other in a circle, two define the same name, or one is
            written in another way.
    """
    parts: dict[str, str] = {}  # in the order of the result
    owners: dict[str, str] = {}  # of every name

    def add(path: str, importers: tuple[str, ...]) -> None:
        if path in importers:
            raise LFSError(f"Modules import each other: {' -> '.join([*importers, path])}.")
        if path in parts:
            return
        code = (folder / path).read_text("utf-8")
        for source in IMPORT.findall(code):
            add(normpath(join(dirname(path), source)), (*importers, path))
        code = EXPORT.sub("", IMPORT.sub("", TYPES.sub("", code)))
        if strange := LEFT.search(code):
            raise LFSError(f"{path} cannot be joined with others: {strange[0]}")
        for name in NAME.findall(code):
            if name in owners:
                raise LFSError(f"{owners[name]} and {path} both define {name}; rename one.")
            owners[name] = path
        parts[path] = code.strip("\n")

    add(entry, ())
    return "\n\n".join(f"// {path}\n\n{code}" for path, code in parts.items()) + "\n"

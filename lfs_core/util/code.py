"""Which code a thing runs, and what that code says, as digests.

The code of a function or class is its module, the modules that this imports from the same project,
and those that they import. Of each counts what it says: comments, docstrings, annotations, the
wording of errors and the order of imports do not.

A parent package that is run on the way to a module does not count, unless it is asked for a name.
Not seen are modules that code finds by a text of its own making, data files that it reads, and the
insides of other packages, of which the version counts.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
import sysconfig
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import cast

from lfs_core.errors import LFSError

CORE = Path(__file__).parents[1]
REGISTERED = re.compile(r"lfs_core(\.\w+)+:\w+")  # what a registry's name stands for
# Imports within functions that decide no number, as who imports from where: an explanation draws
# itself, and an error lists the names of methods.
ASIDE = (
    ("lfs_core.explanation", "lfs_core.viz.figures"),
    ("lfs_core.explanation", "lfs_core.viz.report"),
    ("lfs_core.comparators.base", "lfs_core.comparators"),
)
# Packages that decide no number: they wait, count and find folders.
IDLE = {"distributed", "filelock", "platformdirs", "tqdm", "typer"}
MAGIC = re.compile(r"^([ ]*)([%!].*)$", re.MULTILINE)  # a line that only IPython understands
NOT_BESIDE = {".py", ".pyi", ".pyc", ".typed", ".safetensors"}  # weights count by themselves


FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Code:
    """What a thing runs.

    Attributes:
        modules: the digest of each module of this project, or of the user's, by name.
        packages: the names of the other packages that these import.
        itself: which of the definitions it is; its text where that is in no file.
    """

    modules: Mapping[str, str]
    packages: frozenset[str]
    itself: tuple[str, ...] = ()

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of what the code says; versions of other packages are no part of it."""
        said = repr((sorted(self.modules.items()), self.itself))
        return hashlib.sha256(said.encode()).hexdigest()

    def versions(self) -> dict[str, str]:
        """Of the other packages, as installed."""
        return {name: _version(name) for name in sorted(self.packages)}

    def __or__(self, other: Code) -> Code:
        itself = tuple(dict.fromkeys(self.itself + other.itself))
        packages = self.packages | other.packages
        return Code({**self.modules, **other.modules}, packages, itself)


def code_of(thing: object, by_name: bool = False) -> Code:
    """The code of a function, class, object, module, or of "module" or "module:object".

    Args:
        thing: what is run.
        by_name: count all that the registries it reaches name, too: for what looks methods,
            networks or metrics up by names that cannot be told beforehand.

    Raises:
        LFSError: a module cannot be read.
    """
    if isinstance(thing, str):
        module, _, name = thing.partition(":")
        return _reached([_locate(module)], by_name, (name,) if name else ())
    if isinstance(thing, ModuleType):
        return _reached([_locate(thing.__name__)], by_name)
    if isinstance(thing, functools.partial):
        return code_of(thing.func, by_name)
    if inspect.ismethod(thing):
        thing = thing.__func__
    defined = thing if inspect.isroutine(thing) or isinstance(thing, type) else type(thing)
    name = getattr(defined, "__qualname__", repr(defined))
    module = getattr(defined, "__module__", None) or "builtins"
    full, root = _locate(module)
    text = () if name.isidentifier() and _has_file(module) else _on_the_fly(defined)
    return _reached([(full, root)], by_name, (f"{full}:{name}", *text))


def code_of_cells(cells: Iterable[str]) -> Code:
    """The code of a notebook's cells, of all that they import, and of all that registries name."""
    texts = [MAGIC.sub(lambda line: f"{line[1]}magic({line[2]!r})", cell) for cell in cells]
    quiet = repr([text.rstrip().endswith(";") for text in texts])  # its last value is not shown
    try:
        said = _Said.of("\nnext_cell\n".join(texts), "")
    except SyntaxError:  # which its run will show
        return Code({}, frozenset(), tuple(texts))
    return _reached([(name, None) for name in said.imports], True, (said.digest, quiet))


def files_beside(code: Code) -> list[Path]:
    """The files in folders of the package that its code reads, as pages and scripts of a view.

    A file that is named after a module, or lies in a folder that is, belongs to this module, any
    other to all modules of its package.
    """
    found = []
    for path in sorted(CORE.rglob("*")):
        if not path.is_file() or path.suffix in NOT_BESIDE:
            continue
        package = next(of for of in path.parents if (of / "__init__.py").is_file())
        modules = {of.stem: _module_of(of) for of in package.glob("*.py")}
        parts = {*path.relative_to(package).parts[:-1], path.stem}
        owners = {modules[part] for part in parts & set(modules)} or set(modules.values())
        if owners & set(code.modules):
            found.append(path)
    return found


def _module_of(path: Path) -> str:
    parts = path.relative_to(CORE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def changed(then: Mapping[str, str], now: Code) -> list[str]:
    """The modules whose code differs from what was recorded, or was not part of it."""
    return sorted(
        name for name, digest in now.modules.items() if not digest.startswith(then.get(name, "-"))
    )


@dataclass(frozen=True)
class _Place:
    """A module's name, and the folder that the names of its project start from."""

    name: str
    root: Path

    def path(self) -> Path | None:
        """Its file."""
        package = self.root.joinpath(*self.name.split("."), "__init__.py")
        module = self.root.joinpath(*self.name.split(".")).with_suffix(".py")
        return next((path for path in (package, module) if path.is_file()), None)


@dataclass(frozen=True)
class _Said:
    """What a module says.

    Attributes:
        digest: of it.
        imports: full names of what it imports: a module, or a name in a module.
        bound: what each name is that an import binds, used or not.
        homes: what it imports when it is first asked for it.
        registered: the modules that its texts "module:object" name.
    """

    digest: str
    imports: frozenset[str]
    bound: Mapping[str, str]
    homes: frozenset[str]
    registered: frozenset[str]

    @staticmethod
    def of(text: str, name: str, is_package: bool = False, stub: str = "") -> _Said:
        """Read a module's text, and that of the stub from which it imports on first use."""
        tree = _Plain().visit(ast.parse(text))
        package = name if is_package else name.rpartition(".")[0]
        used, called_on, exported = _used(tree)
        homes = dict(
            _meaning(node, alias, package)
            for node, _ in _imports(ast.parse(stub))
            for alias in node.names
        )
        bound, imports, spelled = dict(homes), set(), []
        for node, within in _imports(tree):
            for alias in node.names:
                local, full = _meaning(node, alias, package)
                home = full.rpartition(".")[0]
                if home == "__future__" or (within and (name, home) in ASIDE):
                    continue
                if not within:
                    bound[local] = full
                if local in used | exported | {"*"}:
                    spelled.append((local, full))
                    # Of a package imported as a whole, only the names that are used.
                    asked = called_on.get(local, set()) if isinstance(node, ast.Import) else set()
                    imports |= {f"{full}.{part}" for part in asked} or {full}
                    if isinstance(node, ast.Import) and alias.name != full:  # `import a.b`
                        imports.add(alias.name)
        rest = [part for part in tree.body if not isinstance(part, ast.Import | ast.ImportFrom)]
        said = repr((sorted(spelled), [_spelled(part) for part in rest]))
        registered = {
            node.value.partition(":")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and REGISTERED.fullmatch(node.value)
        }
        digest = hashlib.sha256(said.encode()).hexdigest()
        for part in tree.body:  # names that are defined again are not passed on
            for of in (part, *getattr(part, "targets", ())):
                bound.pop(getattr(of, "name", getattr(of, "id", "")), None)
        return _Said(
            digest, frozenset(imports), bound, frozenset(homes.values()), frozenset(registered)
        )


class _Plain(ast.NodeTransformer):
    """Takes out of a module what does not decide what it does."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant):
            return None  # a docstring
        return self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        if "TYPE_CHECKING" in (getattr(node.test, key, None) for key in ("id", "attr")):
            return node.orelse
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        # In a class it makes a field, unless it is a variable of the class.
        is_field = "ClassVar" not in ast.unparse(node.annotation)
        node.annotation = ast.Constant(is_field)
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.exc, ast.Call):
            node.exc.args = [
                ast.Constant("")
                if isinstance(of, ast.JoinedStr)
                or (isinstance(of, ast.Constant) and isinstance(of.value, str))
                else of
                for of in node.exc.args
            ]
        return node


def _spelled(node: object) -> object:
    """A tree as nested tuples; alike in all versions of Python, unlike `ast.dump`."""
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields)
        told = [
            (name, _spelled(_without_empty(value) if isinstance(node, ast.JoinedStr) else value))
            for name, value in fields
            if value not in (None, []) and name not in ("ctx", "kind", "type_comment")
        ]
        constant = (type(node.value).__name__,) if isinstance(node, ast.Constant) else ()
        return (type(node).__name__, *constant, *told)
    if isinstance(node, list):
        return tuple(_spelled(part) for part in node)
    return repr(node)


def _without_empty(parts: list[ast.expr]) -> list[ast.expr]:
    """The parts of an f-string, without the empty texts that Python 3.12.0 puts among them."""
    return [part for part in parts if not isinstance(part, ast.Constant) or part.value]


def _used(tree: ast.AST) -> tuple[set[str], dict[str, set[str]], set[str]]:
    """Names that are read; of those only asked for attributes, which; and names in `__all__`."""
    whole: set[str] = set()
    asked: dict[str, set[str]] = {}
    exported: set[str] = set()
    owners = {
        id(node.value): node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) in owners:
            asked.setdefault(node.id, set()).add(owners[id(node)])
        elif isinstance(node, ast.Name):
            whole.add(node.id)
        if isinstance(node, ast.Assign) and "__all__" in map(_name, node.targets):
            said = (of.value for of in ast.walk(node.value) if isinstance(of, ast.Constant))
            exported |= {name for name in said if isinstance(name, str)}
    only = {name: parts for name, parts in asked.items() if name not in whole}
    return whole | set(asked), only, exported


def _name(node: ast.AST) -> str | None:
    return getattr(node, "id", None)


def _imports(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """All imports, and whether each is within a function."""

    def walk(node: ast.AST, within: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                yield child, within
            else:
                yield from walk(child, within or isinstance(child, FUNCTIONS))

    return walk(tree, False)


def _meaning(node: ast.Import | ast.ImportFrom, alias: ast.alias, package: str) -> tuple[str, str]:
    """The name that an import binds, and the full name of what it is."""
    if isinstance(node, ast.Import):
        top = alias.name.partition(".")[0]
        return (alias.asname, alias.name) if alias.asname else (top, top)
    module = node.module or ""
    if node.level:
        parts = package.split(".")
        parts = parts[: len(parts) - node.level + 1]
        module = ".".join([*parts, module] if module else parts)
    return alias.asname or alias.name, module if alias.name == "*" else f"{module}.{alias.name}"


def _reached(
    waiting: Iterable[tuple[str, Path | None]], by_name: bool, itself: tuple[str, ...] = ()
) -> Code:
    """The code of what has these full names, each with the folder of the project that asks."""
    modules: dict[str, str] = {}
    packages: set[str] = set()
    waiting = list(waiting)
    seen = set(waiting)
    while waiting:
        full, root = waiting.pop()
        place, rest = _find(full, root)
        if place is None:
            packages.add(full.partition(".")[0])
            continue
        said = _read(place)
        if rest in said.bound:  # the module only passes it on
            asked = frozenset({said.bound[rest]})
        else:
            modules[place.name] = said.digest
            asked = said.imports | (said.registered if by_name else frozenset())
            if not rest:
                asked |= said.homes
        fresh = {(name, place.root) for name in asked} - seen
        seen |= fresh
        waiting += fresh
    return Code(modules, frozenset(packages - sys.stdlib_module_names - IDLE), itself)


def _find(full: str, root: Path | None) -> tuple[_Place | None, str]:
    """The module in which something lies, and its name there; "" for the module itself."""
    if full.partition(".")[0] == CORE.name:
        root = CORE.parent
    elif root in (None, CORE.parent):
        return None, ""
    name, rest = full, ""
    while name:
        place = _Place(name, root)
        if place.path():
            return place, rest.partition(".")[0]
        name, _, last = name.rpartition(".")
        rest = f"{last}.{rest}" if rest else last
    return None, ""


def _read(place: _Place) -> _Said:
    path = cast("Path", place.path())  # `_find` gives no place without a file
    paths = [path] + [path.with_suffix(".pyi")] * (path.name == "__init__.py")
    try:
        states = [(of, of.stat()) for of in paths if of.is_file()]
        return _read_at(place.name, *((of, s.st_mtime_ns, s.st_size) for of, s in states))
    except (OSError, SyntaxError, ValueError) as error:
        raise LFSError(f"The code in {path} cannot be read ({error}).") from error


@functools.cache
def _read_at(name: str, *files: tuple[Path, int, int]) -> _Said:
    texts = [path.read_text(encoding="utf-8") for path, *_ in files]
    return _Said.of(texts[0], name, files[0][0].name == "__init__.py", *texts[1:])


def _locate(module: str) -> tuple[str, Path | None]:
    """A module's full name, and the folder of its project; None for packages and for no file."""
    if module.partition(".")[0] == CORE.name:
        return module, CORE.parent
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None) if loaded else _file_of(module)
    if file is None or any(Path(file).is_relative_to(folder) for folder in _installed()):
        return module, None
    path = Path(file)
    if module == "__main__":
        return path.stem, path.parent
    above = module.count(".") + (path.name == "__init__.py")
    return module, path.parents[above]


def _has_file(module: str) -> bool:
    """Whether what is defined in a module is to be found in a file, not in a shell or a cell."""
    in_file = hasattr(sys.modules.get(module), "__file__") or module in sys.builtin_module_names
    return in_file and module != "__main__"


def _file_of(module: str) -> str | None:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return found.origin if found and found.has_location else None


@functools.cache
def _installed() -> tuple[Path, ...]:
    """Where other packages lie."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({Path(sysconfig.get_path(name)) for name in names})


@functools.cache
def _version(package: str) -> str:
    """Of an imported package, by the names it is installed by; "" if it is not installed."""
    installed = _distributions().get(package, [])
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in installed)


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    found = importlib.metadata.packages_distributions()
    return {package: sorted(set(names)) for package, names in found.items()}


def _on_the_fly(defined: object, seen: set[int] | None = None) -> tuple[str, ...]:
    """The text of a function or class that was made in a cell, in a function or by hand.

    Of other functions and classes that it uses, those of the same cells count, too; what it reads
    from variables cannot be known.
    """
    seen = set() if seen is None else seen
    if id(defined) in seen:
        return ()
    seen.add(id(defined))
    if isinstance(defined, type):
        texts = []
        for base in defined.__mro__:
            if _locate(base.__module__)[1] is not None or not _has_file(base.__module__):
                for name, value in sorted(vars(base).items()):
                    if isinstance(value, bool | int | float | str) and not name.startswith("__"):
                        texts.append(f"{name}={value!r}")
                    value = getattr(value, "__func__", getattr(value, "fget", value))
                    texts += _on_the_fly(value, seen) if isinstance(value, FunctionType) else ()
        return tuple(texts)
    function = inspect.unwrap(defined) if callable(defined) else defined
    if not isinstance(function, FunctionType):
        return (repr(type(function)),)
    used = (function.__globals__.get(name) for name in function.__code__.co_names)
    cells = "__file__" not in function.__globals__
    others = [
        text
        for of in used
        if cells and getattr(of, "__module__", None) == function.__module__
        if isinstance(of, FunctionType | type)
        for text in _on_the_fly(of, seen)
    ]
    return (_text(function), *others)


def _text(function: FunctionType) -> str:
    """The text of a function; its bytecode, if its text is not available alone."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return repr(_bytecode(function.__code__))
    return repr(
        _bytecode(function.__code__)
        if function.__name__ == "<lambda>"
        else _spelled(_Plain().visit(tree))
    )


def _bytecode(code: CodeType) -> tuple[object, ...]:
    constants = (
        _bytecode(of)
        if isinstance(of, CodeType)
        else sorted(map(repr, of))  # a set has another order in every process
        if isinstance(of, frozenset)
        else of
        for of in code.co_consts
    )
    return code.co_code, code.co_names, tuple(constants)

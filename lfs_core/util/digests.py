"""The key of everything that is kept: what it depends on, as one short text.

A number that was computed once is found again only if its code, weights, options, input and the
versions of the packages that its code uses are the same.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from lfs_core.errors import LFSError
from lfs_core.util.code import Code, code_of

# Of a module: what it is called, where it is from, what was measured on it; not what it does.
NAMING = {"name", "info", "spread"}


def key(*, code: Iterable[object] = (), **decides: object) -> str:
    """A text that differs whenever anything differs that decides what is kept under it.

    Args:
        code: what computes it: functions, classes, "module:object", or a `Code`.
        decides: whatever else does, by name: numbers and texts, files as `Path` by their content,
            tensors, networks and other objects by their weights, options and code.

    Returns:
        64 hexadecimal digits.

    Raises:
        LFSError: code or a file cannot be read.
    """
    facts = _Facts()
    for of in code:
        facts.codes.append(of if isinstance(of, Code) else code_of(of))
    told = facts.of(decides)
    versions = {name: of for one in facts.codes for name, of in one.versions().items()}
    return _digest([[of.digest for of in facts.codes], versions, told])


def fingerprint(thing: object, leaving_out: Sequence[object] = ()) -> str:
    """What tells a network, a decoder or a method from every other: its code, weights and options.

    Versions are no part of it, so that files that hold it can travel.

    Args:
        thing: any object; an `nn.Module` counts by its state and its settings, a function also by
            what it has taken from around it.
        leaving_out: objects within it that do not count.

    Returns:
        64 hexadecimal digits.
    """
    facts = _Facts(leaving_out)
    told = facts.of(thing)
    return _digest([[of.digest for of in facts.codes], told])


def _digest(told: object) -> str:
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class _Facts:
    """Turns things into JSON, and gathers the code of those that have some.

    Attributes with an underscore follow from the others, or were cached, unless they are tensors or
    `nn.Module`s; an object for which this is wrong has a method `fingerprint`. Variables of a
    module that a function reads, and services that it calls, are not seen.
    """

    def __init__(self, leaving_out: Sequence[object] = ()) -> None:
        self.codes: list[Code] = []
        self._leaving_out = leaving_out
        self._within: list[object] = []  # what is being told, which may hold itself

    def of(self, value: object) -> object:
        """What decides about a value, ready for JSON."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if any(value is of for of in (*self._leaving_out, *self._within)):
            return "itself"
        self._within.append(value)
        try:
            return [type(value).__name__, self._told(value)]
        finally:
            self._within.pop()

    def _told(self, value: object) -> object:
        match value:
            case bytes():
                return hashlib.sha256(value).hexdigest()
            case Tensor() | np.ndarray():
                return _told_numbers(value)
            case np.generic() | torch.dtype() | torch.device():
                return str(value)
            case Path():
                return _told_file(value)
            case nn.Module():
                return self._told_module(value)
            case Mapping():
                return self._sorted([self.of(k), self.of(v)] for k, v in value.items())
            case Set():
                return self._sorted(map(self.of, value))
            case Sequence():
                return [self.of(one) for one in value]
            case functools.partial():
                return [self.of(one) for one in (value.func, value.args, value.keywords)]
            case ModuleType():
                return value.__name__
        if inspect.ismethod(value):
            return [self.of(value.__func__), self.of(value.__self__)]
        if inspect.isroutine(value) or isinstance(value, type):
            self._run(value)
            taken = inspect.getclosurevars(value).nonlocals if inspect.isfunction(value) else {}
            return [f"{value.__module__}:{value.__qualname__}", self.of(taken)]
        self._run(type(value))
        own = value.fingerprint() if hasattr(value, "fingerprint") else None
        return [self._told_attributes(value), own]

    def _told_module(self, module: nn.Module) -> object:
        parts = []
        for name, part in module.named_modules():
            self._run(type(part))
            parts.append([name, type(part).__qualname__, self._told_attributes(part, NAMING)])
        state = {name: _told_numbers(of) for name, of in module.state_dict().items()}
        return [parts, state]

    def _told_attributes(self, value: object, but: Set[str] = frozenset()) -> object:
        attributes = getattr(value, "__dict__", {})
        is_module = isinstance(value, nn.Module)
        return {
            name: self.of(one)
            for name, one in attributes.items()
            if name not in but
            and not (is_module and name == "training")
            and (not name.startswith("_") or isinstance(one, Tensor | np.ndarray | nn.Module))
        }

    def _run(self, defined: object) -> None:
        code = code_of(defined)
        if code not in self.codes:
            self.codes.append(code)

    @staticmethod
    def _sorted(told: Iterable[object]) -> list[object]:
        return sorted(told, key=lambda one: json.dumps(one, sort_keys=True))


def _told_numbers(values: Tensor | np.ndarray) -> object:
    """Kind, shape and content."""
    kind, shape = str(values.dtype), list(values.shape)
    content: bytes | memoryview
    if isinstance(values, Tensor):
        flat = values.detach().cpu().contiguous().reshape(-1)
        content = flat.view(torch.uint8).numpy().data if flat.numel() else b""
    else:
        numbers = values.dtype != object
        content = np.ascontiguousarray(values).data if numbers else repr(values).encode()
    return [kind, shape, hashlib.sha256(content).hexdigest()]


def _told_file(path: Path) -> object:
    """A file's content; of what is no file, the name."""
    if not path.is_file():
        return str(path)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LFSError(f"{path} cannot be read ({error.strerror or error}).") from error

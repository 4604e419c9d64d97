"""The reference of the public names, from their docstrings: Markdown around reStructuredText.

Docstrings here are plain text with single backticks. What would mean something else to docutils,
as the bars of |x|, is escaped.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pkgutil import resolve_name
from textwrap import indent

import lfs_core as lfs
from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.evaluation.spec import METRICS

CODE = re.compile(r"(`[^`]+`)")
SPECIAL = re.compile(r"([*|\\]|_(?=\W|$))")  # what docutils takes for markup in plain text
SHIFT = "   "
METHODS = 'Load them by name, `lfs.load_explainer("NAME", embedder, option=value)`.'
MEASURED = "Name them on the command line, `lfs evaluate --metric NAME,option=value`."


def api_markdown() -> str:
    """All public names, then the methods and the metrics with their options."""
    names = sorted(vars(lfs)["__all__"], key=str.lower)
    public = {name: getattr(lfs, name) for name in names}
    methods = {
        name: explainer_class(name)
        for name in EXPLAINERS
        if explainer_class(name).role in ("method", "control")
    }
    metrics = {name: resolve_name(of) for name, of in METRICS.items()}
    return "\n".join(
        [
            *_section("Public names", public, "lfs_core"),
            *_section("Methods and controls", methods, "", METHODS),
            *_section("Metrics", metrics, "", MEASURED),
        ]
    )


def _section(title: str, found: Mapping[str, object], module: str, use: str = "") -> Iterator[str]:
    """A heading, a table of all names with what they are, and what each is."""
    yield f"## {title}\n\n{use}\n"
    yield "| Name | What it is |\n| --- | --- |"
    for name, of in found.items():
        label = f"{module}.{name}" if module else _target(of)
        yield f"| {{py:obj}}`{name} <{label}>` | {_first_line(of)} |"
    yield ""
    for name, of in found.items():
        if not module:
            yield f"### {name}\n"
        yield "```{eval-rst}"
        yield _told(f"{module}.{name}" if module else _target(of), of)
        yield "```\n"


def _target(of: object) -> str:
    return str(of.__qualname__)  # type: ignore[attr-defined]


def _first_line(of: object) -> str:
    return (inspect.getdoc(of) or "").partition("\n")[0].replace("|", r"\|")


def _told(name: str, of: object) -> str:
    """A function or a class with its public methods, in reStructuredText."""
    kind = "class" if isinstance(of, type) else "function"
    parts = [f".. py:{kind}:: {name}{_signature(of)}\n", indent(_docstring(of), SHIFT)]
    if isinstance(of, type):
        parts += [indent(text, SHIFT) for text in _members(of)]
    return "\n".join(parts)


def _members(of: type) -> Iterator[str]:
    """The public methods and properties that a class itself defines and describes."""
    for name, member in vars(of).items():
        inner = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if (name.startswith("_") and name != "__call__") or not inspect.getdoc(inner):
            continue
        if isinstance(member, property):
            yield f".. py:property:: {name}\n\n{indent(_docstring(member), SHIFT)}"
        elif inspect.isfunction(inner):
            bound = getattr(of, name) if inner is not member else inner
            option = f"{SHIFT}:classmethod:\n" if isinstance(member, classmethod) else ""
            text = indent(_docstring(inner), SHIFT)
            yield f".. py:method:: {name}{_signature(bound)}\n{option}\n{text}"


def _signature(of: object) -> str:
    """The arguments with their types, as a reader writes them; nothing where there are none."""
    from sphinx.util.inspect import stringify_signature

    try:
        signature = inspect.signature(of)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    without_self = [one for name, one in signature.parameters.items() if name != "self"]
    return stringify_signature(
        signature.replace(parameters=without_self), unqualified_typehints=True
    )


def _docstring(of: object) -> str:
    from sphinx.ext.napoleon import Config, GoogleDocstring

    plain = inspect.getdoc(of) or ""
    escaped = "".join(
        f"`{part}`" if CODE.fullmatch(part) else SPECIAL.sub(r"\\\1", part)
        for part in CODE.split(plain)
    )
    config = Config(napoleon_use_ivar=True)
    return str(GoogleDocstring(escaped, config)) + "\n"  # type: ignore[arg-type]

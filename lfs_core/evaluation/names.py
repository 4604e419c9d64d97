"""What readers are shown in the place of "explainlfs,relevance=random": words."""

from __future__ import annotations

from pkgutil import resolve_name

from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.evaluation.spec import METRICS, make_metric, parse
from lfs_core.explanation import Words


def reader_name(spec: str) -> str:
    """The name for readers of an explainer or a metric, with its options in words.

    Args:
        spec: as `make_explainer` or `make_metric` reads it. Of "module:object" the object's name
            is taken; a name that is not registered is what it is.

    Raises:
        LFSError: a part after a comma is no option=value, or a metric does not take it.
    """
    name = spec.partition(",")[0]
    if name in EXPLAINERS:
        method = explainer_class(name)
        return _with_options(method.title, _words(method), spec)
    if name in METRICS:
        return _with_options(make_metric(spec).title, _words(resolve_name(METRICS[name])), spec)
    if ":" in name:
        return _with_options(_plain(name.rpartition(":")[2]), {}, spec)
    return _plain(spec)


def _words(of: type) -> Words:
    """What a class and those it is made from call their options."""
    return {
        option: words
        for base in reversed(of.__mro__)
        for option, words in vars(base).get("words", {}).items()
    }


def _with_options(title: str, words: Words, spec: str) -> str:
    told = [_told(option, value, words) for option, value in parse(spec)[1].items()]
    lacking = [text.removeprefix("without ") for text in told if text.startswith("without ")]
    if len(lacking) > 1:
        told = [text for text in told if not text.startswith("without ")]
        told.append(f"without {', '.join(lacking[:-1])} and {lacking[-1]}")
    return ", ".join([title, *(text for text in told if text)])


def _told(option: str, value: object, words: Words) -> str:
    """One option in words; where there are none for it, its name and value."""
    plain = f"{_plain(option)} = {_plain(str(value))}"
    text = words.get(option, plain)
    return text.format(value) if isinstance(text, str) else text.get(value, plain)


def _plain(name: str) -> str:
    return name.replace("_", " ")

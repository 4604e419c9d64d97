"""What readers see instead of "explainlfs,relevance=random": words."""

from __future__ import annotations

from collections.abc import Sequence
from pkgutil import resolve_name

from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.evaluation.spec import METRICS, make_metric, parse
from lfs_core.explanation import Words
from lfs_core.variants import KNOWING_NOTHING

KINDS = ("similar", "dissimilar")  # of pairs, by what the network calls them
IMAGES = {  # folders of the local tier, and what the demo tier has
    "lfw": "LFW",
    "celeba": "CelebA",
    "cub": "CUB-200 birds",
    "cars": "Cars-196",
    "demo": "the demo's faces",
    "scenes": "the demo's photographs",
}


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


def is_control(explainer: str) -> bool:
    """Whether an explainer is a control, or uses a relevance that ignores the pair."""
    name, options = parse(explainer)
    control = name in EXPLAINERS and explainer_class(name).role == "control"
    return control or options.get("relevance") in KNOWING_NOTHING


def images_title(names: str) -> str:
    """The name for readers of where pairs come from: a folder, several with commas, or a file."""
    return ", ".join(IMAGES.get(name, name) for name in names.split(", "))


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "a, b and c", with semicolons where names hold commas; or "none"."""
    if not names:
        return "none"
    *front, last = names
    comma = ";" if any("," in name for name in names) else ","
    return f"{f'{comma} '.join(front)}{comma if comma == ';' else ''} and {last}" if front else last


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

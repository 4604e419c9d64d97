"""Explainers and metrics as text: a name, and options after commas, as in "utkin,draws=80"."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pkgutil import resolve_name

from lfs_core.comparators import EXPLAINERS, load_explainer
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.evaluation.metrics.base import Metric
from lfs_core.util.code import Code, code_of
from lfs_core.util.own_code import load_object, told

METRICS = {
    "selectivity": "lfs_core.evaluation.metrics.selectivity:Selectivity",
    "insertion": "lfs_core.evaluation.metrics.insertion:Insertion",
    "verification": "lfs_core.evaluation.metrics.verification:Verification",
    "road": "lfs_core.evaluation.metrics.road:Road",
    "continuity": "lfs_core.evaluation.metrics.continuity:Continuity",
    "lipschitz": "lfs_core.evaluation.metrics.continuity:Lipschitz",
    "partner": "lfs_core.evaluation.metrics.partner:Partner",
    "patch": "lfs_core.evaluation.metrics.patch:Patch",
    "mosaic": "lfs_core.evaluation.metrics.mosaic:Mosaic",
    "parts": "lfs_core.evaluation.metrics.parts:Parts",
    "shown": "lfs_core.evaluation.metrics.shown:Shown",
}


def parse(spec: str) -> tuple[str, dict[str, object]]:
    """Split "name,option=value,..." into the name and its options.

    Values that are JSON become numbers, true, false or null; all others are text.

    Raises:
        LFSError: a part after a comma is no option=value.
    """
    name, *parts = (part.strip() for part in spec.split(","))
    options = {}
    for part in parts:
        option, equals, value = part.partition("=")
        if not (option and equals and value):
            raise LFSError(f"{spec!r}: {part!r} is not option=value.")
        options[option] = _value(value)
    return name, options


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def make_explainer(spec: str, embedder: Embedder, threshold: float) -> Callable[..., object]:
    """The explainer that a text describes.

    Args:
        spec: a name that `load_explainer` knows, with options; or "module:object" or
            "file.py:object" (see `load_object`), which is called with the embedder and the options
            and returns an explainer.
        embedder: the network.
        threshold: xi_1, for explainers of ours.

    Raises:
        LFSError: there is no such explainer, or it refuses the network or the options.
    """
    name, options = parse(spec)
    if ":" not in name:
        return load_explainer(name, embedder, similarity_threshold=threshold, **options)
    made = load_object(name, "explainer")
    if not callable(made):
        raise LFSError(f"{name!r} is {type(made).__name__}, and makes no explainer.")
    try:
        explainer = made(embedder, **options)
    except LFSError:
        raise
    except Exception as error:
        raise LFSError(f"{name!r} failed: {told(error)}.") from error
    if not callable(explainer):
        raise LFSError(
            f"{name!r} gives {type(explainer).__name__}; called with an embedder, it must give an "
            "explainer, which is called with two images."
        )
    return explainer


def make_metric(spec: str) -> Metric:
    """The metric that a text describes.

    Raises:
        LFSError: there is no such metric, or it does not take the options.
    """
    name, options = parse(spec)
    if name not in METRICS:
        raise LFSError(f"There is no metric {name!r}; choose one of {', '.join(METRICS)}.")
    metric = resolve_name(METRICS[name])
    try:
        inspect.signature(metric).bind(**options)
    except TypeError:
        known = ", ".join(inspect.signature(metric).parameters) or "none"
        raise LFSError(f"{name} takes no {', '.join(options)}; its options: {known}.") from None
    return metric(**options)


def code_of_explainer(spec: str) -> Code:
    """The code of the explainer that a text describes; its options and weights are no part."""
    name, _ = parse(spec)
    return code_of(EXPLAINERS.get(name) or load_object(name, "explainer"))


def code_of_metric(spec: str) -> Code:
    """The code of the metric that a text describes; its options are no part."""
    name, _ = parse(spec)
    return code_of(METRICS.get(name, name))

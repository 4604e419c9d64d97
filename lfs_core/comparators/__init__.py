"""Every explanation method, by name: to add one, add a file and a line here."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from torch import Tensor

from lfs_core.embedders import Embedder, embedder_name, load_embedder, threshold_of
from lfs_core.errors import LFSError
from lfs_core.explanation import PairExplainer
from lfs_core.util.modules import shipped_modules

EXPLAINERS = {
    "explainlfs": "lfs_core.explainer:ExplainLFS",
    "simexpert": "lfs_core.comparators.simexpert:SimExpert",
    "utkin": "lfs_core.comparators.utkin:Utkin",
    "tummala": "lfs_core.comparators.tummala:Tummala",
    "gradcam": "lfs_core.comparators.gradcam:GradCAM",
    "similarity-attention": "lfs_core.comparators.similarity_attention:SimilarityAttention",
    "lrp": "lfs_core.comparators.lrp:LRP",
    "xssab": "lfs_core.comparators.xssab:XSSAB",
    "fggb": "lfs_core.comparators.fggb:FGGB",
    "corrrise": "lfs_core.comparators.corrrise:CorrRISE",
    "distance-explainer": "lfs_core.comparators.distance_explainer:DistanceExplainer",
    "integrated-jacobians": "lfs_core.comparators.integrated_jacobians:IntegratedJacobians",
    "kernel-shap": "lfs_core.comparators.kernel_shap:KernelSHAP",
    "lime": "lfs_core.comparators.lime:LIME",
    "occlusion": "lfs_core.comparators.occlusion:Occlusion",
    "integrated-gradients": "lfs_core.comparators.integrated_gradients:IntegratedGradients",
    "smoothgrad": "lfs_core.comparators.smoothgrad:SmoothGrad",
    "gradient-x-input": "lfs_core.comparators.gradient_x_input:GradientXInput",
    "causal": "lfs_core.comparators.causal:Causal",
    "amortised": "lfs_core.comparators.amortised:Amortised",
    "pairx": "lfs_core.comparators.pairx:PairX",
    "bilrp": "lfs_core.comparators.bilrp:BiLRP",
    "exclip": "lfs_core.comparators.exclip:ExCLIP",
    "activation-decomposition": (
        "lfs_core.comparators.activation_decomposition:ActivationDecomposition"
    ),
    "fixlip": "lfs_core.comparators.fixlip:FIxLIP",
    "random": "lfs_core.evaluation.controls.random:Random",
    "centre": "lfs_core.evaluation.controls.centre:Centre",
    "edges": "lfs_core.evaluation.controls.edges:Edges",
    "difference": "lfs_core.evaluation.controls.difference:Difference",
    "mean-map": "lfs_core.evaluation.controls.mean_map:MeanMap",
    "randomised": "lfs_core.evaluation.controls.randomised:Randomised",
    "own-likeness": "lfs_core.evaluation.controls.own_likeness:OwnLikeness",
    "with-own-likeness": "lfs_core.evaluation.controls.with_own_likeness:WithOwnLikeness",
    "randomised-causal": "lfs_core.evaluation.controls.randomised_causal:RandomisedCausal",
    "filters": "lfs_core.evaluation.controls.filters:Filters",
    "recognised": "lfs_core.evaluation.controls.recognised:Recognised",
    "greedy": "lfs_core.evaluation.controls.greedy:Greedy",
}


def list_explainers() -> list[str]:
    """The names that `load_explainer` knows."""
    return sorted(EXPLAINERS)


def explainer_class(name: str) -> type[PairExplainer]:
    """The class of a method, which says where it comes from and what it needs.

    Raises:
        LFSError: no method has this name.
    """
    if name not in EXPLAINERS:
        raise LFSError(f"There is no explainer {name!r}; choose one of {list_explainers()}.")
    return resolve_name(EXPLAINERS[name])


def explainers_without(*needs: str) -> list[str]:
    """The names of the methods, not of controls and the like, that need none of these."""
    classes = {name: explainer_class(name) for name in EXPLAINERS}
    return [
        name for name, of in classes.items() if of.role == "method" and not of.needs & set(needs)
    ]


def explainers_that_match(*without: str) -> list[str]:
    """Of `explainers_without`, those that say which place of one image matches which of another."""
    return [
        name
        for name in explainers_without(*without)
        if getattr(explainer_class(name), "matches_places", False)
    ]


def load_explainer(
    name: str, embedder: Embedder | str | os.PathLike[str], **options: Any
) -> PairExplainer:
    """An explanation method for a network.

    Args:
        name: one of `list_explainers()`.
        embedder: the network to explain, or what `load_embedder` takes for it.
        options: passed to the method. "explainlfs" and "mean-map" take a `decoder`, or the name
            or file of one; "mlp" or "conv" for deep ones that ship for the network. The default is
            its own linear one. Left out, `similarity_threshold` is the network's own.

    Raises:
        LFSError: no method has this name, or it refuses the network or the options.
    """
    method = explainer_class(name)
    embedder = load_embedder(embedder)
    signature = inspect.signature(method)
    if "similarity_threshold" in signature.parameters:
        options.setdefault("similarity_threshold", threshold_of(embedder))
    if "decoder" in signature.parameters:
        options["decoder"] = _decoder(embedder, options.get("decoder"))
    elif _reads_shipped_head(signature, options):
        _check_shipped(embedder_name(embedder), "causal head", "heads", "lfs fit-head")
    try:
        signature.bind(embedder, **options)
    except TypeError:
        known = list(signature.parameters)[1:]
        wrong = ", ".join(sorted(set(options) - set(known)))
        raise LFSError(f"{name} takes no {wrong}; its options are {', '.join(known)}.") from None
    return method(embedder, **options)


def _reads_shipped_head(signature: inspect.Signature, options: dict[str, Any]) -> bool:
    """Whether a method needs the head that ships; some do only `by` the one-pass map."""
    if "head" not in signature.parameters or options.get("head") is not None:
        return False
    by = signature.parameters.get("by")
    return by is None or options.get("by", by.default) == "amortised"


def _decoder(
    embedder: Embedder, decoder: Callable[[Tensor], Tensor] | str | os.PathLike | None
) -> Callable[[Tensor], Tensor]:
    """A decoder as it is; by name or file; or the network's own."""
    from lfs_core.decoder import load_decoder

    own = embedder_name(embedder)
    if decoder in (None, "linear"):
        decoder = own
    if not isinstance(decoder, str | os.PathLike):
        return decoder
    name = f"{own}-{decoder}" if decoder in ("mlp", "conv") else os.fspath(decoder)
    if not Path(name).is_file():
        _check_shipped(name, "decoder", "decoders", "lfs fit", own)
    return load_decoder(name)


def _check_shipped(
    name: str, kind: str, folder: str, maker: str, network: str | None = None
) -> None:
    """Raise an LFSError that offers what ships for a network, unless the name is that of one."""
    shipped, network = shipped_modules(folder), network or name
    if name in shipped:
        return
    fits = [of for of in (network, f"{network}-mlp", f"{network}-conv") if of in shipped]
    if fits:
        raise LFSError(
            f"There is no {kind} {name!r}: give a file, or one of {fits}; `{maker}` makes others."
        )
    raise LFSError(
        f"There is no {kind} {name!r}, and none ships for this network: make one with `{maker} "
        "--embedder NETWORK --images FOLDER -o FILE` and give the file, or take a method that "
        "needs no training (`lfs methods`)."
    )

"""Every explanation method, by name: to add one, add a file and a line here."""

from __future__ import annotations

from pkgutil import resolve_name

from lfs_core.embedders import Embedder, embedder_name
from lfs_core.errors import LFSError
from lfs_core.explainer import Explainer, ExplainLFS

EXPLAINERS = {"explainlfs": "lfs_core.comparators:explainlfs"}


def list_explainers() -> list[str]:
    """The names that `load_explainer` knows."""
    return sorted(EXPLAINERS)


def load_explainer(name: str, embedder: Embedder, **options: object) -> Explainer:
    """An explanation method for a network.

    Args:
        name: one of `list_explainers()`.
        embedder: the network to explain.
        options: passed to the method.

    Raises:
        LFSError: no method has this name, or it refuses the network or the options.
    """
    if name not in EXPLAINERS:
        raise LFSError(f"There is no explainer {name!r}; choose one of {list_explainers()}.")
    return resolve_name(EXPLAINERS[name])(embedder, **options)


def explainlfs(embedder: Embedder, **options: object) -> ExplainLFS:
    """The paper's method, with the decoder that ships for the network unless one is given."""
    from lfs_core.decoder import load_decoder

    decoder = options.pop("decoder", None) or load_decoder(embedder_name(embedder))
    return ExplainLFS(embedder, decoder, **options)

"""A network of the user's own: what it does not say of itself, said for it; and by name."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from lfs_core.embedders.seeing import fingerprint
from lfs_core.errors import LFSError
from lfs_core.util.digests import fingerprint as fingerprint_of
from lfs_core.util.distances import Distance, check_distance, distance_of
from lfs_core.util.networks import Embedder, embedder_name
from lfs_core.util.own_code import load_object, told


class Own(nn.Module):
    """A network with its description: (B,3,H,W) in [0,1] -> whatever the network returns.

    Args:
        network: any callable that embeds images.
        name: of the network and its weights; else its own, or that of its function or class.
        image_size: side of the images it reads, in pixels, or (H,W); else its own.
        framing: what it reads, as of `Embedder`; else its own.
        distance: by which it compares embeddings: a name in `DISTANCES`, or a function; else its
            own, or the cosine. Similarities are then 1 less the distance.

    Raises:
        LFSError: there is no such distance.
    """

    def __init__(
        self,
        network: Embedder,
        name: str | None = None,
        image_size: int | Sequence[int] | None = None,
        framing: str | None = None,
        distance: Distance | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.name = name or embedder_name(network)
        said = {"image_size": image_size, "framing": framing, "distance": distance}
        for key in ("image_size", "framing", "distance", "one_by_one", "project"):
            value = said.get(key)
            value = getattr(network, key, None) if value is None else value
            if value is not None:
                setattr(self, key, tuple(value) if isinstance(value, list) else value)
        check_distance(getattr(self, "distance", "cosine"))

    def forward(self, images: Tensor) -> Tensor:
        """What the network returns."""
        return self.network(images)

    def fingerprint(self) -> str:
        """What tells it from every other: that of the network, and what it reads."""
        said = [getattr(self, key, None) for key in ("name", "image_size", "framing")]
        return fingerprint_of([fingerprint(self.network), said, distance_of(self)])


def named_network(name: str, weights: str | Path | None = None) -> Embedder:
    """The network that "module:object" or "file.py:object" names.

    The object is the network itself, or makes it: a class, or a function that needs no argument,
    is called; with the file of weights as `weights=`, if one is given.

    Raises:
        LFSError: there is no such object, it fails, or it gives no network.
    """
    found = load_object(name, "network")
    if not callable(found):
        raise LFSError(f"{name!r} is {type(found).__name__}, and no network.")
    if not _makes(found):
        if weights is not None:
            raise LFSError(f"{name!r} takes no weights; only a class or a function that makes it.")
        return found
    try:
        made = found() if weights is None else found(weights=Path(weights))
    except LFSError:
        raise
    except Exception as error:
        raise LFSError(f"{name!r} failed: {told(error)}.") from error
    if not callable(made):
        raise LFSError(f"{name!r} gives {type(made).__name__}, and no network.")
    return made


def _makes(found: object) -> bool:
    """Whether an object makes a network, and is none itself."""
    if isinstance(found, type):
        return True
    if not inspect.isroutine(found):
        return False
    asked = [
        of
        for of in inspect.signature(found).parameters.values()
        if of.default is of.empty and of.kind in (of.POSITIONAL_ONLY, of.POSITIONAL_OR_KEYWORD)
    ]
    return not asked

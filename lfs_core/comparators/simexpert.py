"""SIMExpert: the similarity of two averages, shared out over the places they are averages of."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.embedders import Embedder, device_of
from lfs_core.embedders.last_maps import pooled_head
from lfs_core.errors import LFSError
from lfs_core.explanation import Words

Form = Literal["folded", "raw"]

DIRECTION_TOLERANCE = 1e-4  # between unit vectors; float32's rounding is a hundredth of it


class SimExpert(Comparator):
    """Each place's share of the similarity.

    The authors average the last maps K over their hw places, and share out the cosine of the two
    averages f: S_1(z) = <K1_z, f_2> / (hw |f_1| |f_2|). Many networks embed an affine map of that
    average, e = A f + b. As the average of an affine map is the affine map of the average, the
    network's own cosine is shared out by S_1(z) = <A K1_z + b, e_2> / (hw |e_1| |e_2|).

    Args:
        embedder: the network to explain.
        form: "folded" shares out the network's cosine, "raw" the cosine of the averages of its
            last maps, as the authors do, which leaves out whatever the network does with them.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range, or the network has no layers; when it explains, if
            `form` is "folded" and embeddings are no affine map of the average of the last maps.
    """

    method = "simexpert"
    title = "SIMExpert"
    words: ClassVar[Words] = {"form": {"folded": "folded", "raw": "raw averages"}}
    source = "Stylianou, Souvenir, Pless 2019"
    needs = frozenset({"layers"})
    margin = True
    of_embeddings = False
    cosine_only = True

    def __init__(
        self,
        embedder: Embedder,
        form: Form = "folded",
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if form not in get_args(Form):
            raise LFSError(
                f"form is {form!r}; it must be {' or '.join(map(repr, get_args(Form)))}."
            )
        self.form = form

    def evidence(self, pairs: Pairs) -> Evidence:
        """S_1 and S_2: (P,2,h,w), whose sum is the cosine of the averages or embeddings."""
        at_places = self._at_places(pairs.maps.detach())
        e = at_places.mean(dim=(2, 3))
        if self.form == "folded":
            self._check_direction(e, pairs.h.detach())
        towards = nn.functional.normalize(e, dim=-1).flip(1)
        shares = (at_places * towards[:, :, None, None]).sum(dim=-1)
        # An average of length 0 has the cosine 0 with everything.
        length = e.norm(dim=-1)[..., None, None]
        values = shares / (shares[0, 0].numel() * length.where(length > 0, torch.inf))
        embeddings = e if self.form == "raw" else pairs.h.detach().double()
        promised = torch.cosine_similarity(embeddings[:, 0], embeddings[:, 1])
        return Evidence(values, promised[:, None].expand(-1, 2))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"form": self.form}

    @torch.no_grad()
    def _at_places(self, maps: Tensor) -> Tensor:
        """What each place of maps (P,2,c,h,w) gives to the average: (P,2,h,w,D), float64."""
        places = maps.movedim(2, -1)
        if self.form == "folded":
            head = pooled_head(self._last_maps.network)
            device = device_of(self.embedder)
            vectors = head(places.flatten(0, -2).to(device))
            places = vectors.cpu().unflatten(0, places.shape[:-1])
        return places.double()

    def _check_direction(self, e: Tensor, h: Tensor) -> None:
        """Raise an LFSError unless averages (P,2,D) are the embeddings, but for their length."""
        if e.shape == h.shape:
            unit, expected = (nn.functional.normalize(x.double(), dim=-1) for x in (e, h))
            tolerance = max(DIRECTION_TOLERANCE, 4 * torch.finfo(_precision(self.embedder)).eps)
            if (unit - expected).norm(dim=-1).max() <= tolerance:
                return
        raise LFSError(
            f"{self.method} cannot fold the last steps of {self.embedder_name!r}: its embedding is "
            "no affine map of the average of its last maps. Where it is one, the network's "
            '`project` must say which; else use form="raw", which explains the cosine of the '
            "averages."
        )


def _precision(network: Embedder) -> torch.dtype:
    """Of a network's weights; float32, if it has none."""
    weights = network.parameters() if isinstance(network, nn.Module) else ()
    return next((of.dtype for of in weights if of.dtype.is_floating_point), torch.float32)

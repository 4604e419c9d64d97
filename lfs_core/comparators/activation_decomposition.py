"""Activation decomposition: the similarity of two averages, shared out over pairs of places."""

from __future__ import annotations

from dataclasses import replace

from lfs_core.comparators.base import Evidence, Pairs
from lfs_core.comparators.simexpert import SimExpert
from lfs_core.correspondence import likeness, together


class ActivationDecomposition(SimExpert):
    """Each pair of places' share of the similarity.

    The cosine of two averages is divided one step further than by SIMExpert. A place z of one image
    and w of the other give <K1_z, K2_w> / (h^2 w^2 |f_1| |f_2|). If the network embeds an affine
    map of the average, this is <A K1_z + b, A K2_w + b> / (h^2 w^2 |e_1| |e_2|). The sum over all w
    is SIMExpert's S_1(z), and the sum over all is the cosine. The authors' code leaves out b, and
    thus a part of the cosine; with b it is the form that their paper calls with bias.

    Places are matched by the cosine of the last maps there, so that this is also the control that
    knows nothing but feature maps. It costs no more passes than SIMExpert.

    Args:
        embedder: the network to explain.
        form: as of SIMExpert; "folded" shares out the network's cosine, "raw" that of the averages.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: as SIMExpert.
    """

    method = "activation-decomposition"
    title = "Activation decomposition"
    source = "Zhu, Yang, Chen 2021"
    matches_places = True

    def evidence(self, pairs: Pairs) -> Evidence:
        """SIMExpert's S_1 and S_2, (P,2,h,w), and what they are the sums of."""
        found = super().evidence(pairs)
        maps = pairs.maps.detach()
        given = self._at_places(maps).flatten(2, 3)  # (P,2,K,D)
        a, b = maps.flatten(3).mT.unbind(1)
        lengths = given.mean(dim=2).norm(dim=-1).prod(dim=1)[:, None, None]
        shares = together(*given.unbind(1)) / given.shape[2] ** 2
        return replace(
            found,
            matches=shares / lengths.where(lengths > 0, float("inf")),
            likeness=likeness(a, b),
            grid=(maps.shape[-2], maps.shape[-1]),
        )

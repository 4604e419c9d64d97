"""A control: the difference of the two pictures."""

from __future__ import annotations

from lfs_core.comparators.base import Comparator, Evidence, Pairs


class Difference(Comparator):
    """Where pixels differ if the pair is called dissimilar, where they agree if similar.

    It knows the decision and no more of the network. Where both pictures are aligned pixel by
    pixel, as in the patch test, nothing else is needed.
    """

    method = "difference"
    title = "Pixel difference"
    role = "control"
    source = "a control"
    signed = False

    def evidence(self, pairs: Pairs) -> Evidence:
        """|a-b|, mean over the channels, or how far it lies below its maximum: (P,2,H,W), >= 0."""
        apart = (pairs.images[:, 0] - pairs.images[:, 1]).abs().mean(dim=1)
        alike = apart.amax(dim=(1, 2), keepdim=True) - apart
        one = alike.where(pairs.is_similar[:, None, None], apart)
        return Evidence(one[:, None].expand(-1, 2, -1, -1))

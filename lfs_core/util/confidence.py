"""How sure a decision is: where its similarity lies among those of genuine and impostor pairs.

After Knoche et al. (2023), who fit a curve to the share of genuine pairs at each distance. Here the
share follows from the means and standard deviations of both kinds, taken as normal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, pstdev

from lfs_core.errors import LFSError
from lfs_core.util.distances import distance_name, distance_of

FEWEST = 30  # pairs of each kind, for a spread to be known


@dataclass(frozen=True)
class Spread:
    """How a network's similarities are spread.

    Attributes:
        genuine: mean and standard deviation for pairs that show one person or class.
        impostor: the same for pairs that show two.
        number: of pairs of each kind.
        pairs: where they come from, in words.
        distance: by which they were compared; of another one nothing follows.
    """

    genuine: tuple[float, float]
    impostor: tuple[float, float]
    number: tuple[int, int]
    pairs: str
    distance: str = "cosine"

    def __post_init__(self) -> None:
        for name in ("genuine", "impostor", "number"):  # lists, where they come from a file
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @classmethod
    def of(
        cls,
        similarities: Iterable[float],
        same: Iterable[bool],
        pairs: str,
        distance: str = "cosine",
    ) -> Spread:
        """The spread of measured pairs.

        Args:
            similarities: of P pairs.
            same: whether each shows one person or class.
            pairs: where they come from, in words.
            distance: by which they were compared.

        Raises:
            LFSError: there are fewer than `FEWEST` pairs of a kind, or they are all alike.
        """
        kinds: tuple[list[float], list[float]] = ([], [])
        for similarity, alike in zip(similarities, same, strict=True):
            kinds[0 if alike else 1].append(float(similarity))
        if min(map(len, kinds)) < FEWEST:
            raise LFSError(
                f"There are {len(kinds[0])} pairs of one and {len(kinds[1])} of two people or "
                f"classes; a confidence needs {FEWEST} of each."
            )
        genuine, impostor = ((fmean(kind), pstdev(kind)) for kind in kinds)
        if not (genuine[1] and impostor[1]):
            raise LFSError("All pairs of a kind have one similarity: no confidence follows.")
        return cls(genuine, impostor, (len(kinds[0]), len(kinds[1])), pairs, distance)

    def same(self, similarity: float) -> float:
        r"""Probability that a pair shows one person or class, if that is as likely as two.

        .. math:: \frac{1}{1 + e^{-L(s)}}, \quad L(s) = \ln N(s; m_g, d_g) - \ln N(s; m_i, d_i)

        with mean m and standard deviation d of genuine and impostor pairs. Where the deviations
        differ, L turns far out, on the far side of one kind; there it is held, since a higher
        similarity cannot speak less for a match. No probability is surer than n pairs can show,
        1 / (n + 2).
        """
        (m_g, d_g), (m_i, d_i) = self.genuine, self.impostor
        curvature = d_i**-2 - d_g**-2  # of 2 L
        if curvature:
            turn = (m_i / d_i**2 - m_g / d_g**2) / curvature
            similarity = max(similarity, turn) if curvature > 0 else min(similarity, turn)
        against = ((similarity - m_g) / d_g) ** 2 - ((similarity - m_i) / d_i) ** 2
        odds = math.log(d_i / d_g) - against / 2
        likely = 1 / (1 + math.exp(-max(min(odds, 700.0), -700.0)))
        least = 1 / (min(self.number) + 2)
        return min(max(likely, least), 1 - least)

    def confidence(self, similarity: float, is_similar: bool) -> float:
        """Probability in [0,1] that a decision is right; below 0.5 where xi_1 is ill chosen."""
        return self.same(similarity) if is_similar else 1 - self.same(similarity)


def spread_of(network: object) -> Spread | None:
    """How a network's similarities are spread, if known for the distance that it uses."""
    spread = getattr(network, "spread", None)
    if not isinstance(spread, Spread):  # a network may call something else of its own so
        return None
    return spread if spread.distance == distance_name(distance_of(network)) else None

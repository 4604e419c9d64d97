"""Explanations as ONNX graphs: what a browser computes of embeddings and of what networks add.

Each graph is traced from the class that explains in Python, so that no formula stands twice.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import onnx
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lfs_core.comparators.base import Comparator, Pairs, spread
from lfs_core.comparators.causal import ROUNDING, CausalMethod
from lfs_core.comparators.simexpert import SimExpert
from lfs_core.correspondence import probabilities
from lfs_core.decoder import Decoder
from lfs_core.mapping import difference_map
from lfs_core.relevance import for_the_decision, min_max

MAP_SIDE = 40  # px, of maps as views draw them
EMPTY = torch.empty(0)


class PairGraph(nn.Module):
    """The decision about a pair: its cosine, and how its latents differ (Eq. 3)."""

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine () in [-1,1] and d (D,) in [0,1], of embeddings h (2,D)."""
        return _cosine(h), _distance(h)


class DecodedGraph(nn.Module):
    """Algorithm 1 from the embeddings on, for the latents that are asked for.

    Args:
        decoder: D.
    """

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder
        self.reduce = _Linear(_reduced, decoder.image_size)

    def forward(self, h: Tensor, only: Tensor, p: Tensor, threshold: Tensor) -> Tensor:
        """Changes of a pixel's value (2,m,m), >= 0.

        Args:
            h: embeddings (2,D).
            only: (D,), 1 for latents that are perturbed, else 0.
            p: (), of Eq. 4.
            threshold: (), xi_1.
        """
        R = for_the_decision(_distance(h), _cosine(h) > threshold)
        return self.reduce(difference_map(self.decoder, h, h + R * only * p)).float()


class WindowGraph(nn.Module):
    """What causal maps of both images say of the decision, and which windows match.

    Args:
        explain: says what counts as evidence.
        grid: windows along each side.
        size: of the images, in pixels.
        exact: whether windows were taken away, so that what is less than rounding is nothing.
        blocks: whether each window is drawn as a block, as `Causal` does; else smoothly.
    """

    def __init__(
        self, explain: CausalMethod, grid: int, size: int, *, exact: bool, blocks: bool
    ) -> None:
        super().__init__()
        self.explain, self.grid, self.exact = explain, grid, exact
        self.draw = _Drawn(explain, (grid, grid), size, blocks)

    def forward(
        self, h: Tensor, C: Tensor, threshold: Tensor, features: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Maps, signed maps, their ranges; matches, likeness and probabilities of places (K,K).

        Args:
            h: embeddings (2,D).
            C: causal maps (2,K,D).
            threshold: (), xi_1.
            features: (2,K,c), where a head reads them.
        """
        is_similar = (_cosine(h) > threshold)[None]
        pairs = Pairs(EMPTY, h[None], EMPTY, is_similar)
        values = self.explain.of_windows(C[None], pairs)[0].unflatten(-1, (self.grid, self.grid))
        if self.exact:
            values = values.where(values.abs() > ROUNDING, 0)
        found = self.explain.matching(C[None], None if features is None else features[None])
        likeness = found["likeness"][0]
        return (
            *self.draw(values, is_similar, threshold),
            found["matches"][0],
            likeness,
            probabilities(likeness),
        )


class SharesGraph(nn.Module):
    """SIMExpert, of what each place gives to the embedding.

    Args:
        explain: the explainer.
        grid: places down and across.
        size: of the images, in pixels.
    """

    def __init__(self, explain: SimExpert, grid: tuple[int, int], size: int) -> None:
        super().__init__()
        self.explain, self.grid = _OfPlaces(explain.embedder), grid
        self.draw = _Drawn(explain, grid, size, blocks=False)

    def forward(self, h: Tensor, places: Tensor, threshold: Tensor) -> tuple[Tensor, ...]:
        """Maps, signed maps and their ranges.

        Args:
            h: embeddings (2,D).
            places: (2,P,D), what each place gives, row by row.
            threshold: (), xi_1.
        """
        is_similar = (_cosine(h) > threshold)[None]
        pairs = Pairs(EMPTY, h[None], places[None].unflatten(2, self.grid), is_similar)
        return self.draw(self.explain.evidence(pairs).values[0], is_similar, threshold)


class _OfPlaces(SimExpert):
    """SIMExpert that is given what places give, instead of the maps that it comes from."""

    def _at_places(self, maps: Tensor) -> Tensor:
        return maps.double()

    def _check_direction(self, e: Tensor, h: Tensor) -> None:
        """The network was checked when it was translated."""


class _Drawn(nn.Module):
    """Evidence of cells as maps, reduced to what views draw."""

    def __init__(self, explain: Comparator, grid: tuple[int, int], size: int, blocks: bool) -> None:
        super().__init__()
        self.explain = copy(explain)  # whose threshold is a number that is given

        def block(cells: Tensor) -> Tensor:
            return interpolate(cells[None], (size, size), mode="nearest")[0]

        def smooth(cells: Tensor) -> Tensor:
            return interpolate(cells[None], (size, size), mode="bilinear")[0]

        area = (size / grid[0]) * (size / grid[1])  # px, of a cell
        self.shown = _Linear(block if blocks else smooth, grid)
        self.spread = _Linear(
            (lambda cells: block(cells) / area) if blocks else (lambda c: spread(c, (size, size))),
            grid,
        )
        self.reduce = _Linear(_reduced, (size, size))

    def forward(self, values: Tensor, is_similar: Tensor, threshold: Tensor) -> tuple[Tensor, ...]:
        """Maps (2,m,m) in [0,1], signed maps (2,m,m), and the ends of their range (2,2)."""
        # What of the evidence supports the decision depends on a threshold that is given here.
        self.explain.similarity_threshold = threshold  # type: ignore[assignment]
        supporting = self.explain._for_the_decision(values[None], is_similar)[0]
        maps = self.shown(supporting)
        peak = maps.amax(dim=(1, 2), keepdim=True)
        signed = self.spread(values)
        ends = torch.stack([signed.amin(dim=(1, 2)), signed.amax(dim=(1, 2))], dim=1)
        return (
            self.reduce(maps / peak.where(peak > 0, 1)).float(),
            self.reduce(signed).float(),
            ends.float(),
        )


class _Linear(nn.Module):
    """A separable linear function of images (B,h,w), as one matrix for each axis."""

    down: Tensor
    across: Tensor

    def __init__(self, function: Callable[[Tensor], Tensor], size: tuple[int, int]) -> None:
        super().__init__()
        h, w = size
        # A column's image has equal rows, so that only one axis is told.
        columns = torch.eye(w, dtype=torch.float64)[:, None].expand(w, h, w)
        rows = torch.eye(h, dtype=torch.float64)[:, :, None].expand(h, h, w)
        across, down = function(columns.contiguous()), function(rows.contiguous())
        total = function(torch.ones(1, h, w, dtype=torch.float64))
        self.register_buffer("across", across[:, 0])  # (w, W)
        # Both hold the sum over the other axis; it is taken out of one.
        self.register_buffer("down", down[:, :, 0] / total[0, 0, 0])

    def forward(self, images: Tensor) -> Tensor:
        """(B,H,W), float64."""
        return self.down.T @ images.double() @ self.across


def _reduced(maps: Tensor) -> Tensor:
    side = min(MAP_SIDE, max(maps.shape[1:]))
    return interpolate(maps[None], (side, side), mode="area")[0]


def _cosine(h: Tensor) -> Tensor:
    return torch.cosine_similarity(h[0], h[1], dim=0).clamp(-1, 1)


def _distance(h: Tensor) -> Tensor:
    """Eq. 3; `normalized_distance` without its checks, which no graph can hold."""
    return min_max((h[0] - h[1]).abs(), torch.maximum(h[0].abs(), h[1].abs()))


def translated(graph: nn.Module, inputs: Mapping[str, Tensor], outputs: list[str]) -> bytes:
    """A graph as ONNX, its weights within.

    Args:
        graph: one of this module's.
        inputs: an example of each, by name.
        outputs: their names.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's own making
        program: Any = torch.onnx.export(
            graph.eval(),
            kwargs=dict(inputs),
            input_names=list(inputs),
            output_names=outputs,
            dynamo=True,
            verbose=False,
        )
    written = io.BytesIO()
    onnx.save(program.model_proto, written)
    return written.getvalue()

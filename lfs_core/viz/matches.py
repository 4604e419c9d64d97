"""Which place of one photograph matches which of the other, as views and figures show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from lfs_core.comparators import explainers_that_match
from lfs_core.correspondence import LEAST, matched, probabilities
from lfs_core.errors import LFSError
from lfs_core.evaluation.names import reader_name
from lfs_core.explanation import PairExplanation
from lfs_core.viz.figures import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, YELLOW
from lfs_core.viz.packing import data_url, text

PHOTOGRAPH = 320  # px, longest side of a photograph
QUALITY = 85  # of WebP
STEPS = 2**15 - 1  # of a matrix, from 0 to its largest value


class Line(NamedTuple):
    """How a match is drawn: no two of the ten alike, whatever the reader's colour vision.

    Attributes:
        colour: of the line and of the ground of its number.
        ink: of its number; the contrast with the colour is at least 4.5.
        dashed: of two lines of one colour, the second.
    """

    colour: str
    ink: str
    dashed: bool


_COLOURS = (ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE)
LINES = [  # of the matches that are drawn, the most confident first
    Line(colour, "white" if colour == BLUE else "black", dashed)
    for colour, dashed in [(c, False) for c in _COLOURS] + [(c, True) for c in _COLOURS[:3]]
]


def matches_of(explanation: PairExplanation) -> tuple[Tensor, Tensor, tuple[int, int]]:
    """Its matches (K,K), likeness (K,K), and the rows and columns of the K places.

    Raises:
        LFSError: its method does not tell which places match.
    """
    e = explanation
    if e.matches is None or e.likeness is None or e.grid is None:
        raise LFSError(tells_none(e.method))
    return e.matches, e.likeness, e.grid


def tells_none(method: str) -> str:
    """That a method does not tell which places match, and which methods do."""
    able = ", ".join(explainers_that_match())
    return f"{method} does not tell which place matches which. Methods that do: {able}."


CAUTION = (
    "A match says that the network makes the same of both places, by the account of the method "
    "\u201c{method}\u201d. It is no proof that both show the same thing."
)


def view_contents(
    explanation: PairExplanation, names: Sequence[str] = ("First image", "Second image")
) -> dict[str, Any]:
    """What the view of matches shows, ready for JSON; see `matches_contents`.

    Args:
        explanation: whose matches are shown.
        names: what to call the two images.
    """
    pictures = map(_picture, explanation.images)
    return {
        **matches_contents(explanation),
        "caution": CAUTION.format(method=reader_name(explanation.method)),
        "photographs": [
            {"name": name, "picture": picture}
            for name, picture in zip(names, pictures, strict=True)
        ],
    }


def _picture(image: Tensor) -> str:
    picture = to_pil_image(image)
    picture.thumbnail((PHOTOGRAPH, PHOTOGRAPH))
    return data_url(picture, "webp", QUALITY)


def matches_contents(explanation: PairExplanation) -> dict[str, Any]:
    """What the view of matches shows, ready for JSON, without the photographs.

    Raises:
        LFSError: as `matches_of`.
    """
    matches, likeness, grid = matches_of(explanation)
    found = matched(likeness)
    return {
        "grid": list(grid),
        "matches": _numbers(matches),
        "likeness": _numbers(likeness),
        "probabilities": _numbers(probabilities(likeness)),
        "matched": [[m.k, m.l, round(m.confidence, 4)] for m in found],
        "least": LEAST,
        "places": place_words(grid),
        "lines": [line._asdict() for line in LINES],
    }


def matched_parts(explanation: PairExplanation) -> Tensor | None:
    """The evidence in each image for a match with the other one, by place.

    Each place's matches with all places of the other that are above 0 are summed, and divided by
    the largest sum of its image: (2,rows,columns) in [0,1]. None for methods that do not tell.
    """
    matches, grid = explanation.matches, explanation.grid
    if matches is None or grid is None:
        return None
    speaking = matches.clamp_min(0)
    sums = torch.stack([speaking.sum(dim=1), speaking.sum(dim=0)])
    return (sums / sums.amax(dim=1, keepdim=True).clamp_min(1e-12)).unflatten(1, grid)


def _numbers(matrix: Tensor) -> dict[str, Any]:
    """A matrix as whole numbers of 16 bits, little end first, and what they are multiplied by."""
    scale = max(matrix.abs().max().item(), 1e-12) / STEPS
    steps = (matrix.double() / scale).round().numpy().astype(np.dtype("<i2"))
    return {"scale": scale, "steps": text(steps)}


def place_words(grid: tuple[int, int]) -> list[str]:
    """What each place is called: where in the image it lies, and its row and column from 1."""
    rows, columns = grid
    return [
        f"{_where(row, rows, column, columns)}, row {row + 1}, column {column + 1}"
        for row in range(rows)
        for column in range(columns)
    ]


def _where(row: int, rows: int, column: int, columns: int) -> str:
    """Which ninth of the image has the centre of a place."""
    down = ("upper", "middle", "lower")[int(3 * (row + 0.5) / rows)]
    across = ("left", "centre", "right")[int(3 * (column + 0.5) / columns)]
    return "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"


def said_of_matches(explanation: PairExplanation) -> str:
    """The most confident matches in words, one a line.

    Raises:
        LFSError: as `matches_of`.
    """
    _, likeness, grid = matches_of(explanation)
    found, places = matched(likeness), place_words(grid)
    if not found:
        return f"No place has a match with a confidence of at least {LEAST}."
    said = [
        f"{k}. {places[m.k]} \u2192 {places[m.l]}, confidence {m.confidence:.2f}"
        for k, m in enumerate(found[: len(LINES)], 1)
    ]
    return "\n".join([f"{len(found)} of {len(places)} places have a match.", *said])

"""Which place of one photograph matches which of the other, to point at."""

from __future__ import annotations

from collections.abc import Sequence

from lfs_core.explanation import PairExplanation
from lfs_core.viz.matches import view_contents
from lfs_core.viz.rendering import code, style
from lfs_core.viz.views.view import FixedView


class MatchesFigure(FixedView):
    """Two photographs with lines between places that match; point at a place to see its answer.

    As the last expression of a notebook's cell it is shown in JupyterLab. `page` and `save` give
    the same view without Python behind it.

    Args:
        explanation: of a method that tells which places match.
        names: what to call the two images.

    Raises:
        LFSError: the method does not tell which places match.
    """

    _esm = code("matches")
    _css = style("matches")
    view, title = "matches", "Which place matches which"

    def __init__(
        self,
        explanation: PairExplanation,
        names: Sequence[str] = ("First image", "Second image"),
    ) -> None:
        super().__init__(contents=view_contents(explanation, names))

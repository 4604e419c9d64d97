"""What maps are tested by, to watch: a pair in the public domain is taken apart by five of them."""

from __future__ import annotations

from lfs_core.comparators import load_explainer
from lfs_core.datasets.images import to_tensor
from lfs_core.embedders import image_sides, load_embedder
from lfs_core.evaluation.names import reader_name
from lfs_core.viz.method_pictures import NETWORK, pair
from lfs_core.viz.views.flipbook import FlipBook

# The book's own map, the paper's, a strong rival and two controls; the first three are shown.
SHOWN = ("amortised", "explainlfs", "random", "occlusion", "centre")


def first_flips() -> FlipBook:
    """The astronaut and the mirrored, darker copy, which no method knows."""
    network = load_embedder(NETWORK)
    sides = [to_tensor(image, image_sides(network)) for image in pair()]
    explained = {reader_name(name): [load_explainer(name, network)(*sides)] for name in SHOWN}
    return FlipBook(network, explained, shown=3)

"""A few photographs, a small network with three decoders, and the pair explorer of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import skimage.data
import torch
from crops import Colours
from PIL import Image

from lfs_core.datasets.images import to_tensor
from lfs_core.decoder import Decoder
from lfs_core.embedders import embed
from lfs_core.training.decoders import ConvDecoder, LinearDecoder, MLPDecoder
from lfs_core.training.moments import Moments
from lfs_core.viz.views.pair_explorer import PairExplorer

PAIRS = [(0, 1), (0, 2), (2, 3)]
METHODS = ("explainlfs", "occlusion", "centre")
NAMES = ["astronaut 1", "astronaut 2", "coffee", "cat"]


def photographs() -> list[Image.Image]:
    """Two crops of one photograph, and two others."""
    places = [("astronaut", 0), ("astronaut", 20), ("coffee", 60), ("chelsea", 40)]
    return [
        Image.fromarray(getattr(skimage.data, name)()).crop((x, x, x + 240, x + 240))
        for name, x in places
    ]


@cache
def decoders() -> dict[str, Decoder]:
    """Of `Colours`; the deep ones are not trained, which maps do not mind."""
    images = torch.stack([to_tensor(image, 32) for image in photographs()])
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(200, 3, 32, 32, generator=generator)
    images = (0.7 * images.repeat(50, 1, 1, 1) + 0.3 * noise).clamp(0, 1)
    h = embed(Colours(), images)
    small = torch.nn.functional.interpolate(images, (20, 20), mode="area")
    moments = Moments.of(h, small)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        deep = {"mlp": MLPDecoder.untrained(moments, 16), "conv": ConvDecoder.untrained(moments, 8)}
    linear = LinearDecoder.fit(h, small, ridge=1.0)
    return {"linear": linear, **{k: d.eval().requires_grad_(False) for k, d in deep.items()}}


def make_pair_explorer(**options: object) -> PairExplorer:
    """The explorer of the photographs; xi_1 is such that there are pairs of both kinds."""
    settings = {"similarity_threshold": 0.5, "map_threshold": 0.6, "names": NAMES}
    settings |= {"decoders": decoders(), "methods": METHODS}
    settings |= {"networks": [Colours()], **options}
    return PairExplorer(photographs(), **settings)


class Faces(Colours):
    """The same of faces."""

    name, framing = "faces", "face"


def two_faces() -> Image.Image:
    """The astronaut, and next to her the same photograph, smaller and mirrored."""
    astronaut = Image.fromarray(skimage.data.astronaut())
    both = Image.new("RGB", (800, 512), "grey")
    both.paste(astronaut, (0, 0))
    both.paste(astronaut.resize((280, 280)).transpose(Image.Transpose.FLIP_LEFT_RIGHT), (515, 100))
    return both


def noise(side: int = 64) -> Image.Image:
    """A photograph of nothing."""
    values = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(values)

"""Three pairs as four methods explain them, with maps that are known."""

from __future__ import annotations

import numpy as np
import skimage.data
import torch
from PIL import Image
from torch import Tensor

from lfs_core.explanation import PairExplanation

XI_1, XI_2 = 0.3, 0.6
PAIRS = (  # photographs, height and width, cosine
    (("astronaut", "astronaut"), (40, 40), 0.8),
    (("chelsea", "coffee"), (40, 40), -0.25),
    (("coffee", "coffee"), (30, 45), 0.5),
)


def crops(scenes: tuple[str, str], size: tuple[int, int]) -> Tensor:
    """(2,3,H,W) in [0,1]; the second crop is next to the first."""
    height, width = size
    images = []
    for k, scene in enumerate(scenes):
        photograph = Image.fromarray(getattr(skimage.data, scene)())
        left = 60 * k
        crop = photograph.crop((left, 0, left + 5 * width, 5 * height)).resize((width, height))
        images.append(torch.from_numpy(np.asarray(crop) / 255).permute(2, 0, 1).float())
    return torch.stack(images)


def ramps(size: tuple[int, int]) -> Tensor:
    """(2,H,W): one rises from left to right, the other from top to bottom."""
    height, width = size
    across = torch.linspace(0, 1, width).expand(height, width)
    down = torch.linspace(0, 1, height)[:, None].expand(height, width)
    return torch.stack([across, down])


def explained(
    method: str, pair: int, maps: Tensor, signed: Tensor | None = None
) -> PairExplanation:
    """One of the pairs, with maps (2,H,W)."""
    scenes, size, cosine = PAIRS[pair]
    return PairExplanation(
        method=method,
        similarity=cosine,
        is_similar=cosine > XI_1,
        images=crops(scenes, size),
        maps=maps,
        map_threshold=XI_2,
        settings={"similarity_threshold": XI_1},
        signed_maps=signed,
    )


def compare() -> dict[str, list[PairExplanation]]:
    """Ramps; signed ramps, below 0 on their first three quarters; nothing; noise."""
    generator = torch.Generator().manual_seed(0)
    found: dict[str, list[PairExplanation]] = {"ramps": [], "signed": [], "zero": [], "noise": []}
    for pair, (_, size, _) in enumerate(PAIRS):
        rising, noise = ramps(size), torch.rand(2, *size, generator=generator)
        signed = 1e-5 * (4 * rising.double() - 3)
        found["ramps"].append(explained("ramps", pair, rising))
        found["signed"].append(explained("signed", pair, (4 * rising - 3).clamp_min(0), signed))
        zero = torch.zeros(2, *size)
        found["zero"].append(explained("zero", pair, zero, zero.double()))
        found["noise"].append(explained("noise", pair, noise / noise.amax()))
    return found

"""A small gallery of crops, a small network, and an explainer whose maps are known."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from lfs_core.datasets.images import read_pair
from lfs_core.embedders import embed
from lfs_core.explainer import PairExplanation
from lfs_core.search.gallery import index_folder
from lfs_core.search.retriever import Retriever
from lfs_core.viz.views.explorer import RetrievalExplorer

SCENES = ("astronaut", "chelsea", "coffee")


class Colours(torch.nn.Module):
    """The mean colours of sixteen parts."""

    name, image_size, framing = "colours", 32, "whole"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) - 0.5


def write_crops(folder: Path, per_scene: int = 8, width: int = 180, height: int = 150) -> None:
    """Overlapping crops of three photographs, and one photograph that no other shares a class."""
    import skimage.data

    for scene in SCENES:
        image = Image.fromarray(getattr(skimage.data, scene)())
        (folder / scene).mkdir(parents=True, exist_ok=True)
        for k in range(per_scene):
            left, top = 3 * k, 4 * k
            crop = image.crop((left, top, left + width, top + height))
            crop.save(folder / scene / f"{k:02}.png")
    Image.fromarray(skimage.data.rocket()).crop((0, 0, width, height)).save(folder / "lone.png")


def explain(image_a: Image.Image, image_b: Image.Image) -> PairExplanation:
    """Maps that rise from left to right, and from top to bottom; xi_1 is 0.5, xi_2 is 0.5."""
    network = Colours()
    images = read_pair(image_a, image_b, getattr(network, "image_size", None))
    similarity = torch.cosine_similarity(*embed(network, images), dim=0).item()
    ramp = torch.linspace(0, 1, 32).expand(32, 32)
    return PairExplanation(
        method="ramps",
        similarity=similarity,
        is_similar=similarity > 0.5,
        images=images,
        maps=torch.stack([ramp, ramp.T]),
        map_threshold=0.5,
        settings={"similarity_threshold": 0.5},
    )


def make_explorer(folder: Path, **options: int) -> RetrievalExplorer:
    """The explorer of the crops in a folder."""
    network = Colours()
    retriever = Retriever(index_folder(folder, network, progress=False), network)
    return RetrievalExplorer(retriever, explain, **options)

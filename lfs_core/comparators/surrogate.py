"""What methods share that fit a linear model to the similarity under hidden superpixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from captum import attr
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs, SimilarityTo
from lfs_core.comparators.fills import FILL_WORDS, Fill, check_fill, plain
from lfs_core.comparators.masking import differing
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words
from lfs_core.util.extras import needs
from lfs_core.util.windows import tiles

BATCH = 64  # images of the network at a time


class Surrogate(Comparator):
    """Hides random sets of superpixels; the weights of a linear model of the cosine are evidence.

    Each sample keeps some superpixels of an image and hides the others. A linear model is fitted
    from what is kept to the cosine of the sample with the whole other image. captum draws, weighs
    and fits. The draws are the same for every image. One forward pass for each sample and image.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        masks: samples, 2 or more. Fewer than superpixels do not determine the weights.
        grid: superpixels along each side of the image, 2 or more.
        fill: what hides a superpixel: "mean", the image's own mean colour; "grey", 0.5; or "black".
        seed: of the samples, 0 or more.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range, or scikit-learn, which fits, is not installed.
    """

    words: ClassVar[Words] = {
        "masks": "{} masks",
        "grid": "{0} by {0} superpixels",
        "fill": FILL_WORDS,
    }

    def __init__(
        self,
        embedder: Embedder,
        masks: int = 512,
        grid: int = 8,
        fill: Fill = "mean",
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        with needs("evaluate", self.title):
            import sklearn  # noqa: F401  (captum's models are its)
        super().__init__(embedder, similarity_threshold, map_threshold)
        for name, value, least in (("masks", masks, 2), ("grid", grid, 2), ("seed", seed, 0)):
            if value < least:
                raise LFSError(f"{name} is {value}; it must be at least {least}.")
        check_fill("fill", fill)
        self.masks, self.grid, self.fill, self.seed = masks, grid, fill, seed

    def fitting(self, similarity: Callable[..., Tensor]) -> attr.Lime:
        """The captum method that draws samples of a function of images and fits to it."""
        raise NotImplementedError

    def evidence(self, pairs: Pairs) -> Evidence:
        """The weight of each superpixel, (P,2,grid,grid), in units of cosine.

        It is 0 where the cosine is the same in every sample.

        Raises:
            LFSError: there are more superpixels along a side than pixels.
        """
        images, partners = pairs.images.flatten(0, 1), pairs.partners.flatten(0, 1)
        superpixels = tiles(images.shape[-2:], [self.grid]).int().argmax(dim=0)[None, None]
        cosine, seen = SimilarityTo(self.embedder), list[Tensor]()

        def similarity(images: Tensor, partners: Tensor) -> Tensor:
            seen.append(cosine(images, partners))
            return seen[-1]

        found = []
        each = (x.split(1) for x in (images, plain(images, self.fill), partners))
        for image, without, partner in zip(*each, strict=True):
            seen.clear()
            with torch.no_grad(), torch.random.fork_rng():  # captum draws from the global state
                torch.manual_seed(self.seed)
                weights = self.fitting(similarity).attribute(
                    image,
                    baselines=without,
                    additional_forward_args=(partner,),
                    feature_mask=superpixels,
                    n_samples=self.masks,
                    perturbations_per_eval=BATCH,
                    return_input_shape=False,
                )
            found.append((weights * differing(torch.cat(seen))).reshape(self.grid, self.grid))
        return Evidence(torch.stack(found).unflatten(0, (-1, 2)), self.promised(pairs))

    def promised(self, pairs: Pairs) -> Tensor | None:
        """What each image's weights sum to, (P,2), if the method says so."""
        return None

    def settings(self) -> dict[str, Any]:
        """Everything needed to make this explainer again."""
        own = ("masks", "grid", "fill", "seed")
        return super().settings() | {name: getattr(self, name) for name in own}

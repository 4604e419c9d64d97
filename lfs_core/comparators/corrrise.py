"""CorrRISE: which pixels' presence goes along with the similarity."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.masking import differing, masked_similarity, weighted_masks
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words

SHARE = 30 / 112  # of a face's side, that a patch of the authors covers


class CorrRISE(Comparator):
    """CorrRISE: correlations of what random masks keep with the similarity that is left.

    Each mask turns a few square patches of an image black. The evidence of a pixel is the Pearson
    correlation, over all masks, of its being kept with the cosine of the masked image and the
    whole other image. The authors show its positive part as similarity map and its negative part
    as dissimilarity map. One forward pass for each mask and image.

    Args:
        embedder: the network to explain; an `nn.Module` is switched to evaluation mode.
        masks: how many, 2 or more; the same for every image.
        patches: that each mask hides, 1 or more; they may overlap.
        patch: side of a patch, in pixels, 1 or more; left out, 30/112 of the image's shorter side,
            as the authors' patches of 30 pixels in faces of 112.
        seed: of the places of the patches, 0 or more.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range.
    """

    method = "corrrise"
    title = "CorrRISE"
    words: ClassVar[Words] = {
        "masks": "{} masks",
        "patches": "{} patches",
        "patch": "{} px a patch",
    }
    source = "Lu, Xu, Ebrahimi 2024"

    def __init__(
        self,
        embedder: Embedder,
        masks: int = 500,
        patches: int = 3,
        patch: int | None = None,
        seed: int = 0,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        for name, value, least in (
            ("masks", masks, 2),
            ("patches", patches, 1),
            ("patch", patch, 1),
            ("seed", seed, 0),
        ):
            if value is not None and value < least:
                raise LFSError(f"{name} is {value}; it must be at least {least}.")
        self.masks, self.patches, self.patch, self.seed = masks, patches, patch, seed

    def evidence(self, pairs: Pairs) -> Evidence:
        """Correlations (P,2,H,W), in [-1,1]; 0 where a pixel is never hidden or nothing changes.

        Raises:
            LFSError: the patches are larger than the images.
        """
        height, width = pairs.images.shape[-2:]
        side = min(height, width)
        patch = max(1, round(SHARE * side)) if self.patch is None else self.patch
        if patch > side:
            raise LFSError(
                f"patch is {patch}, but the images have {width}x{height} pixels; "
                "give a smaller one."
            )
        masks = patch_masks(self.masks, self.patches, patch, self.seed, height, width)
        similarity = masked_similarity(self.embedder, pairs, masks).double()
        score = (similarity - similarity.mean(-1, keepdim=True)) * differing(similarity)
        kept = masks.float().mean(0)
        covariance = weighted_masks(score / self.masks, masks)
        variances = score.square().mean(-1)[..., None, None] * (kept * (1 - kept))
        return Evidence(covariance / variances.where(variances > 0, 1).sqrt())

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {
            "masks": self.masks,
            "patches": self.patches,
            "patch": self.patch,
            "seed": self.seed,
        }


@lru_cache(maxsize=1)
def patch_masks(masks: int, patches: int, patch: int, seed: int, height: int, width: int) -> Tensor:
    """Masks (M,H,W) bool, False in squares that lie anywhere within the image."""
    generator = torch.Generator().manual_seed(seed)

    def covered(side: int) -> Tensor:
        """(M,patches,side): the pixels of one axis that each patch covers, as 1 and 0."""
        start = torch.randint(side - patch + 1, (masks, patches, 1), generator=generator)
        place = torch.arange(side) - start
        return ((place >= 0) & (place < patch)).float()

    return covered(height).mT @ covered(width) == 0

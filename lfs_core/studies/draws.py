"""The paper's own pixel flipping, again and again: how much depends on the draw of the controls?

The test is the paper's, and so are p and the kind of latents; decoders are those that ship. Each
of the tests has its own noise, random relevance and random order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from lfs_core.embedders import embed_all, load_embedder
from lfs_core.evaluation.flip_tests import SHARES, FlipTest
from lfs_core.evaluation.pair_set import load_pairs
from lfs_core.evaluation.spec import make_explainer
from lfs_core.studies.multiverse import METHOD_CHOICES, Kept, controlled, method
from lfs_core.studies.workshop import KINDS, THRESHOLD
from lfs_core.util.distances import cosines
from lfs_core.util.rounding import rounded

PAPER = {
    "superpixels": "8x8",
    "fill": "noise",
    "changed": "first",
    "p": "0.3",
    "size": "full",
}
DRAW = "draw of the controls"


@dataclass(frozen=True)
class Draws:
    """What `lfs study draws` runs.

    Attributes:
        network: which is explained.
        folder: from which pairs are drawn, in the local tier.
        draws: how many tests.
        pairs: how many.
        hold_out: share of the people from whom pairs are drawn, the last by name.
    """

    network: str = "facenet-casia"
    folder: str = "lfw"
    draws: int = 20
    pairs: int = 60
    hold_out: float = 0.25

    def __call__(self, data: Path) -> dict[str, object]:
        """Curves in every test, laid out as the multiverse's."""
        network = load_embedder(self.network)
        pairs = load_pairs(data / self.folder, network, self.pairs, hold_out=self.hold_out)
        images = pairs.images.float() / 255
        h = embed_all(network, pairs.images.flatten(0, 1)).unflatten(0, (-1, 2))
        kept = Kept(network, images, h, {})
        tests = []
        for draw in tqdm(range(self.draws), "Draws"):
            own = [method({"decoder": kind, "latents": "raw"}, PAPER["p"]) for kind in KINDS]
            random = [controlled(spec, draw) for spec in own]
            explainers = {
                spec: make_explainer(spec, network, THRESHOLD)
                for spec in (*own, *random, f"random,seed={draw}")
            }
            options = {choice: PAPER[choice] for choice in ("superpixels", "fill", "changed")}
            test = FlipTest(**options, seed=draw, threshold=THRESHOLD)
            curves = kept.curves(test, explainers)
            tests.append({**PAPER, DRAW: str(draw + 1), "draw": draw, "curves": curves})
        return {
            "manifest": {
                "pairs": pairs.description,
                "number": len(pairs),
                "digest": pairs.digest,
                "embedder": self.network,
                "threshold": THRESHOLD,
                "draws": 1,
                "shares": list(SHARES),
                "choices": {choice: [of] for choice, of in PAPER.items()}
                | {"decoder": METHOD_CHOICES["decoder"], "latents": ("raw",)}
                | {DRAW: [str(draw + 1) for draw in range(self.draws)]},
                "refused": {},
            },
            "similarity": rounded(cosines(h)),
            "tests": tests,
        }


FACES = Draws()

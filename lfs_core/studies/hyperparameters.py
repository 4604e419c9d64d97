"""Do p, xi_1 and xi_2 matter (Sec. 4.1)? ExplainLFS under many values, on the same pairs."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lfs_core.decoder import Decoder, load_decoder
from lfs_core.embedders import embed_all, load_embedder
from lfs_core.evaluation.metrics.agreement import rank_correlation, strongest_overlap
from lfs_core.mapping import difference_map, display_map, perturb
from lfs_core.relevance import relevance
from lfs_core.studies.comparisons import FACES
from lfs_core.studies.workshop import THRESHOLD, P
from lfs_core.util.distances import cosines
from lfs_core.util.rounding import rounded

DECODERS = {"linear": "", "mlp": "-mlp", "conv": "-conv"}
PS = (0.01, 0.03, 0.1, 0.3, 0.6, 1.0)
SIMILARITY_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)  # xi_1
MAP_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)  # xi_2


def hyperparameter_study(data: Path) -> dict[str, object]:
    """Maps for other p and xi_1 compared with those for the paper's values, and what xi_2 leaves.

    For each pair, as the mean over its two images: the rank correlation and the overlap of the
    strongest tenth of the map with that of p = 0.3. Also the share of the pixels above each xi_2.
    Also the rank correlation of the map for the decision taken with the map for the other decision,
    which a pair gets once xi_1 is on its other side.
    """
    pairs = FACES.pairs(data)
    network = load_embedder(FACES.network)
    h = embed_all(network, pairs.images.flatten(0, 1)).unflatten(0, (-1, 2))
    similarity = cosines(h)
    found = {}
    for name, suffix in DECODERS.items():
        decoder = load_decoder(FACES.network + suffix)
        is_similar = similarity > THRESHOLD
        usual = _maps(decoder, h, is_similar, P)
        other = _maps(decoder, h, ~is_similar, P)
        found[name] = {
            "p": {str(p): _compared(_maps(decoder, h, is_similar, p), usual) for p in PS},
            "other_decision": rounded(rank_correlation(usual, other).mean(dim=1)),
            "shown": {
                str(threshold): rounded((usual > threshold).float().mean(dim=(1, 2, 3)))
                for threshold in MAP_THRESHOLDS
            },
        }
    return {
        "manifest": {
            "pairs": pairs.description,
            "number": len(pairs),
            "digest": pairs.digest,
            "embedder": FACES.network,
        },
        "similarity": rounded(similarity),
        "decoders": found,
        "decided_otherwise": {
            str(threshold): int(((similarity > threshold) != (similarity > THRESHOLD)).sum())
            for threshold in SIMILARITY_THRESHOLDS
        },
    }


@torch.no_grad()
def _maps(decoder: Decoder, h: Tensor, is_similar: Tensor, p: float) -> Tensor:
    """(P,2,h,w) in [0,1] for embeddings (P,2,D) and decisions (P,)."""
    R = relevance(h[:, 0], h[:, 1], is_similar)
    difference = difference_map(decoder, h, perturb(h, R[:, None], p))
    return display_map(difference, difference.shape[-2:])


def _compared(maps: Tensor, usual: Tensor) -> dict[str, list[float]]:
    return {
        "rank correlation": rounded(rank_correlation(maps, usual).mean(dim=1)),
        "overlap": rounded(strongest_overlap(maps, usual).float().mean(dim=1)),
    }

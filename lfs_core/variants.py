"""Replacements for Eq. 2 and Eq. 4: other readings, and controls that ignore the pair."""

from __future__ import annotations

import torch
from torch import Tensor

from lfs_core.mapping import perturb
from lfs_core.relevance import Decisions, Vectors, checked, for_the_decision, min_max, relevance


def contribution(h1: Vectors, h2: Vectors, similar: Decisions = True) -> Tensor:
    """In place of Eq. 2: c_j = h1_j h2_j, the terms whose sum is the similarity.

    It is min-max scaled over the latents of each pair; R is 1 where c is largest for similar pairs,
    and where it is smallest for the others. Args, shape and errors as `relevance`.
    """
    h1, h2 = checked(h1, h2)
    return for_the_decision(1 - min_max(h1 * h2, (h1 * h2).abs()), similar)


def arguing(h1: Vectors, h2: Vectors, similar: Decisions = True, threshold: float = 0.3) -> Tensor:
    """In place of Eq. 2: which latents argue for the decision, their share of the cosine compared.

    After Huber et al. (2024): with c_j = h1_j h2_j of embeddings of length one, latent j argues
    for a match if c_j >= xi_1 / D, its even share of the threshold xi_1; else against it.
    R is 1 for latents that argue for the decision taken, else 0. Args and errors as `relevance`.
    """
    h1, h2 = checked(h1, h2)
    c = h1 * h2 / (h1.norm(dim=-1) * h2.norm(dim=-1))[..., None]
    return for_the_decision((c < threshold / h1.shape[-1]).to(c), similar)


def _drawn(h1: Tensor, h2: Tensor, similar: bool | Tensor, seed: int, *_: float) -> Tensor:
    """Random numbers in [0,1], the same for every pair."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(h1.shape[-1], generator=generator).to(h1).expand_as(h1)


def _shuffled(h1: Tensor, h2: Tensor, similar: bool | Tensor, seed: int, *_: float) -> Tensor:
    """Eq. 2, each value given to another latent, in one order for every pair."""
    order = torch.randperm(h1.shape[-1], generator=torch.Generator().manual_seed(seed))
    return relevance(h1, h2, similar)[..., order.to(h1.device)]


def multiply(h: Tensor, relevance: Tensor, p: float) -> Tensor:
    """In place of Eq. 4: h(p) = h * (1 + R * p), which keeps the sign of every latent.

    Args, result and errors as `perturb`.
    """
    return h * (1 + perturb(torch.zeros_like(h), relevance, p))


def perturb_on_sphere(h: Tensor, relevance: Tensor, p: float) -> Tensor:
    """Eq. 4, then scaled back to the length of h: networks give embeddings of one length.

    Args, result and errors as `perturb`.
    """
    length = h.norm(dim=-1, keepdim=True)
    return torch.nn.functional.normalize(perturb(h, relevance, p), dim=-1) * length


RELEVANCES = {
    "paper": lambda h1, h2, similar, *_: relevance(h1, h2, similar),
    "contribution": lambda h1, h2, similar, *_: contribution(h1, h2, similar),
    "arguing": lambda h1, h2, similar, seed, *xi_1: arguing(h1, h2, similar, *xi_1),
    "constant": lambda h1, h2, similar, *_: 1 + 0 * relevance(h1, h2, similar),
    "random": _drawn,
    "shuffled": _shuffled,
    "inverted": lambda h1, h2, similar, *_: 1 - relevance(h1, h2, similar),
}
"""Eq. 2 and what is put in its place, by name: (h1, h2, similar, seed, xi_1) -> R in [0,1].

"constant" is 1 throughout; "random" and "shuffled" ignore the pair or the latents;
"inverted" is what the other decision would give.
"""
OF_THE_COSINE = frozenset({"contribution", "arguing"})
"""Those that read the terms h1_j h2_j of the cosine, and so need the latents as they are."""

KNOWING_NOTHING = frozenset({"constant", "random", "shuffled", "inverted"})
"""Those with which a method is its own control."""

RELEVANCE_WORDS = {
    "paper": "the paper's relevance",
    "contribution": "relevance by contribution",
    "arguing": "relevance by argument",
    **{name: f"{name} relevance" for name in ("constant", "random", "shuffled", "inverted")},
}
"""What they are called in the names of methods for readers."""

PERTURBATIONS = {"add": perturb, "multiply": multiply, "sphere": perturb_on_sphere}
"""Eq. 4 and what is put in its place, by name."""

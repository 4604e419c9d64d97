"""LRP: the similarity handed back layer by layer, each sum to what it is the sum of."""

from __future__ import annotations

from typing import ClassVar, get_args

import torch
from torch import Tensor

from lfs_core.comparators.base import Comparator, Evidence, Pairs
from lfs_core.comparators.layer_rules import LayerRules, Rule
from lfs_core.embedders import Embedder
from lfs_core.errors import LFSError
from lfs_core.explanation import Words


class LRP(Comparator):
    """Layer-wise relevance propagation of the cosine to the pixels.

    Latent j starts with e1_j e2_j, of embeddings of length one, so that an image starts with the
    cosine. Each layer hands the relevance of its outputs to its inputs. By "epsilon-plus", which
    zennit has under this name, convolutions follow the rule z+ and all other sums epsilon; by
    "epsilon" all follow that. Activations and maxima hand on all they have, and gates, norms and
    divisors get nothing. Nothing is lost but what the constants of a network take, and epsilon.

    The weights of an attention are gates, too (Ali et al. 2022): values take all its relevance. So
    vision transformers can be explained. For texts, `lfs_core.things.attention_lrp` hands relevance
    on to the weights as well (Achtibat et al. 2024).

    Relevance is that of what the first layer reads, after the network's own scaling of colours. A
    colour that is 0 there gets none.

    In a network of rectifiers without constants, "epsilon" with a small epsilon is gradient times
    input of the cosine with both lengths held constant. Were they not, the two would cancel.

    Args:
        embedder: the network to explain.
        rule: "epsilon-plus" or "epsilon".
        epsilon: times the root mean square of a layer's output, > 0.
        similarity_threshold: xi_1, in [-1,1]; a pair above it is "similar".
        map_threshold: xi_2, in [0,1]; pixels above it are shown.

    Raises:
        LFSError: a parameter is out of range; when it explains, if a step of the network has no
            rule here, as the product of two maps.
    """

    method = "lrp"
    title = "LRP"
    words: ClassVar[Words] = {
        "rule": {"epsilon-plus": "epsilon and plus", "epsilon": "epsilon only"},
        "epsilon": "epsilon {}",
    }
    source = "Bach et al. 2015"
    needs = frozenset({"gradients"})
    cosine_only = True

    def __init__(
        self,
        embedder: Embedder,
        rule: Rule = "epsilon-plus",
        epsilon: float = 1e-6,
        similarity_threshold: float = 0.3,
        map_threshold: float = 0.7,
    ) -> None:
        super().__init__(embedder, similarity_threshold, map_threshold)
        if rule not in get_args(Rule):
            raise LFSError(
                f"rule is {rule!r}; it must be {' or '.join(map(repr, get_args(Rule)))}."
            )
        if not epsilon > 0:
            raise LFSError(f"epsilon is {epsilon}; it must be above 0.")
        self.rule, self.epsilon = rule, epsilon
        self._read: list[Tensor] = []

    def see(self, images: Tensor) -> Pairs:
        """As of every method, with the rules of LRP in place of gradients.

        Raises:
            LFSError: the network does not give gradients, or a step of it has no rule.
        """
        rules = LayerRules(self.embedder_name, self.rule, self.epsilon)
        with rules:
            pairs = super().see(images)
        rules.check(pairs.h)
        fits = all(of.shape[-2] <= images.shape[-2] for of in rules.read)
        fits &= all(of.shape[-1] <= images.shape[-1] for of in rules.read)
        fits &= len({of.shape[1:] for of in rules.read}) == 1
        fits &= sum(map(len, rules.read)) == images.shape[:2].numel()
        self._read = rules.read if fits else [pairs.images]
        return pairs

    def evidence(self, pairs: Pairs) -> Evidence:
        """Relevance of each place of the image that the first layer reads, (P,2,h,w)."""
        h = pairs.h.detach()
        towards = pairs.partners.detach() / h.norm(dim=-1).prod(dim=1)[:, None, None]
        shares = (pairs.h * towards).sum()
        gradients = torch.autograd.grad(shares, self._read)
        found = [
            (of.detach() * by).sum(dim=-3) for of, by in zip(self._read, gradients, strict=True)
        ]
        relevance = torch.cat([of.flatten(0, -3) for of in found]).cpu()
        return Evidence(relevance.unflatten(0, pairs.h.shape[:2]))

    def settings(self) -> dict[str, object]:
        """Everything needed to make this explainer again."""
        return super().settings() | {"rule": self.rule, "epsilon": self.epsilon}

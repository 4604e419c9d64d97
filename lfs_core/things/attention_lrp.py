"""LRP through attention: the similarity of two texts, handed back to their words.

After Achtibat et al. (2024). A network of texts runs as ever, and its gradients are replaced so
that input times gradient is the input's relevance.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from lfs_core.comparators.layer_attention import divided
from lfs_core.comparators.layer_attention import halved as half
from lfs_core.comparators.layer_steps import in_place_of
from lfs_core.things.minilm import READ, MiniLM, TextNetwork
from lfs_core.things.sentences import WORD

Weigh = Callable[[Tensor], Tensor]


def word_relevance(embed: TextNetwork, a: str, b: str) -> tuple[Tensor, Tensor]:
    """The share of each word of two texts in their cosine, by AttnLRP.

    Latent j starts with e1_j e2_j, of embeddings of length one, so that a text starts with the
    cosine. A word has the sum of its tokens. Much of the relevance is lost to constants, to the
    softmax, and to tokens that are no words, so that shares do not add up to the cosine.

    Args:
        embed: the network.
        a: a text of no more tokens than the network reads.
        b: another one.

    Returns:
        (K,) and (L,), one for each word of `lfs_core.things.sentences.words`.
    """
    texts = (a, b)
    read = [embed.tokenizer.encode(text) for text in texts]
    runs = [traced(embed.network, torch.tensor(of.ids[:READ])) for of in read]
    found = []
    for side, (x, h) in enumerate(runs):
        (gradient,) = torch.autograd.grad(h @ runs[1 - side][1].detach(), x)
        relevance = (x.detach() * gradient).sum(dim=-1).tolist()
        spans = [match.span() for match in WORD.finditer(texts[side])]
        of_words = torch.zeros(len(spans))
        for (start, end), of in zip(read[side].offsets, relevance, strict=False):
            for k, (first, last) in enumerate(spans):
                if first <= start < end <= last:
                    of_words[k] += of
        found.append(of_words)
    return found[0], found[1]


def traced(network: MiniLM, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """What a network reads of tokens (T,), a leaf (T,W); and the unit embedding (W,) made of it."""
    places = network.places(torch.arange(len(tokens)))
    x = (network.words(tokens) + places + network.kinds.weight[0]).detach().requires_grad_()
    h = normed(x, network.norm)
    for layer in network.layers:
        assert isinstance(layer, nn.TransformerEncoderLayer)
        h = encoded(h, layer)
    mean = h.mean(dim=0)
    return x, mean / mean.detach().norm()


def encoded(x: Tensor, layer: nn.TransformerEncoderLayer, weigh: Weigh | None = None) -> Tensor:
    """A layer of a transformer that norms last, with the gradients of the rules.

    Args:
        x: (T,W), one text.
        layer: its weights.
        weigh: what makes weights (H,T,T) of how well tokens fit; the softmax if None.
    """
    x = normed(x + attended(x, layer.self_attn, weigh), layer.norm1)
    inner = layer.linear1(x)
    active = in_place_of(layer.activation(inner), inner)
    return normed(x + layer.linear2(active), layer.norm2)


def attended(x: Tensor, attention: nn.MultiheadAttention, weigh: Weigh | None = None) -> Tensor:
    """Self-attention (T,W) in which each product hands half its relevance to either factor.

    The softmax keeps its gradient: input times gradient is its first Taylor term.
    """
    every = linear(x, attention.in_proj_weight, attention.in_proj_bias)
    heads = every.unflatten(-1, (3, attention.num_heads, -1)).movedim(0, 2)
    q, k, v = heads
    fits = halved(q, k.mT) / q.shape[-1] ** 0.5
    weights = fits.softmax(dim=-1) if weigh is None else weigh(fits)
    return attention.out_proj(halved(weights, v).transpose(0, 1).flatten(1))


def halved(a: Tensor, b: Tensor) -> Tensor:
    """The product of matrices, with half its gradient."""
    return half(a @ b)


def normed(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """A layer norm that divides by a constant."""
    return divided(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)

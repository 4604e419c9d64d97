"""AttnLRP: the network stays the same, relevance is kept, and where it is gradient times input."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lfs_core.things.attention_lrp import (
    attended,
    encoded,
    halved,
    normed,
    traced,
    word_relevance,
)
from lfs_core.things.judged import auroc
from lfs_core.things.minilm import MiniLM, all_minilm
from lfs_core.things.sentence_pairs import EXCHANGED, exchanged

T, WIDTH, HEADS = 5, 8, 2


def layer(constants: bool, activation: str = "relu") -> nn.TransformerEncoderLayer:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        made = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 12, 0.0, activation, layer_norm_eps=1e-12, batch_first=True
        )
        for name, weight in made.named_parameters():
            if "bias" in name:
                nn.init.normal_(weight) if constants else nn.init.zeros_(weight)
            elif "norm" in name:
                nn.init.uniform_(weight, 0.5, 2)
    return made.double().requires_grad_(False)


def drawn() -> Tensor:
    return torch.randn(T, WIDTH, generator=torch.Generator().manual_seed(5)).double()


def relevance(h: Tensor, x: Tensor, starts: Tensor) -> Tensor:
    """Of x (T,W), if output h starts with h times `starts`."""
    return x.detach() * torch.autograd.grad((h * starts).sum(), x)[0]


def test_the_layer_computes_what_pytorchs_does() -> None:
    for activation in ("relu", "gelu"):
        of = layer(constants=True, activation=activation)
        torch.testing.assert_close(encoded(drawn(), of), of(drawn()[None])[0])


def test_the_network_of_sentences_embeds_as_ever() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network, tokens = MiniLM(), torch.tensor([101, 7, 8, 9, 102])
        expected = network(tokens[None], torch.ones(1, 5, dtype=torch.bool))[0]
    torch.testing.assert_close(traced(network, tokens)[1].detach(), expected, atol=1e-5, rtol=0)


def test_relevance_is_kept_where_there_are_no_constants_and_no_softmax() -> None:
    """Products, norms, sums and rectifiers hand on all they have."""
    x, of = drawn().requires_grad_(), layer(constants=False)
    h = encoded(x, of, weigh=lambda fits: fits)
    starts = torch.randn(T, WIDTH, generator=torch.Generator().manual_seed(6)).double()
    found = relevance(h, x, starts)
    torch.testing.assert_close(found.sum(), (h * starts).sum().detach())
    twice = torch.autograd.grad((of(x[None])[0] * starts).sum(), x)[0] * x.detach()
    assert not torch.allclose(twice.sum(), found.sum(), rtol=0.05)


def test_the_softmax_loses_what_its_first_taylor_term_leaves_out() -> None:
    """With all fits equal, weights have no relevance to hand on: half is lost, no more."""
    x, of = drawn().requires_grad_(), layer(constants=False).self_attn
    with torch.no_grad():
        of.in_proj_weight[: 2 * WIDTH] = 0  # of queries and keys
    h = attended(x, of)
    found = relevance(h, x, torch.ones(T, WIDTH).double())
    torch.testing.assert_close(found.sum(), h.sum().detach() / 2)


def test_without_attention_it_is_gradient_times_input_with_norms_held_constant() -> None:
    x, of = drawn().requires_grad_(), layer(constants=True)
    with torch.no_grad():
        of.self_attn.out_proj.weight.zero_()
    starts = torch.arange(T * WIDTH).view(T, WIDTH).double()
    found = relevance(encoded(x, of), x, starts)

    y = x + of.self_attn.out_proj.bias
    y = of.norm1.weight * (y - y.mean(1, True)) / y.detach().std(1, unbiased=False, keepdim=True)
    y = y + of.norm1.bias
    inner = y @ of.linear1.weight.T + of.linear1.bias
    z = y + inner.relu() @ of.linear2.weight.T + of.linear2.bias
    z = of.norm2.weight * (z - z.mean(1, True)) / z.detach().std(1, unbiased=False, keepdim=True)
    torch.testing.assert_close(found, relevance(z, x, starts))


def test_halves_and_norms() -> None:
    a, b = (torch.rand(2, 3).requires_grad_() for _ in range(2))
    halved(a, b.T).sum().backward()
    torch.testing.assert_close(a.grad, b.sum(dim=0).expand(2, 3) / 2)
    torch.testing.assert_close(b.grad, a.sum(dim=0).expand(2, 3) / 2)
    norm = nn.LayerNorm(3)
    torch.testing.assert_close(normed(a, norm), norm(a))


@pytest.mark.slow
def test_exchanged_words_get_less_than_words_that_both_sentences_have() -> None:
    """In most pairs; the causal map finds more of them."""
    embed, found = all_minilm(), []
    for line in EXCHANGED:
        pair = exchanged(line)
        for of, truth in zip(word_relevance(embed, *pair.texts), pair.truth, strict=True):
            assert of.shape == truth.shape
            found.append(float(auroc(-of, truth)))
    assert sum(found) / len(found) > 0.72

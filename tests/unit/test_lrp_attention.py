"""LRP through attention: torch's, that of its parts, and the same by hand."""

from __future__ import annotations

import pytest
import torch
from test_lrp import SIDE, A, B, Small
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear, scaled_dot_product_attention

import lfs_core as lfs
from lfs_core.comparators.lrp import LRP

WIDTH, HEADS = 8, 2


class Attention(nn.Module):
    """Self-attention of (B,T,W) in one of four ways, of the same weights."""

    def __init__(self, way: str, constants: bool = False, **options: bool) -> None:
        super().__init__()
        self.way = way
        self.own = nn.MultiheadAttention(WIDTH, HEADS, constants, batch_first=True, **options)
        if constants:
            nn.init.normal_(self.own.in_proj_bias)
            nn.init.normal_(self.own.out_proj.bias)

    def forward(self, x: Tensor) -> Tensor:
        own = self.own
        if self.way == "torch":
            return own(x, x, x, need_weights=False)[0]
        if self.way == "torch, weights":
            return own(x, x, x)[0]
        biases = [None] * 3 if own.in_proj_bias is None else own.in_proj_bias.chunk(3)
        q, k, v = (
            linear(x, weight, bias).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for weight, bias in zip(own.in_proj_weight.chunk(3), biases, strict=True)
        )
        if self.way == "fused":
            found = scaled_dot_product_attention(q, k, value=v)
        elif self.way == "steps":
            fits = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)
            found = fits.softmax(dim=-1) @ v
        else:  # by hand: the gradient of a network whose weights are constant
            fits = (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).detach()
            found = fits.softmax(dim=-1) @ v
        return own.out_proj(found.transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """Patches, a layer norm, attention and a residual; in float64, without constants."""

    name, image_size = "transformer", SIDE

    def __init__(self, way: str, constants: bool = False) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(7)
            self.patches = nn.Conv2d(3, WIDTH, 3, stride=3, bias=False)
            self.attention = Attention(way, constants)
            self.last = nn.Linear(WIDTH, 5, bias=False)
            self.gains = 1 + torch.rand(WIDTH, dtype=torch.float64)
        self.double()

    def norm(self, x: Tensor) -> Tensor:
        if self.attention.way != "by hand":
            return layer_norm(x, (WIDTH,), self.gains)
        centred = x - x.mean(dim=-1, keepdim=True)
        divisor = (x.detach().var(dim=-1, keepdim=True, unbiased=False) + 1e-5).sqrt()
        return centred / divisor * self.gains

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images.double()).flatten(2).mT
        x = x + self.attention(self.norm(x))
        return self.last(self.norm(x)).mean(dim=1)


@pytest.mark.parametrize("way", ["torch", "torch, weights", "fused", "steps"])
def test_attention_is_gradient_times_input_with_its_weights_held_constant(way: str) -> None:
    e = LRP(Transformer(way), rule="epsilon", epsilon=1e-12)(A, B)
    x = torch.stack([A, B]).requires_grad_()
    h = Transformer("by hand")(x)
    dot = (h * h.detach().flip(0)).sum() / h.detach().norm(dim=1).prod()
    (gradient,) = torch.autograd.grad(dot, x)
    torch.testing.assert_close(
        e.signed_maps, (gradient * x.detach()).sum(dim=1), atol=1e-7, rtol=1e-6
    )
    assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([e.similarity] * 2, abs=1e-6)
    assert e.similarity == pytest.approx(torch.cosine_similarity(*h, dim=0).item())


@pytest.mark.parametrize("way", ["torch", "torch, weights", "fused"])
def test_epsilon_counts_within_torchs_attention_too(way: str) -> None:
    """With constants, and an epsilon that matters: as of the same attention in single steps."""
    found, expected = (
        LRP(Transformer(of, constants=True), rule="epsilon", epsilon=0.3)(A, B).signed_maps
        for of in (way, "steps")
    )
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-7)
    small = LRP(Transformer(way, constants=True), rule="epsilon", epsilon=1e-9)(A, B).signed_maps
    assert (found - small).abs().max() > 1e-3


def test_one_image_does_not_change_the_others_relevance() -> None:
    explain = LRP(Transformer("torch", constants=True), rule="epsilon", epsilon=0.3)
    pairs = [(A, B), (A, A)]
    alone = [explain(*pair).signed_maps for pair in pairs]
    together = explain.batch(pairs)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other.signed_maps)


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_layer_of_torchs_transformer(norm_first: bool) -> None:
    class Layer(Transformer):
        def __init__(self) -> None:
            super().__init__("torch")
            with torch.random.fork_rng():
                torch.manual_seed(8)
                self.layer = nn.TransformerEncoderLayer(
                    WIDTH, HEADS, 16, 0.0, "gelu", batch_first=True, norm_first=norm_first,
                    bias=False,
                ).double()  # fmt: skip

        def forward(self, images: Tensor) -> Tensor:
            return self.last(self.layer(self.patches(images.double()).flatten(2).mT)).mean(dim=1)

    e = LRP(Layer(), rule="epsilon", epsilon=1e-12)(A, B)
    assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([e.similarity] * 2, abs=1e-6)


def test_a_product_of_matrices_gives_half_to_either() -> None:
    """Bilinear pooling: products of all channels, summed over places."""

    class Bilinear(Small):
        def forward(self, images: Tensor) -> Tensor:
            maps = self.steps[:2](images.double()).flatten(2)
            return (maps @ maps.mT).flatten(1)

    e = LRP(Bilinear(), rule="epsilon", epsilon=1e-12)(A, B)
    assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([e.similarity] * 2, abs=1e-6)


def test_an_attention_with_keys_of_its_own_is_refused() -> None:
    network = Transformer("torch")
    network.attention = Attention("torch", add_bias_kv=True).double()
    said = r"no rule for an attention with keys or values of its own\. .*occlusion"
    with pytest.raises(lfs.LFSError, match=said):
        LRP(network)(A, B)


@pytest.mark.slow
def test_vision_transformers_of_two_libraries() -> None:
    timm, torchvision = pytest.importorskip("timm"), pytest.importorskip("torchvision")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=0, depth=2)
        theirs = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32)
        pair = torch.rand(2, 3, 32, 32)
    theirs.heads = nn.Identity()
    for network in (ours, theirs):
        e = LRP(lfs.load_embedder(network, name="vit", image_size=32, framing="whole"))(*pair)
        assert e.signed_maps.shape == (2, 32, 32) and e.signed_maps.isfinite().all()
        assert e.signed_maps.abs().sum() > 0

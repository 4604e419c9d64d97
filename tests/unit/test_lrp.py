"""LRP against gradient times input, captum's LRP, loops and merged batch norms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum import attr
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import Tensor, nn
from torch.nn import functional

import lfs_core as lfs
from lfs_core.comparators.lrp import LRP
from lfs_core.datasets.faces import FaceSet

SIDE = 12


def image(seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((3, SIDE, SIDE)))


A, B = image(1), image(2)


class Small(nn.Module):
    """Two convolutions, the mean, a third of one place; in float64."""

    name, image_size = "small", SIDE

    def __init__(self, bias: bool = False, between: nn.Module | None = None) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.steps = nn.Sequential(
                nn.Conv2d(3, 5, 3, stride=2, padding=1, bias=bias),
                between or nn.ReLU(),
                nn.Conv2d(5, 7, 3, padding=1, bias=bias),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Conv2d(7, 4, 1, bias=bias),
            )
        self.double()

    def forward(self, images: Tensor) -> Tensor:
        return self.steps(images.double()).flatten(1)


def by_gradients(network: nn.Module) -> Tensor:
    """Gradient times input of the cosine with its lengths held constant, (2,H,W)."""
    x = torch.stack([A, B]).requires_grad_()
    h = network(x)
    dot = (h * h.detach().flip(0)).sum() / h.detach().norm(dim=1).prod()
    (gradient,) = torch.autograd.grad(dot, x)
    return (gradient * x.detach()).sum(dim=1)


def test_epsilon_without_constants_is_gradient_times_input_and_sums_to_the_cosine() -> None:
    e = LRP(Small(), rule="epsilon", epsilon=1e-12)(A, B)
    torch.testing.assert_close(e.signed_maps, by_gradients(Small()), atol=1e-6, rtol=1e-6)
    sums = torch.full((2,), e.similarity, dtype=torch.float64)
    torch.testing.assert_close(e.signed_maps.sum(dim=(1, 2)), sums, atol=1e-6, rtol=0)
    # With lengths that follow the image, evidence for and against a match would cancel.
    x = torch.stack([A, B]).requires_grad_()
    (gradient,) = torch.autograd.grad(torch.cosine_similarity(*Small()(x), dim=0), x)
    assert (gradient * x).sum().abs() < 1e-10


@pytest.mark.parametrize("between", [nn.SiLU(), nn.ReLU6(), nn.GELU(), nn.Tanh()])
def test_relevance_is_conserved_through_activations(between: nn.Module) -> None:
    e = LRP(Small(between=between), rule="epsilon", epsilon=1e-12)(A, B)
    assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([e.similarity] * 2, abs=1e-6)


def test_conservation_of_z_plus() -> None:
    """Where all that a convolution gives is above 0, and nothing is constant."""
    network = Small()
    for step in network.steps:
        if isinstance(step, nn.Conv2d):
            step.weight.data += 0.4 * step.weight.data.abs().mean()
    e = LRP(network)(A, B)
    assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([e.similarity] * 2, abs=1e-5)


@pytest.mark.parametrize("epsilon", [1e-9, 0.1])
def test_epsilon_is_that_of_captum(epsilon: float) -> None:
    """With constants. captum's epsilon is absolute, so it is set from each layer's output."""
    network = Small(bias=True)
    e = LRP(network, rule="epsilon", epsilon=epsilon)(A, B)
    h = network(torch.stack([A, B])).detach()
    for own, x, partner in ((0, A, h[1]), (1, B, h[0])):
        for step in network.steps:
            if isinstance(step, nn.Conv2d | nn.Linear | nn.AdaptiveAvgPool2d):
                taken: list[Tensor] = []
                hook = step.register_forward_hook(lambda m, i, o, to=taken: to.append(o.detach()))
                network(x[None])
                hook.remove()
                rms = taken[0].square().mean().sqrt().item()
                pool = isinstance(step, nn.AdaptiveAvgPool2d)
                step.rule = EpsilonRule(1e-12 if pool else epsilon * rms)
        dot = nn.Conv2d(4, 1, 1, bias=False).double()
        dot.weight.data = (partner / h.norm(dim=1).prod())[None, :, None, None]
        dot.rule = EpsilonRule(1e-12)
        found = attr.LRP(nn.Sequential(*network.steps, dot)).attribute(
            x[None].clone().requires_grad_(), target=(0, 0, 0)
        )
        expected = found.detach()[0].sum(dim=0)
        torch.testing.assert_close(e.signed_maps[own], expected, atol=1e-6, rtol=1e-5)


def test_z_plus_by_loops() -> None:
    """One convolution of the whole image, of signed input: each product above 0 has its part."""

    class Whole(nn.Module):
        name, image_size = "whole", SIDE

        def __init__(self) -> None:
            super().__init__()
            with torch.random.fork_rng():
                torch.manual_seed(5)
                self.sum = nn.Conv2d(3, 4, SIDE).double()

        def forward(self, images: Tensor) -> Tensor:
            return self.sum(images.double() - 0.5).flatten(1)

    network = Whole()
    e = LRP(network)(A, B)
    h = network(torch.stack([A, B])).detach()
    start = (h[0] * h[1] / h.norm(dim=1).prod()).numpy()
    weights, constants = network.sum.weight.detach().numpy(), network.sum.bias.detach().numpy()
    for found, x in zip(e.signed_maps, (A, B), strict=True):
        expected = np.zeros((SIDE, SIDE))
        for j in range(4):
            up = np.maximum(weights[j] * (x.numpy() - 0.5), 0)
            expected += start[j] * up.sum(axis=0) / (up.sum() + max(constants[j], 0))
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("rule", ["epsilon-plus", "epsilon"])
def test_a_batch_norm_is_part_of_the_sum_before_it(rule: str) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        norm = nn.BatchNorm2d(5)
        norm.running_mean.normal_()
        for values in (norm.running_var, norm.weight.data, norm.bias.data):
            values.uniform_(0.5, 1.5)
    network, merged = Small(between=nn.Sequential(norm, nn.ReLU())), Small(bias=True)
    norm.double().eval()
    by = norm.weight / (norm.running_var + norm.eps).sqrt()
    ours, theirs = network.steps[0], merged.steps[0]
    theirs.weight.data = ours.weight.data * by.detach()[:, None, None, None]
    theirs.bias.data = (norm.bias - norm.running_mean * by).detach()
    for k in (2, 5):
        merged.steps[k].weight.data = network.steps[k].weight.data
        merged.steps[k].bias.data.zero_()
    found, expected = LRP(network, rule=rule)(A, B), LRP(merged, rule=rule)(A, B)
    assert found.similarity == pytest.approx(expected.similarity)
    torch.testing.assert_close(found.signed_maps, expected.signed_maps, atol=1e-7, rtol=1e-6)


class Between(nn.Module):
    """Any function of maps as a layer."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, maps: Tensor) -> Tensor:
        return self.function(maps)


def test_gates_take_nothing_and_branches_share() -> None:
    """Squeeze and excitation, in a residual branch that is scaled."""

    def excited(maps: Tensor) -> Tensor:
        gate = torch.sigmoid(functional.adaptive_avg_pool2d(maps, 1))
        return functional.relu(maps) * gate * 0.3 + maps

    e = LRP(Small(between=Between(excited)), rule="epsilon", epsilon=1e-12)(A, B)
    assert e.signed_maps.sum(dim=(1, 2)).tolist() == pytest.approx([e.similarity] * 2, abs=1e-6)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(context: object, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        return 2 * gradient


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda maps: maps * maps, "the product of two parts of it"),
        (functional.softplus, "the step 'softplus'"),
        (Doubled.apply, "a step that PyTorch does not name"),
    ],
)
def test_a_step_without_a_rule_is_refused(function: object, said: str) -> None:
    with pytest.raises(lfs.LFSError, match=rf"no rule for {said}\. .*occlusion") as refusal:
        LRP(Small(between=Between(function)))(A, B)
    assert " lrp," not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"rule": "gamma"}, "rule is 'gamma'"), ({"epsilon": 0.0}, "epsilon is 0.0")],
)
def test_options_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        LRP(Small(), **options)


def test_relevance_is_of_what_the_first_layer_reads() -> None:
    """Grey is 0 after scaling, and takes no relevance; black does."""

    def scaled(images: Tensor) -> Tensor:
        return network(images * 2 - 1)

    network = Small()
    half = A.clone()
    half[:, :, : SIDE // 2], half[:, :, SIDE // 2 :] = 0.5, 0.0
    e = LRP(scaled, rule="epsilon")(half, B)
    relevance = e.signed_maps[0].abs().sum(dim=0)
    assert relevance[: SIDE // 2].sum() == 0 and relevance[SIDE // 2 :].min() > 0


def test_epsilon_on_facenet_is_gradient_times_what_it_reads(
    facenet: nn.Module, faces: FaceSet
) -> None:
    a, b = faces.images[:2].float() / 255
    e = LRP(facenet, rule="epsilon", epsilon=1e-9)(a, b)
    x = ((torch.stack([a, b]) * 255 - 127.5) / 128).requires_grad_()
    before: list[Tensor] = []
    hook = facenet.network.last_bn.register_forward_hook(lambda m, i, o: before.append(o))
    facenet.network(x)
    hook.remove()
    (h,) = before
    dot = (h * h.detach().flip(0)).sum() / h.detach().norm(dim=1).prod()
    (gradient,) = torch.autograd.grad(dot, x)
    expected = (gradient * x.detach()).sum(dim=1).double()
    torch.testing.assert_close(e.signed_maps, expected, atol=1e-5, rtol=0)

"""Own-likeness, alone and given to rivals: closed forms on a network of four windows."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import lfs_core as lfs
from lfs_core.amortised import CausalHead
from lfs_core.causal import causal_map
from lfs_core.comparators.fills import plain
from lfs_core.evaluation.controls.with_own_likeness import FLAT, RIVALS
from lfs_core.explanation import PairExplanation
from lfs_core.util.windows import tiles

SIDE = 16


class Quarters(nn.Module):
    """The mean of a convolution's maps, projected: it has gradients, layers and a folded form."""

    name = "quarters"
    image_size = SIDE

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.layers = nn.Sequential(nn.Conv2d(3, 6, 4, stride=4), nn.Tanh())
            self.head = nn.Linear(6, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.project(self.layers(images).mean(dim=(2, 3)))

    def project(self, pooled: torch.Tensor) -> torch.Tensor:
        return self.head(pooled)


def a_head(grid: int = 4) -> CausalHead:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        head = CausalHead(4, grid, [], [3], hidden=16)
        nn.init.normal_(head.write.weight)
        nn.init.normal_(head.places)
    return head.eval().requires_grad_(False)


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def explained(name: str, a: torch.Tensor, b: torch.Tensor, **options: object) -> PairExplanation:
    return lfs.load_explainer(name, Quarters(), **options)(a, b)


@pytest.mark.parametrize("by", ["amortised", "causal"])
@pytest.mark.parametrize("threshold", [-1.0, 1.0])
def test_it_is_blind_to_the_partner(by: str, threshold: float) -> None:
    a, b, c = images(3)
    options = {"by": by, "similarity_threshold": threshold}
    if by == "amortised":
        options["head"] = a_head()
    one, other = (explained("own-likeness", a, o, **options) for o in (b, c))
    torch.testing.assert_close(one.maps[0], other.maps[0])
    assert not torch.allclose(one.maps[1], other.maps[1], atol=1e-2)
    sign = 1 if threshold < 0 else -1
    torch.testing.assert_close(one.signed_maps[0], other.signed_maps[0])
    assert (sign * one.signed_maps).sum() > 0 or by == "amortised"  # a head of random weights


def test_by_removals_it_is_the_fall_of_the_cosine_with_itself() -> None:
    a, b = images(2)
    network = Quarters()
    windows = tiles((SIDE, SIDE), [8])
    found = explained("own-likeness", a, b, by="causal", similarity_threshold=-1)
    whole = network(a[None])
    left = torch.stack([torch.where(w, plain(a[None], "mean")[0], a) for w in windows])
    falls = 1 - torch.cosine_similarity(network(left), whole)
    expected = falls.clamp_min(0).detach().reshape(8, 8)
    cells = nn.functional.avg_pool2d(found.maps[0][None], SIDE // 8)[0]
    torch.testing.assert_close(cells, expected / expected.max(), atol=1e-2, rtol=0)


def test_it_is_what_the_causal_map_adds_for_its_own_weight() -> None:
    """causal with own=1 is causal with own=0 plus own-likeness."""
    a, b = images(2, seed=4)
    for threshold in (-1.0, 1.0):
        options = {"similarity_threshold": threshold}
        exact = {"scales": 1, "shifted": False, **options}
        both = explained("causal", a, b, own=1.0, **exact).signed_maps
        partner = explained("causal", a, b, **exact).signed_maps
        alone = explained("own-likeness", a, b, by="causal", **options).signed_maps
        torch.testing.assert_close(both, partner + alone, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("rival", RIVALS)
def test_a_rival_without_weight_is_itself(rival: str) -> None:
    """With own=0 the order of places is the rival's, up to how finely it is drawn."""
    a, b = images(2, seed=1)
    given_none = explained(
        "with-own-likeness", a, b, of=rival, by="causal", own=0.0, similarity_threshold=-1
    )
    alone = explained(rival, a, b, similarity_threshold=-1)
    for found, expected in zip(given_none.signed_maps, alone.signed_maps, strict=True):
        correlation = torch.corrcoef(torch.stack([found.flatten(), expected.flatten()]))[0, 1]
        assert correlation > 0.999


@pytest.mark.parametrize("rival", RIVALS)
def test_with_much_weight_it_is_own_likeness(rival: str) -> None:
    a, b = images(2, seed=2)
    options = {"by": "causal", "similarity_threshold": 1.0}
    much = explained("with-own-likeness", a, b, of=rival, own=1e9, **options)
    alone = explained("own-likeness", a, b, **options)
    for found, expected in zip(much.signed_maps, alone.signed_maps, strict=True):
        correlation = torch.corrcoef(torch.stack([found.flatten(), expected.flatten()]))[0, 1]
        assert correlation > 0.99


def test_both_terms_count_alike() -> None:
    """E / mean|E| + L / mean|L|, from the falls of cosines that removals cause."""
    a, b = images(2, seed=6)
    network = Quarters()
    windows = tiles((SIDE, SIDE), [8])
    pair = torch.stack([a, b])
    C = causal_map(network, pair, windows, plain(pair, "mean"))
    h = nn.functional.normalize(network(pair), dim=-1)
    beside, itself = ((C * o[:, None]).sum(-1) for o in (h.flip(0), h))
    terms = [x / x.abs().mean(dim=1, keepdim=True) for x in (beside, itself)]
    expected = (terms[0] + terms[1]).detach()
    explain = lfs.load_explainer(
        "with-own-likeness", network, of="occlusion", by="itself", similarity_threshold=-1
    )
    found = explain.evidence(explain.see(pair[None])).values
    torch.testing.assert_close(found[0].flatten(1), expected, atol=2e-2, rtol=1e-2)


@given(st.floats(0.01, 100))
def test_the_units_of_a_rival_do_not_matter(scale: float) -> None:
    from lfs_core.evaluation.controls.with_own_likeness import _scaled

    values = torch.randn(2, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_scaled(scale * values), _scaled(values))
    torch.testing.assert_close(_scaled(values).abs().mean(dim=(-2, -1)), torch.ones(2, 2))
    assert (_scaled(0 * values) == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "tummala"}, "tummala cannot be given own-likeness"),
        ({"of": "explainlfs"}, "cannot be given own-likeness"),
        ({"by": "magic"}, "by is 'magic'"),
        ({"own": -1.0}, "own is -1.0"),
        *(({"of": of, "by": "itself"}, "the cosine has no slope") for of in FLAT),
    ],
)
def test_what_is_refused(options: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        lfs.load_explainer("with-own-likeness", Quarters(), **{"head": a_head(), **options})


def test_by_something_else_is_refused() -> None:
    with pytest.raises(lfs.LFSError, match="by is 'itself'; it must be 'amortised' or 'causal'"):
        lfs.load_explainer("own-likeness", Quarters(), by="itself")


def test_rivals_that_are_flat_have_no_evidence_beside_themselves() -> None:
    """Which is why they are refused `by=itself`."""
    a = images(1, seed=8)[0]
    for name in FLAT:
        beside = explained(name, a, images(1, seed=9)[0]).signed_maps.abs().max()
        itself = explained(name, a, a).signed_maps.abs().max()
        assert itself < 1e-4 * beside

"""Measures of retrieval, against loops written out and scikit-learn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import average_precision_score, normalized_mutual_info_score

import lfs_core as lfs
from lfs_core.training.recall import average_precision, retrieval_quality


def _by_hand(h: torch.Tensor, labels: list[str], ks: tuple[int, ...]) -> dict[str, float]:
    """Recall@K and MAP@R, query by query and rank by rank."""
    queries = [k for k in range(len(labels)) if labels.count(labels[k]) > 1]
    found = {f"recall@{k}": 0.0 for k in ks} | {"map@r": 0.0}
    for query in queries:
        cosines = torch.nn.functional.cosine_similarity(h[query][None], h).tolist()
        others = sorted(set(range(len(labels))) - {query}, key=lambda k: -cosines[k])
        right = [labels[k] == labels[query] for k in others]
        for k in ks:
            found[f"recall@{k}"] += any(right[:k]) / len(queries)
        r = sum(right)
        precisions = [sum(right[: i + 1]) / (i + 1) for i in range(r) if right[i]]
        found["map@r"] += sum(precisions) / r / len(queries)
    return found


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 40), classes=st.integers(2, 6))
def test_they_are_what_loops_give(seed: int, n: int, classes: int) -> None:
    """Also with classes of one image, and with more neighbours asked for than there are."""
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(n, 5, generator=generator) * 3
    labels = [f"c{k}" for k in torch.randint(classes, (n,), generator=generator).tolist()]
    labels[:3] = ["c0", "c0", "c1"]
    quality = retrieval_quality(h, labels, ks=(1, 2, 4, 50))
    for name, value in _by_hand(h, labels, (1, 2, 4, 50)).items():
        assert quality[name] == pytest.approx(value, abs=1e-9), name
    assert 0 <= quality["nmi"] <= 1


def test_clusters_are_k_means() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn(4, 8, generator=generator))
    y = torch.arange(40) % 4
    h = centres[y] + 0.02 * torch.randn(40, 8, generator=generator)
    labels = [str(k) for k in (y // 2).tolist()]  # pairs of clusters are one class
    quality = retrieval_quality(h, labels)
    clusters = KMeans(2, n_init=10, random_state=0).fit_predict(
        torch.nn.functional.normalize(h).numpy()
    )
    expected = normalized_mutual_info_score(labels, clusters)
    assert quality["nmi"] == pytest.approx(expected, abs=1e-6)
    assert retrieval_quality(h, [str(k) for k in y.tolist()])["nmi"] == pytest.approx(1)
    assert quality == retrieval_quality(h * 7, labels)


def test_perfect_and_hopeless() -> None:
    h = torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]])
    assert set(retrieval_quality(h, list("aabb"), ks=(1, 2)).values()) == {1.0}
    quality = retrieval_quality(h, list("abab"), ks=(1, 2))
    assert quality["recall@1"] == quality["map@r"] == 0
    assert list(retrieval_quality(h, list("aabb"))) == [
        *("recall@1", "recall@2", "recall@4", "recall@8"),
        *("map@r", "nmi"),
    ]


@pytest.mark.parametrize(
    "labels, message",
    [("a", "two or more classes"), ("aaa", "two or more classes"), ("abc", "two images")],
)
def test_too_little_to_measure(labels: str, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        retrieval_quality(torch.rand(len(labels), 3), list(labels))


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(lfs.LFSError, match="do not fit"):
        retrieval_quality(torch.rand(3, 3), list("aabb"))


@settings(max_examples=100, deadline=None)
@given(relevant=st.lists(st.booleans(), max_size=30), k=st.none() | st.integers(1, 40))
def test_average_precision_is_a_loop(relevant: list[bool], k: int | None) -> None:
    cut = len(relevant) if k is None else k
    possible, total, right = min(cut, sum(relevant)), 0.0, 0
    for rank, hit in enumerate(relevant[:cut], start=1):
        right += hit
        total += hit * right / rank
    expected = total / possible if possible else 0.0
    assert average_precision(torch.tensor(relevant, dtype=torch.bool), k) == pytest.approx(expected)


def test_average_precision_is_scikit_learns() -> None:
    relevant = torch.rand(50, generator=torch.Generator().manual_seed(0)) < 0.3
    expected = average_precision_score(relevant.numpy(), -torch.arange(50.0).numpy())
    assert average_precision(relevant) == pytest.approx(expected)


def test_a_list_is_not_cut_before_its_first() -> None:
    with pytest.raises(lfs.LFSError, match="k is 0"):
        average_precision(torch.tensor([True]), 0)

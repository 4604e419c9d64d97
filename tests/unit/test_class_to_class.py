"""The class-to-class network on clouds whose answer is known, and `find_cases` on digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from torch import Tensor

import lfs_core as lfs
from lfs_core.search.cases import find_cases
from lfs_core.search.class_to_class import ClassToClass
from lfs_core.search.gallery import Gallery, Photograph

PIXELS, DIGITS = load_digits(return_X_y=True)
CENTRED = PIXELS - PIXELS[:300].mean(axis=0)
UNIT = torch.from_numpy(CENTRED / np.linalg.norm(CENTRED, axis=1, keepdims=True)).float()
LABELS = [str(digit) for digit in DIGITS]


def clouds(number: int, seed: int) -> tuple[Tensor, list[str]]:
    """Three classes about three axes of eight, apart from each other."""
    labels = [k % 3 for k in range(number)]
    noise = np.random.default_rng(seed).normal(0, 0.1, (number, 8))
    return torch.from_numpy(np.eye(3, 8)[labels] + noise), ["abc"[k] for k in labels]


def test_clouds_that_are_apart_are_told_from_every_case() -> None:
    network = ClassToClass.fit(*clouds(60, 0))
    cases, of_cases = clouds(30, 1)
    for h, label in zip(*clouds(30, 2), strict=True):
        evidence = network.evidence(h, cases, of_cases)
        assert evidence.shape == (30, 3)
        torch.testing.assert_close(evidence.exp().sum(dim=1), torch.ones(30))
        assert {network.labels[k] for k in evidence.argmax(dim=1)} == {label}
        assert network.answer(h, cases, of_cases) == label
        torch.testing.assert_close(network.evidence(9 * h, 3 * cases, of_cases), evidence)


@pytest.mark.slow
def test_digits_beside_the_patterns_of_class_means() -> None:
    """It answers better than the means, and knows better than their pattern what is right."""
    learnt, asked = UNIT[:300], range(1000, 1400)
    network = ClassToClass.fit(learnt, LABELS[:300])
    photographs = [
        Photograph(name=f"{label}/{k}.png", label=label, size=0, modified=0)
        for k, label in enumerate(LABELS[:300])
    ]
    known = Gallery(Path(), "pixels", "", photographs, learnt)
    means = torch.stack([learnt[DIGITS[:300] == digit].mean(dim=0) for digit in range(10)])
    of_means = (UNIT @ means.T - means.square().sum(dim=1) / 2).argmax(dim=1).numpy()
    right = [network.answer(UNIT[k], learnt, LABELS[:300]) == LABELS[k] for k in asked]
    assert np.mean(right) > np.mean(of_means[list(asked)] == DIGITS[list(asked)]) + 0.02
    nearest, pattern, learnt_pattern = [], [], []
    for k in asked:
        found = find_cases(known, UNIT[k], 1)
        (case,) = found.contrastive
        nearest.append(found.label == LABELS[k])
        pattern.append(case.pattern)
        position = case.position
        evidence = network.evidence(UNIT[k], learnt[[position]], [LABELS[position]])
        learnt_pattern.append(evidence[0, network.labels.index(found.label)].item())
    assert roc_auc_score(nearest, learnt_pattern) > roc_auc_score(nearest, pattern) + 0.03


def test_the_seed_decides_and_nothing_else() -> None:
    h, labels = clouds(12, 0)
    state = torch.random.get_rng_state()
    first, again, other = (ClassToClass.fit(h, labels, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    for a, b, c in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b) and not torch.equal(a, c)


def test_what_cannot_be_learnt() -> None:
    h, labels = clouds(6, 0)
    with pytest.raises(lfs.LFSError, match="6 embeddings and 5 labels"):
        ClassToClass.fit(h, labels[:5])
    with pytest.raises(lfs.LFSError, match="of 1 classes"):
        ClassToClass.fit(h, ["a"] * 6)
    names = [str(k) for k in range(101)]
    with pytest.raises(lfs.LFSError, match="101 classes; a class-to-class network learns up to"):
        ClassToClass.fit(torch.eye(101), names)

"""Keys: whatever decides a kept number is in its key, and nothing else is."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core.comparators.utkin import Utkin
from lfs_core.explainer import ExplainLFS
from lfs_core.util.code import Code
from lfs_core.util.digests import fingerprint, key

D, SIDE = 8, 12
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=3), of, max_size=3),
    max_leaves=6,
)


def black_box(images: Tensor) -> Tensor:
    return nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)[:, :D] - 0.5


def a_decoder(seed: int = 0) -> lfs.LinearDecoder:
    decoder = lfs.LinearDecoder(D, (SIDE, SIDE), rank=4)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return decoder


def same(one: object, other: object) -> bool:
    """Equal, and of one type throughout."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)


@given(VALUES, VALUES)
def test_keys_are_equal_if_and_only_if_what_decides_is(one: object, other: object) -> None:
    assert (key(of=one) == key(of=other)) == same(one, other)
    assert key(of=one) != key(by=one)
    assert key(of=one, by=other) == key(by=other, of=one)


def test_tensors_count_by_kind_shape_and_content() -> None:
    ones = torch.ones(2, 3)
    assert key(x=ones) == key(x=torch.ones(3, 2).T.contiguous()) == key(x=torch.ones(3, 2).T)
    others = [ones.double(), torch.ones(3, 2), torch.ones(6), ones.numpy(), ones * 2]
    others += [torch.empty(0, 3), torch.tensor(1.0), np.ones((2, 3))]
    assert len({key(x=of) for of in [ones, *others]}) == len(others) + 1
    assert key(x=torch.ones(2, dtype=torch.bfloat16)) != key(x=torch.zeros(2, dtype=torch.bfloat16))


def test_a_file_counts_by_its_content(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("one", encoding="utf-8")
    other.write_text("one", encoding="utf-8")
    first = key(weights=path)
    assert first == key(weights=other)
    path.write_text("two", encoding="utf-8")
    assert key(weights=path) != first


def test_code_counts_with_the_packages_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Code({"lfs_core.mapping": "0" * 64}, frozenset({"torch"}))
    before = key(code=[code])
    assert before == key(code=[code]) != key()
    changed = Code({"lfs_core.mapping": "1" * 64}, frozenset({"torch"}))
    assert key(code=[changed]) != before
    monkeypatch.setattr("lfs_core.util.code._version", lambda name: "torch 99")
    assert key(code=[code]) != before


def test_keys_are_the_same_in_every_process() -> None:
    script = (
        "from lfs_core.comparators import EXPLAINERS\n"
        "from lfs_core.util.digests import key\n"
        "from lfs_core.util.code import code_of_cells\n"
        "cells = code_of_cells(['import lfs_core as lfs\\nlfs.load_explainer(1)'])\n"
        "sets = lambda x: x in {'a', 'b', 'c', 'd'}\n"
        "print(key(code=[*EXPLAINERS.values(), cells], x={'b', 'a', 'c'}, f=sets))"
    )
    keys = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            encoding="utf-8",
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(keys) == 1


class Net(nn.Module):
    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.layer, self.scale = nn.Linear(3, 2), scale
        self._remembered: dict[int, Tensor] = {}
        nn.init.ones_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        self._remembered[len(x)] = x
        return self.scale * self.layer(x)


def test_a_network_is_told_by_weights_settings_and_code() -> None:
    network = Net()
    before = fingerprint(network)
    network(torch.ones(1, 3))
    network.train()
    assert (
        fingerprint(network) == before == fingerprint(copy.deepcopy(network)) == fingerprint(Net())
    )
    assert fingerprint(Net(2.0)) != before
    with torch.no_grad():
        network.layer.bias[0] += 1e-3
    assert fingerprint(network) != before


def test_an_edited_forward_makes_another_network() -> None:
    class Edited(Net):
        def forward(self, x: Tensor) -> Tensor:
            return self.scale * self.layer(x) + 1

    first = Edited()

    class Edited(Net):
        def forward(self, x: Tensor) -> Tensor:
            return self.scale * self.layer(x) + 2

    assert fingerprint(first) != fingerprint(Edited())
    replaced = Net()
    replaced.forward = lambda x: x
    assert fingerprint(replaced) != fingerprint(Net())


def test_another_decoder_makes_another_explainer() -> None:
    prints = {
        fingerprint(ExplainLFS(black_box, decoder), [black_box])
        for decoder in (
            a_decoder(0),
            a_decoder(1),
            lambda h: h[..., None, None].expand(-1, 3, 4, 4),
        )
    }
    assert len(prints) == 3
    assert fingerprint(ExplainLFS(black_box, a_decoder(0)), [black_box]) in prints
    assert fingerprint(ExplainLFS(black_box, a_decoder(0), p=0.5), [black_box]) not in prints


def test_a_decoder_that_is_a_function_counts_with_what_it_has_taken() -> None:
    def drawn(weight: Tensor) -> ExplainLFS:
        return ExplainLFS(black_box, lambda h: (h @ weight).view(-1, 3, 2, 2).clamp(0, 1))

    one, other = torch.ones(D, 12), torch.zeros(D, 12)
    assert fingerprint(drawn(one)) == fingerprint(drawn(one.clone())) != fingerprint(drawn(other))


def test_another_file_at_the_same_path_makes_another_explainer(tmp_path: Path) -> None:
    path = tmp_path / "decoder.safetensors"
    prints = []
    for seed in (0, 1, 0):
        lfs.save_decoder(a_decoder(seed), path)
        prints.append(fingerprint(Utkin(black_box, autoencoder=str(path)), [black_box]))
    assert prints[0] == prints[2] != prints[1]
    assert load_file(path)
    save_file({"x": torch.ones(1)}, tmp_path / "other")
    assert key(of=path) != key(of=tmp_path / "other")


def test_prototypes_and_other_tensors_of_an_explainer_count() -> None:
    prints = {
        fingerprint(Utkin(black_box, a_decoder(), prototypes=torch.full((2, D), value)))
        for value in (0.0, 1.0)
    }
    assert len(prints) == 2


def test_the_network_is_left_out_and_circles_end() -> None:
    class Held:
        def __init__(self, network: object) -> None:
            self.network, self.me = network, self

    one, other = Net(), Net(3.0)
    assert fingerprint(Held(one), [one]) == fingerprint(Held(other), [other])
    assert fingerprint(Held(one)) != fingerprint(Held(other))


def test_an_object_may_say_what_it_has_learnt() -> None:
    class Trained:
        def __init__(self, mark: str) -> None:
            self._mark = mark

        def fingerprint(self) -> str:
            return self._mark

    assert fingerprint(Trained("a")) == fingerprint(Trained("a")) != fingerprint(Trained("b"))

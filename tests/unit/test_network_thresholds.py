"""Where no xi_1 is given, pairs are judged by the network's own, and FaceNet's by the paper's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import lfs_core as lfs
from lfs_core.commands.evaluate import evaluate
from lfs_core.embedders import load_embedder, threshold_of
from lfs_core.evaluation.evaluate import Settings
from lfs_core.studies import comparisons, run
from lfs_core.viz.views.pair_explorer import PairExplorer


class OfItsOwn(nn.Module):
    """The colour of an image; two are similar above a cosine of 0.9."""

    image_size = 8
    similarity_threshold = 0.9

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(-1, -2))


RED, ORANGE = (
    torch.tensor(of).view(3, 1, 1).expand(3, 8, 8) for of in ([1.0, 0, 0], [1.0, 0.7, 0])
)


def test_a_network_is_judged_by_its_own_threshold() -> None:
    """Their cosine, 0.82, is above the paper's threshold and below that of this network."""
    own = lfs.load_explainer("occlusion", OfItsOwn())(RED, ORANGE)
    assert not own.is_similar and own.settings["similarity_threshold"] == 0.9
    given = lfs.load_explainer("occlusion", OfItsOwn(), similarity_threshold=0.3)(RED, ORANGE)
    assert given.is_similar


@pytest.mark.parametrize("name", ["facenet-casia", "mobilenet-vggface2"])
def test_thresholds_of_networks_that_are_known(name: str) -> None:
    network = load_embedder(name)
    expected = 0.3 if name.startswith("facenet") else type(network).similarity_threshold
    assert threshold_of(network) == expected
    assert lfs.load_explainer("random", network).similarity_threshold == expected


def test_the_ledger_of_another_network_has_its_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Settings] = []
    monkeypatch.setattr(run, "load_embedder", lambda name, **options: OfItsOwn())
    monkeypatch.setattr(run.Run, "pairs", lambda run, data: None)
    monkeypatch.setattr(run, "evaluate", lambda settings, *_: asked.append(settings))
    replace(comparisons.FACES, network="mine").evaluated(Path())
    assert asked[0].threshold == 0.9


def test_the_command_evaluates_by_the_networks_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []

    def stop(settings: Settings, *_: object, **__: object) -> None:
        asked.append(settings)
        raise lfs.LFSError("Far enough.")

    monkeypatch.setattr("lfs_core.evaluation.evaluate.evaluate", stop)
    monkeypatch.setattr("lfs_core.commands.evaluate.network", lambda *_: OfItsOwn())
    for given, expected in ((None, 0.9), (0.5, 0.5)):
        with pytest.raises(lfs.LFSError, match="Far enough"):
            evaluate(
                pairs="demo",
                explainer=["random"],
                metric=["selectivity"],
                output=tmp_path / "a.json",
                similarity_threshold=given,
            )
        assert asked[-1].threshold == expected


def test_the_explorer_starts_from_the_first_networks_own() -> None:
    view = PairExplorer([RED, ORANGE], [OfItsOwn()], methods=["occlusion"], aligned=True)
    assert view.similarity_threshold == 0.9

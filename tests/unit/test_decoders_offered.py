"""A refusal offers what fits the network, and how to make what is missing."""

from __future__ import annotations

import pytest
from torch import Tensor

import lfs_core as lfs


def own(images: Tensor) -> Tensor:
    return images.mean(dim=(2, 3))


own.image_size = 16

OTHERS = r"(?!.*(facenet|mobilenet|-cub|-cars))"


@pytest.mark.parametrize(
    ("method", "maker"),
    [
        ("explainlfs", "lfs fit"),
        ("mean-map", "lfs fit"),
        ("amortised", "lfs fit-head"),
        ("own-likeness", "lfs fit-head"),
        ("randomised-causal", "lfs fit-head"),
    ],
)
def test_nothing_of_other_networks_is_offered(method: str, maker: str) -> None:
    said = (
        rf"^{OTHERS}There is no .* 'own', and none ships for this network: make one with `{maker} "
    )
    with pytest.raises(lfs.LFSError, match=said):
        lfs.load_explainer(method, own)


@pytest.mark.parametrize("decoder", ["conv", "facenet-casai"])
def test_what_ships_for_the_network_is_offered(decoder: str) -> None:
    said = rf"There is no decoder '.*{decoder}': .* one of \['mobilenet-vggface2'\]"
    with pytest.raises(lfs.LFSError, match=said):
        lfs.load_explainer("explainlfs", "mobilenet-vggface2", decoder=decoder)


def test_by_name_alone_all_are_offered() -> None:
    with pytest.raises(lfs.LFSError, match=r"'facenet-casia'.*'mobilenet-vggface2'\]"):
        lfs.load_decoder("facenet")

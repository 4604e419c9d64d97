"""Networks of the user's own: whatever they return, hold and do, the maps are theirs or none."""

from __future__ import annotations

import copy
import re
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from typer.testing import CliRunner

import lfs_core as lfs
from lfs_core.cli import app
from lfs_core.comparators import explainer_class
from lfs_core.embedders import embed, embed_all, fingerprint
from lfs_core.embedders.last_maps import LastMaps
from lfs_core.embedders.taps import Taps, find_layers
from lfs_core.search.retriever import Retriever
from lfs_core.studies.own_networks import BESIDE, YES, markdown, try_all
from lfs_core.util.networks import check_pixels, print_of
from lfs_core.viz.views.explorer import RetrievalExplorer
from lfs_core.viz.views.pair_explorer import PairExplorer

ROOT = Path(__file__).parents[2]
SIDE = 32
PAIR = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def conv(last: nn.Module | None = None, dimensions: int = 8) -> nn.Sequential:
    """A small network, random but always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=4), nn.ReLU(), nn.Conv2d(6, dimensions, 3, padding=1)
        )
    return nn.Sequential(layers, last or Mean()).eval()


class Mean(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean(dim=(2, 3))


class Then(nn.Module):
    """The small network, and what becomes of its embeddings."""

    def __init__(self, last: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.network, self.last = conv(), last

    def forward(self, images: Tensor) -> object:
        return self.last(self.network(images))


@dataclass
class Output:
    last_hidden_state: Tensor
    pooler_output: Tensor


Named = namedtuple("Named", "logits embedding")
WRAPPINGS: dict[str, Callable[[Tensor], object]] = {
    "(B,D,1,1)": lambda h: h[:, :, None, None],
    "(B,1,D)": lambda h: h[:, None],
    "tuple": lambda h: (h, h.argmax()),
    "list of vectors": list,
    "dict": lambda h: {"logits": h[:, :2], "image_embeds": h},
    "data class": lambda h: Output(h[:, None].expand(-1, 5, -1), h[:, :, None, None]),
    "named tuple": lambda h: Named(h[:, :2], h),
    "tokens of a class and 4 places": lambda h: {
        "last_hidden_state": torch.stack([h, *[torch.zeros_like(h)] * 4], dim=1)
    },
    "tokens of 4 places": lambda h: {"last_hidden_state": torch.stack([h * 2, h, h, h * 0], 1)},
    "array": lambda h: h.detach().numpy()[:, ::-1][:, ::-1],
    "inference": torch.inference_mode()(lambda h: h * 1),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_whatever_is_returned_is_read_as_vectors(wrapping: str) -> None:
    expected = conv()(PAIR).detach()
    torch.testing.assert_close(embed(Then(WRAPPINGS[wrapping]).eval(), PAIR).detach(), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_explained_as_float32_is(dtype: torch.dtype) -> None:
    plain = lfs.load_explainer("occlusion", conv(), grid=4)(*PAIR)
    other = lfs.load_explainer("occlusion", conv().to(dtype), grid=4)(*PAIR)
    assert other.similarity == pytest.approx(plain.similarity, abs=1e-2)
    both = torch.stack([plain.maps.flatten(), other.maps.flatten()])
    assert torch.corrcoef(both.double())[0, 1] > (0.9 if dtype != torch.float64 else 0.999)


@pytest.mark.parametrize("last", [lambda h: h[:, :, None] * h[:, None], lambda h: "embedding"])
def test_what_holds_no_vectors_is_refused(last: Callable[[Tensor], object]) -> None:
    with pytest.raises(lfs.LFSError, match=r"'Then' turned 1 images into .* return \(B,D\)"):
        lfs.load_explainer("occlusion", Then(last))(*PAIR)


class InPlace(nn.Module):
    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.network, self.in_place = conv(), in_place

    def forward(self, images: Tensor) -> Tensor:
        if self.in_place:
            return self.network(images.sub_(0.5).div_(0.25))
        return self.network((images - 0.5) / 0.25)


@pytest.mark.parametrize("method", ["occlusion", "causal", "corrrise", "gradcam", "smoothgrad"])
def test_a_network_that_changes_its_input_gets_a_copy(method: str) -> None:
    before = PAIR.clone()
    changing, other = (lfs.load_explainer(method, InPlace(of))(*PAIR) for of in (True, False))
    torch.testing.assert_close(changing.maps, other.maps)
    assert torch.equal(changing.images, before) and torch.equal(before, PAIR)


def test_a_network_in_training_mode_is_switched(caplog: pytest.LogCaptureFixture) -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), conv())
    expected = copy.deepcopy(network).eval()(PAIR).detach()
    network.train()
    with caplog.at_level("INFO", "lfs_core"):
        assert torch.equal(embed_all(network, PAIR), expected)
        embed_all(network, PAIR)
    assert caplog.text.count("was in training mode") == 1
    assert not network[0].training and network[0].num_batches_tracked == 0


def test_a_function_that_minds_the_batch_gets_one_image_at_a_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    network = conv()

    def minds(images: Tensor) -> Tensor:
        h = network(images)
        return h - h.mean(dim=0) * (len(images) > 1)

    plain = lfs.load_explainer("occlusion", network)(*PAIR)
    found = lfs.load_explainer("occlusion", minds)(*PAIR)
    torch.testing.assert_close(found.maps, plain.maps, atol=2e-3, rtol=0)
    assert caplog.text.count("given one at a time") == 1
    torch.testing.assert_close(embed_all(minds, PAIR), network(PAIR).detach())

    def only_one(images: Tensor) -> Tensor:
        assert len(images) == 1
        return network(images)

    torch.testing.assert_close(embed_all(only_one, PAIR), network(PAIR).detach())


def test_a_network_that_draws_at_random_is_refused() -> None:
    with pytest.raises(lfs.LFSError, match="another embedding each time"):
        lfs.load_explainer("occlusion", lambda images: torch.rand(len(images), 8))(*PAIR)


def test_numpy_and_networks_without_gradients_are_black_boxes() -> None:
    def box(images: Tensor) -> object:
        return images.numpy()[:, :, ::8, ::8].reshape(len(images), -1) - 0.4

    assert lfs.load_explainer("occlusion", box)(*PAIR).maps.max() == 1
    for method in ("gradient-x-input", "smoothgrad", "xssab", "fggb", "integrated-gradients"):
        for network in (box, torch.no_grad()(conv()), torch.inference_mode()(conv())):
            with pytest.raises(lfs.LFSError, match="needs a network with gradients, and this one"):
                lfs.load_explainer(method, network)(*PAIR)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_an_explanation_within_no_grad_is_the_same(around: Callable) -> None:
    explain = lfs.load_explainer("gradcam", conv())
    expected = explain(*PAIR).maps
    with around():
        found = explain(*PAIR).maps
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("method", lfs.list_explainers())
def test_not_a_number_and_zeros_are_told_as_what_they_are(method: str) -> None:
    """None of the refusals names other methods, which would all refuse too."""
    for factor, reason in ((torch.nan, "NaN or infinity"), (0.0, "embedding 0")):
        try:
            explain = lfs.load_explainer(method, Then(lambda h, by=factor: h * by))
        except lfs.LFSError:  # it needs what is not here
            return
        if explain.role in ("method", "oracle"):
            with pytest.raises(lfs.LFSError, match=reason):
                explain(*PAIR)


def test_errors_name_the_users_line() -> None:
    def wrong(images: Tensor) -> Tensor:
        return images @ torch.ones(7, 7)

    line = wrong.__code__.co_firstlineno + 1
    with pytest.raises(lfs.LFSError, match=rf"RuntimeError: .*test_own_networks.py, line {line}\)"):
        lfs.load_explainer("occlusion", wrong)(*PAIR)


def test_other_values_and_shapes_are_refused() -> None:
    torch.testing.assert_close(check_pixels((PAIR * 255).byte()), (PAIR * 255).byte() / 255)
    for images, said in (
        (PAIR * 255, "hold .* to 25"),
        (PAIR * 2 - 1, "hold -1 to"),
        (PAIR[0], r"\(1,3,H,W\)"),
        (PAIR.permute(0, 2, 3, 1), "permute"),
        (PAIR.int(), "torch.int32"),
    ):
        with pytest.raises(lfs.ImageError, match=said):
            check_pixels(images)


def test_images_need_not_be_square() -> None:
    seen = []

    def network(images: Tensor) -> Tensor:
        seen.append(images.shape[-2:])
        return images.mean(dim=3).flatten(1)

    network.image_size = (32, 16)
    e = lfs.load_explainer("occlusion", network)(*torch.rand(2, 3, 50, 60))
    assert e.maps.shape == (2, 32, 16) and set(seen) == {(32, 16)}
    assert fingerprint(network)
    network.image_size = "large"
    with pytest.raises(lfs.LFSError, match="image_size is 'large'"):
        fingerprint(network)


def test_the_key_of_a_network_holds_what_it_does() -> None:
    network = conv()
    first = fingerprint(network)
    assert fingerprint(copy.deepcopy(network)) == first
    hook = network.register_forward_hook(lambda module, images, h: h + 1)
    assert fingerprint(network) != first
    hook.remove()
    assert fingerprint(network) == first


def test_a_causal_map_follows_its_network() -> None:
    network = conv()
    explain = lfs.load_explainer("causal", network)
    explain(*PAIR)
    with torch.no_grad():
        for weights in network.parameters():
            weights.data.mul_(torch.linspace(-1, 2, weights.numel()).view_as(weights))
    fresh = lfs.load_explainer("causal", network)(*PAIR)
    torch.testing.assert_close(explain(*PAIR).maps, fresh.maps)


def test_a_decoder_of_another_network_of_the_same_class_is_refused() -> None:
    network, other = Then(lambda h: h), Then(lambda h: h.flip(1))
    decoder = lfs.LinearDecoder.fit([(torch.randn(40, 8), torch.rand(40, 3, 6, 6))])
    decoder.info = {"embedder": "Then", "print": print_of(network)}
    assert lfs.ExplainLFS(network, decoder)(*PAIR).maps.isfinite().all()
    with pytest.raises(lfs.LFSError, match="fitted to another network of that name"):
        lfs.ExplainLFS(other, decoder)


# By name


def test_a_network_by_module_or_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sides.py").write_text("BY = 2\n", encoding="utf-8")
    (tmp_path / "my_net.py").write_text(
        "import torch\nfrom sides import BY\n\n"
        "def embed(images):\n    return images[:, :, ::8, ::8].flatten(1) * BY\n\n"
        "def make(weights=None):\n    return embed\n\n"
        "class Net(torch.nn.Flatten):\n    pass\n\n"
        "def broken():\n    raise ValueError('no luck')\n\n"
        "number = 3\n",
        encoding="utf-8",
    )
    (tmp_path / "json.py").write_text(
        "raise SystemExit('loaded from the present folder')\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    expected = PAIR[:, :, ::8, ::8].flatten(1) * 2
    for name in ("my_net:embed", "my_net.py:embed", "my_net:make", f"{tmp_path}/my_net.py:make"):
        assert torch.equal(lfs.load_embedder(name)(PAIR), expected)
    assert lfs.load_embedder("my_net:Net")(PAIR).shape == (2, 3 * SIDE**2)
    assert lfs.load_embedder("json:loads")  # Python's own
    for name, said in (
        ("my_net:broken", r"ValueError: no luck \(.*my_net.py, line 14\)"),
        ("my_net:number", "is int, and no network"),
        ("my_net:nothing", "my_net has no nothing"),
        ("nowhere:net", "Python finds no module 'nowhere'"),
        ("nowhere.py:net", "there is no file nowhere.py"),
    ):
        with pytest.raises(lfs.LFSError, match=said):
            lfs.load_embedder(name)
    (tmp_path / "typo.py").write_text("x = 1\ndef f(:\n", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match=r"SyntaxError: .*typo.py, line 2\)"):
        lfs.load_embedder("typo.py:f")


def test_what_a_network_does_not_say_can_be_said_for_it() -> None:
    network = lfs.load_embedder(conv(), name="mine", image_size=(32, 16), framing="centre")
    assert (network.name, network.image_size, network.framing) == ("mine", (32, 16), "centre")
    assert lfs.load_explainer("gradcam", network)(*torch.rand(2, 3, 40, 40)).maps.shape[1] == 32
    assert fingerprint(network) != fingerprint(lfs.load_embedder(conv(), name="other"))
    with pytest.raises(lfs.LFSError, match="takes no size"):
        lfs.load_embedder(conv(), size=3)
    with pytest.raises(lfs.LFSError, match="load it first"):
        lfs.ExplainLFS("facenet-casia", lambda h: h)


def test_the_readmes_ten_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_image: Callable[..., Path]
) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Your own network")[1]
    snippet = section.split("```python\n")[1].split("```")[0]
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 10
    for name in ("a.jpg", "b.jpg"):
        save_image((torch.rand(80, 90, 3) * 255).byte().numpy(), name)
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "README.md", "exec"), {})
    assert "occlusion" in (tmp_path / "why.html").read_text(encoding="utf-8").lower()


def test_a_network_of_ones_own_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_image: Callable[..., Path]
) -> None:
    (tmp_path / "mine.py").write_text(
        "def network(images):\n    return images[:, :, ::8, ::8].flatten(1)\n\n"
        "network.image_size = 32\n\n"
        "def wrong(images):\n    return images[9]\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "F" / "one").mkdir(parents=True)
    files = [
        save_image((torch.rand(40, 50, 3) * 255).byte().numpy(), f"F/one/{k}.png") for k in (0, 1)
    ]
    told = CliRunner().invoke

    asked = ["explain", *map(str, files), "--method", "occlusion", "-o", "why.html", "--embedder"]
    assert told(app, [*asked, "mine.py:network"]).exit_code == 0
    refused = told(app, [*asked, "mine:wrong"])
    assert refused.exit_code == 1 and "mine.py, line 7)" in refused.output
    made = told(app, ["index", "F", "--embedder", "mine:network", "-o", "F.gallery"])
    assert made.exit_code == 0, made.output
    monkeypatch.chdir(tmp_path / "F")
    found = told(app, ["retrieve", str(files[0]), "--gallery", "../F.gallery"])
    assert found.exit_code == 0 and "1.png" in found.output


# Where the places are


class Tokens(nn.Module):
    """A transformer of one block: (B,3,32,16) -> tokens of 8 x 4 places, after others."""

    def __init__(self, before: int, pool: str, batch_first: bool = True) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.patches = nn.Conv2d(3, 8, 4, stride=4)
            self.extra = nn.Parameter(torch.randn(1, before, 8))
            self.norm1 = nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)
            self.norm = nn.LayerNorm(8)
        self.pool, self.batch_first = pool, batch_first

    def forward(self, images: Tensor) -> Tensor:
        places = self.patches(images).flatten(2).mT
        x = torch.cat([self.extra.expand(len(images), -1, -1), places], dim=1)
        x = x if self.batch_first else x.transpose(0, 1)
        y = self.norm1(x)
        x = self.norm(x + self.attention(y, y, y)[0])
        x = x if self.batch_first else x.transpose(0, 1)
        return x[:, 0] if self.pool == "class" else x[:, self.extra.shape[1] :].mean(dim=1)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize(
    ("before", "pool", "layer"), [(1, "class", "norm1"), (5, "mean", "norm"), (0, "mean", "norm")]
)
def test_tokens_are_maps_in_their_order(
    before: int, pool: str, layer: str, batch_first: bool
) -> None:
    network = Tokens(before, pool, batch_first).eval()
    images = torch.rand(2, 3, 32, 16, generator=torch.Generator().manual_seed(3))
    taken = {}
    network.get_submodule(layer).register_forward_hook(lambda m, i, o: taken.update(o=o))
    plain = network(images)
    tokens = taken["o"] if batch_first else taken["o"].transpose(0, 1)
    maps, h = LastMaps(network)(images)
    assert maps.shape == (2, 8, 8, 4)
    for place in ((0, 0), (3, 1), (7, 3)):
        expected = tokens[:, before + 4 * place[0] + place[1]]
        torch.testing.assert_close(maps[:, :, *place], expected)
    torch.testing.assert_close(h, plain)
    assert torch.autograd.grad(h[0, 0], maps)[0].any()
    assert "norm" in find_layers(network, (32, 16), 4)
    torch.testing.assert_close(Taps(network, [layer])(images)[1][0], maps)
    assert lfs.load_explainer("gradcam", network)(*images).maps.std() > 0
    if pool == "mean":
        assert lfs.load_explainer("simexpert", network)(*images).completeness_error < 1e-5


class ChannelsLast(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.patches = nn.Conv2d(3, channels, 4, stride=4)
            self.norm = nn.LayerNorm(channels)

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.patches(images).movedim(1, -1)).mean(dim=(1, 2))


@pytest.mark.parametrize("channels", [12, 8])  # 8 channels of 8 x 8 places: the layer decides
def test_channels_may_stand_last(channels: int) -> None:
    network = ChannelsLast(channels).eval()
    expected = network.norm(network.patches(PAIR).movedim(1, -1)).movedim(-1, 1)
    maps, h = LastMaps(network)(PAIR)
    torch.testing.assert_close(maps, expected)
    torch.testing.assert_close(h, expected.mean(dim=(2, 3)))
    torch.testing.assert_close(Taps(network, ["norm"])(PAIR)[1][0], expected)
    assert lfs.load_explainer("simexpert", network)(*PAIR).completeness_error < 1e-5


def test_tokens_that_are_no_places_are_refused() -> None:
    class Latents(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches, self.latents = nn.Conv2d(3, 8, 4, stride=4), nn.Linear(64, 40)
            self.norm = nn.LayerNorm(8)

        def forward(self, images: Tensor) -> Tensor:
            return self.norm(self.latents(self.patches(images).flatten(2)).mT).mean(dim=1)

    with pytest.raises(lfs.LFSError, match=r"40 tokens \(B,N,c\), which are no grid"):
        lfs.load_explainer("gradcam", Latents())(*PAIR)


# Distances, and texts


@pytest.mark.parametrize(
    ("distance", "of"),
    [
        ("euclidean", lambda a, b: (a - b).square().sum().sqrt()),
        ("sqeuclidean", lambda a, b: (a - b).square().sum()),
        ("manhattan", lambda a, b: (a - b).abs().sum()),
        (lambda a, b: (a - b).abs().amax(dim=-1), lambda a, b: (a - b).abs().max()),
    ],
)
def test_a_network_may_compare_by_a_distance(distance: object, of: Callable) -> None:
    """The evidence of a window is by how much covering it moves the images apart."""
    network = lfs.load_embedder(conv(), image_size=SIDE, distance=distance)
    a, b = PAIR
    h = network(PAIR).detach()
    apart = of(*h).item()
    for threshold in (1 - apart * 1.01, 1 - apart * 0.99):
        explain = lfs.load_explainer("occlusion", network, grid=2, similarity_threshold=threshold)
        e = explain(a, b)
        assert e.similarity == pytest.approx(1 - apart, abs=1e-5)
        assert e.is_similar == (apart < 1 - threshold)
    covered = a.clone()
    covered[:, :16, :16] = a.mean(dim=(1, 2), keepdim=True)
    moved = of(network(covered[None])[0].detach(), h[1]).item() - apart
    found = explain.evidence(explain.see(PAIR[None])).values[0, 0, 0, 0].item()
    assert found == pytest.approx(moved, abs=3e-6)
    for method in ("simexpert", "causal", "fggb"):
        with pytest.raises(lfs.LFSError, match="knows cosines only"):
            lfs.load_explainer(method, network)


def test_the_euclidean_distance_of_unit_vectors_is_a_cosine() -> None:
    """So that the decisions of both are the same, and each pixel speaks to the same side."""
    network = Then(lambda h: nn.functional.normalize(h)).eval()
    by_cosine = lfs.load_explainer("occlusion", network, grid=4)(*PAIR)
    far = lfs.load_embedder(network, distance="sqeuclidean")
    by_distance = lfs.load_explainer("occlusion", far, grid=4)(*PAIR)
    torch.testing.assert_close(
        by_distance.signed_maps, 2 * by_cosine.signed_maps, atol=1e-6, rtol=0
    )
    assert 1 - by_distance.similarity == pytest.approx(2 - 2 * by_cosine.similarity, abs=1e-5)


def test_reports_say_by_which_distance(tmp_path: Path) -> None:
    network = lfs.load_embedder(conv(), distance="euclidean")
    e = lfs.load_explainer("occlusion", network, similarity_threshold=0.4)(*PAIR)
    e.save(tmp_path / "out.html")
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert f"Euclidean distance <strong>{1 - e.similarity:.3f}</strong>" in page and "0.6" in page
    with pytest.raises(lfs.LFSError, match="no distance 'hamming'"):
        lfs.load_embedder(conv(), distance="hamming")
    with pytest.raises(lfs.LFSError, match="The explorer of pairs knows cosines only"):
        PairExplorer([*PAIR], [network])
    with pytest.raises(lfs.LFSError, match="A gallery knows cosines only"):
        lfs.index_folder(tmp_path, network)


FAR = """
import os
from torch import nn

class Far(nn.Module):
    image_size = 8

    def forward(self, images):
        return images.mean(dim=(2, 3)) + 0.1

def net():
    made = Far()
    if "FAR" in os.environ:
        made.distance = "euclidean"
    return made
"""


def test_what_ranks_by_cosines_refuses_another_distance_at_every_entrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even for a gallery that was made before its network compared otherwise."""
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    for k, colour in enumerate(("red", "green", "blue")):
        (tmp_path / "pictures" / colour).mkdir(parents=True)
        Image.new("RGB", (8, 8), colour).save(tmp_path / "pictures" / colour / f"{k}.png")
    own = tmp_path / "own.py"
    own.write_text(FAR, encoding="utf-8")
    pictures, gallery, query = (
        str(tmp_path / name) for name in ("pictures", "some.gallery", "pictures/red/0.png")
    )
    ask = ["retrieve", query, "--gallery", gallery]
    index = ["index", pictures, "--embedder", f"{own}:net", "-o", gallery]
    assert CliRunner().invoke(app, index).exit_code == 0
    assert CliRunner().invoke(app, ask).exit_code == 0

    cosine = lfs.load_embedder(f"{own}:net")
    before = lfs.index_folder(pictures, cosine, progress=False)
    monkeypatch.setenv("FAR", "1")
    for command in (ask, index, [*ask, "-o", str(tmp_path / "page.html")]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 1 and not done.stdout
        assert "A gallery knows cosines only; this network compares by 'euclidean'" in done.stderr
    far = lfs.load_embedder(cosine, distance="euclidean")
    with pytest.raises(lfs.LFSError, match="A gallery knows cosines only"):
        Retriever(before, far)
    retriever = Retriever(before, cosine)
    RetrievalExplorer(retriever, lfs.load_explainer("occlusion", cosine, grid=2))
    with pytest.raises(lfs.LFSError, match="network given is another"):
        RetrievalExplorer(retriever, lfs.load_explainer("occlusion", far, grid=2))
    with pytest.raises(lfs.LFSError, match="The explorer of pairs knows cosines only"):
        PairExplorer([query, query], [f"{own}:net"])


def test_an_image_is_explained_beside_a_texts_embedding() -> None:
    """As with an image that has this embedding."""
    network = conv()
    text = network(PAIR[1:])[0].detach()
    for method in ("occlusion", "gradcam", "causal", "integrated-gradients", "corrrise"):
        explain = lfs.load_explainer(method, network)
        beside, pair = lfs.explain_beside(explain, PAIR[0], text), explain(*PAIR)
        torch.testing.assert_close(beside.maps[0], pair.maps[0], atol=5e-3, rtol=0)
        assert beside.similarity == pytest.approx(pair.similarity, abs=1e-6)
        assert not beside.maps[1].any() and (beside.images[1] == 0.5).all()
    with pytest.raises(lfs.LFSError, match="explains pairs of images only"):
        lfs.explain_beside(lfs.load_explainer("simexpert", network), PAIR[0], text)
    with pytest.raises(lfs.LFSError, match=r"has shape \(3,\); the network gives \(8,\)"):
        lfs.explain_beside(explain, PAIR[0], text[:3])


@pytest.mark.slow
def test_every_method_on_every_shape() -> None:
    """They work, or refuse in one sentence that says what they need."""
    found = try_all()
    boxes = ["occlusion", "corrrise", "distance-explainer", "kernel-shap", "lime", "explainlfs"]
    for name, row in found.items():
        needs = explainer_class(name).needs
        for shape, said in row.items():
            if said == YES:
                continue
            assert re.search(
                r"needs a network with (gradients|layers|maps)|knows cosines only|no affine map of "
                r"the average|pairs of images only|has no rule for",
                said,
            ), (name, shape, said)
            blind = shape in ("function of NumPy", "without gradients")
            assert name not in boxes or shape == BESIDE, (name, shape, said)
            assert needs & {"gradients", "layers"} or not blind, (name, shape, said)
    for shape in ("transformer, class token", "channels last (Swin)", "bfloat16"):
        assert found["gradcam"][shape] == found["tummala"][shape] == YES
        assert found["amortised"][shape] == YES
    assert found["simexpert"]["channels last (Swin)"] == YES
    assert found["occlusion"][BESIDE] == YES != found["tummala"][BESIDE]
    table = markdown(found)
    assert table.count("\n| ") == len(found) + 2 and "1. " in table

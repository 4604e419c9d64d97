"""The pair explorer's Python side: what the view is told, what a page holds, what is doubted."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from asked import ask
from close_up import (
    NAMES,
    PAIRS,
    Faces,
    decoders,
    make_pair_explorer,
    noise,
    photographs,
    two_faces,
)
from crops import Colours
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.images import read_pair
from lfs_core.embedders import Embedder, embed
from lfs_core.evaluation.results import load_results
from lfs_core.findings.trust import (
    doubts_about_similarity,
)
from lfs_core.mapping import display_map
from lfs_core.util.manifest import RESULTS
from lfs_core.viz.matches import matches_contents
from lfs_core.viz.rendering import plotly_text
from lfs_core.viz.views import pair_explorer as module
from lfs_core.viz.views.pair_explorer import PairExplorer


@pytest.fixture(scope="module")
def explorer() -> PairExplorer:
    return make_pair_explorer()


def at(explorer: PairExplorer, pair: tuple[int, int], threshold: float = 0.5) -> list[int]:
    """A pair as the view asks about it."""
    return [0, pair[0], 0, pair[1], 0, explorer.contents["thresholds"].index(threshold)]


def place(explorer: PairExplorer, p: float) -> int:
    return explorer.contents["ps"].index(p)


def unpack(packed: dict, size: list[int]) -> np.ndarray:
    """A map's values as the view reads them."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(packed["steps"])), np.uint8)
    low, high = packed["range"]
    return low + np.cumsum(steps, dtype=np.uint8).reshape(size) / 255 * (high - low)


def embeddings(pair: tuple[int, int]) -> torch.Tensor:
    images = photographs()
    return embed(Colours(), read_pair(*(images[k] for k in pair), Colours.image_size))


def upload(explorer: PairExplorer, name: str, content: bytes) -> dict:
    return ask(explorer, "upload", name, base64.b64encode(content).decode())


def as_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


# What the view is told


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("kind", ["linear", "mlp", "conv"])
@pytest.mark.parametrize("p", [0.01, 0.3, 1.0])
def test_maps_are_those_of_explainlfs(
    explorer: PairExplorer, pair: tuple[int, int], kind: str, p: float
) -> None:
    answer = ask(explorer, "decoded", kind, place(explorer, p), *at(explorer, pair))
    explain = lfs.ExplainLFS(Colours(), decoders()[kind], p=p, similarity_threshold=0.5)
    images = photographs()
    expected = explain(images[pair[0]], images[pair[1]])
    # Independently of `difference_map`: what the decoder makes of h and of h + pR, uncut.
    h = embeddings(pair)
    with torch.no_grad():
        changed = decoders()[kind].pixels(h + p * expected.relevance) - decoders()[kind].pixels(h)
    for side, packed in enumerate(answer["maps"]):
        true = changed[side].abs().mean(dim=0).numpy()
        assert packed["range"][0] == 0
        assert packed["range"][1] == pytest.approx(true.max(), rel=1e-4)
        shown = unpack(packed, answer["size"])
        assert np.abs(shown - true).max() <= 0.505 / 255 * true.max()
        enlarged = display_map(torch.from_numpy(shown).float(), (32, 32))
        assert (enlarged - expected.maps[side]).abs().max() <= 1.5 / 255
    assert answer["signed"] is None


def test_no_perturbation_no_change(explorer: PairExplorer) -> None:
    for kind in decoders():
        answer = ask(explorer, "decoded", kind, place(explorer, 0.0), *at(explorer, PAIRS[0]))
        assert [packed["range"] for packed in answer["maps"]] == [[0, 0], [0, 0]]
        assert (unpack(answer["maps"][0], answer["size"]) == 0).all()


@pytest.mark.parametrize("method", ["occlusion", "centre"])
def test_other_methods_are_asked_as_they_are(explorer: PairExplorer, method: str) -> None:
    answer = ask(explorer, "map", method, *at(explorer, PAIRS[1]))
    images = photographs()
    explain = lfs.load_explainer(method, Colours(), similarity_threshold=0.5)
    expected = explain(images[PAIRS[1][0]], images[PAIRS[1][1]])
    assert answer["size"] == [32, 32]
    for side, packed in enumerate(answer["maps"]):
        error = np.abs(unpack(packed, [32, 32]) - expected.maps[side].numpy()).max()
        assert error <= 0.501 / 255
    assert (answer["signed"] is None) == (expected.signed_maps is None)
    for side, packed in enumerate(answer["signed"] or []):
        low, high = expected.signed_maps[side].aminmax()
        assert packed["range"] == pytest.approx([low.item(), high.item()], rel=1e-5)


def test_methods_that_tell_say_which_places_match() -> None:
    explorer = make_pair_explorer(methods=("causal", "occlusion"))
    assert explorer.contents["telling"] == ["causal"]
    images = photographs()
    explain = lfs.load_explainer("causal", Colours(), similarity_threshold=0.5)
    expected = matches_contents(explain(images[0], images[1]))
    assert ask(explorer, "map", "causal", *at(explorer, PAIRS[0]))["told"] == expected
    assert ask(explorer, "map", "occlusion", *at(explorer, PAIRS[0]))["told"] is None
    assert expected["grid"] == [8, 8] and expected["matched"]


@pytest.mark.parametrize("pair", PAIRS)
def test_the_decision_and_the_latents(explorer: PairExplorer, pair: tuple[int, int]) -> None:
    h = embeddings(pair).double().numpy()
    cosine = h[0] @ h[1] / np.linalg.norm(h[0]) / np.linalg.norm(h[1])
    for threshold in (-1.0, 0.5, 0.8, 1.0):
        answer = ask(explorer, "pair", *at(explorer, pair, threshold))
        assert answer["similarity"] == pytest.approx(cosine, abs=1e-4)
        assert answer["similar"] == (cosine > threshold)
    for sent, true in zip(answer["h"], h, strict=True):
        steps = np.frombuffer(base64.b64decode(sent), np.int8)
        assert np.abs(steps * answer["scale"] - true).max() <= 0.51 * answer["scale"]
    d = np.frombuffer(base64.b64decode(answer["d"]), np.uint8) / 255
    gap = np.abs(h[0] - h[1])
    assert np.abs(d - (gap - gap.min()) / (gap.max() - gap.min())).max() <= 0.51 / 255


def test_xi_1_turns_the_relevance_round(explorer: PairExplorer) -> None:
    images = photographs()
    maps = {}
    for threshold in (0.0, 1.0):
        setting = at(explorer, PAIRS[0], threshold)
        answer = ask(explorer, "decoded", "mlp", place(explorer, 0.3), *setting)
        explain = lfs.ExplainLFS(Colours(), decoders()["mlp"], similarity_threshold=threshold)
        expected = explain(images[0], images[1]).maps[0]
        maps[threshold] = unpack(answer["maps"][0], answer["size"])
        enlarged = display_map(torch.from_numpy(maps[threshold]).float(), (32, 32))
        assert (enlarged - expected).abs().max() <= 1.5 / 255
    assert np.corrcoef(maps[0.0].ravel(), maps[1.0].ravel())[0, 1] < 0.99


@pytest.mark.parametrize("j", [0, 17, 47])
def test_a_latent_alone_follows_its_formula(explorer: PairExplorer, j: int) -> None:
    """Of the linear decoder |p R_j W_j|; of the others the difference of two decodings."""
    setting, p, h = at(explorer, PAIRS[0]), 0.4, embeddings(PAIRS[0])
    R = lfs.relevance(*h, similar=True)
    linear = decoders()["linear"]
    column = linear.weight[:, j].reshape(3, 20, 20).abs().mean(dim=0).numpy()
    answer = ask(explorer, "column", "linear", 0, j)
    assert len(answer["maps"]) == 1
    shown = unpack(answer["maps"][0], answer["size"])
    assert np.abs(shown - column).max() <= 0.51 / 255 * column.max()
    alone = ask(explorer, "latent", "linear", place(explorer, p), j, *setting)
    assert alone["maps"][0]["range"][1] == pytest.approx(p * R[j].item() * column.max(), rel=1e-3)
    conv = decoders()["conv"]
    answer = ask(explorer, "latent", "conv", place(explorer, p), j, *setting)
    moved = h.clone()
    moved[:, j] += p * R[j]
    true = (conv.pixels(moved) - conv.pixels(h)).abs().mean(dim=1).numpy()
    for side in (0, 1):
        error = np.abs(unpack(answer["maps"][side], answer["size"]) - true[side]).max()
        assert error <= 0.51 / 255 * true[side].max() + 1e-7


def test_nothing_is_embedded_twice() -> None:
    class Counting(Colours):
        seen = 0

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            Counting.seen += len(images)
            return super().forward(images)

    explorer = PairExplorer(photographs(), [Counting()], decoders=decoders())
    Counting.seen = 0  # methods were tried on it
    setting = [0, 0, 0, 1, 0, 130]
    for p in range(0, 101, 5):
        for kind in decoders():
            assert "problem" not in ask(explorer, "decoded", kind, p, *setting)
    ask(explorer, "pair", *setting)
    assert Counting.seen == 2


class Convolved(torch.nn.Module):
    """A network with maps."""

    name, image_size = "convolved", 32

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 8, 3, stride=2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images).relu().mean(dim=(2, 3))


def test_methods_that_look_inside_are_not_offered_for_a_black_box() -> None:
    def black_box(images: torch.Tensor) -> torch.Tensor:
        return Colours()(images).detach()

    explorer = PairExplorer(photographs(), [black_box, Colours(), Convolved()], decoders={})
    closed, shallow, opened = (of["methods"] for of in explorer.contents["networks"])
    assert not {"gradcam", "gradient-x-input"} & {*closed}
    assert "gradcam" not in shallow and "gradient-x-input" in shallow  # it has no maps
    assert "gradcam" in opened
    assert closed[0] == shallow[0] == opened[0] == "occlusion"  # the default, without a decoder
    assert "explainlfs" not in closed
    closed = explorer.contents["networks"][0]
    assert closed["decoders"] == {}


def test_the_causal_head_is_offered_where_one_ships() -> None:
    explorer = PairExplorer(photographs(), ["facenet-casia", Colours()], decoders={})
    faces, others = explorer.contents["networks"]
    assert "amortised" in faces["methods"] and "amortised" not in others["methods"]


# Uploads, exports and what goes wrong


def test_an_upload_can_be_chosen(explorer: PairExplorer) -> None:
    explorer = make_pair_explorer()
    answer = upload(explorer, "mine.png", as_png(photographs()[2].rotate(20)))
    assert (answer["item"], answer["name"]) == (4, "mine.png")
    assert answer["picture"].startswith("data:image/webp;base64,")
    opened = ask(explorer, "photograph", 0, 4)
    assert opened["name"] == "mine.png" and len(opened["pictures"]) == 1
    similar = ask(explorer, "pair", *at(explorer, (2, 4)))
    assert similar["similarity"] > ask(explorer, "pair", *at(explorer, (0, 4)))["similarity"]
    assert ask(explorer, "decoded", "conv", 30, *at(explorer, (0, 4)))["maps"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("letter.png", b"not an image"),
        ("empty.jpg", b""),
        ("telephone.heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)),
        ("cut.png", None),
        ("dot.png", "dot"),
    ],
)
def test_a_bad_upload_says_what_is_wrong_and_changes_nothing(
    explorer: PairExplorer, name: str, content: bytes | str | None
) -> None:
    if content is None:
        content = as_png(noise())[:2000]
    elif content == "dot":
        content = as_png(noise(3))
    before = len(explorer.photographs)
    answer = upload(explorer, name, content)
    assert set(answer) == {"problem"} and answer["problem"].startswith(name)
    assert len(explorer.photographs) == len(explorer.names) == before
    assert "upload it again" in ask(explorer, "upload", name, "###")["problem"]


@pytest.mark.parametrize(
    "question",
    [
        ("photograph", 0, 99),
        ("pair", 0, 0, 9, 1, 0, 100),
        ("decoded", "none", 0, 0, 0, 0, 1, 0, 100),
        ("map", "no-method", 0, 0, 0, 1, 0, 100),
        ("pair",),
        ("fly",),
    ],
)
def test_what_does_not_exist_is_a_problem_not_a_crash(
    explorer: PairExplorer, question: tuple
) -> None:
    assert set(ask(explorer, *question)) == {"problem"}


def test_a_network_that_fails_is_heard() -> None:
    def broken(images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of memory")

    explorer = PairExplorer(photographs(), [broken], decoders=decoders())
    problem = ask(explorer, "pair", 0, 0, 0, 1, 0, 130)["problem"]
    assert "RuntimeError: out of memory" in problem and "test_pair_explorer.py, line" in problem


def test_a_photograph_that_has_gone_is_named(tmp_path: Path) -> None:
    for k, image in enumerate(photographs()):
        image.save(tmp_path / f"{k}.png")
    (tmp_path / "1.png").unlink()
    files = [tmp_path / f"{k}.png" for k in range(4)]
    explorer = PairExplorer(files, [Colours()], decoders=decoders())
    assert [entry["name"] for entry in explorer.contents["entries"]] == [f.name for f in files]
    assert "1.png does not exist" in ask(explorer, "photograph", 0, 1)["problem"]
    with pytest.raises(lfs.ImageError, match=r"1\.png does not exist"):
        explorer.page([(0, 1)])


def test_the_files_it_gives_hold_the_whole_explanation(explorer: PairExplorer) -> None:
    setting = at(explorer, PAIRS[0])
    answer = ask(explorer, "report", "json", "explainlfs", "mlp", place(explorer, 0.5), *setting)
    content = json.loads(answer["text"])
    explain = lfs.ExplainLFS(
        Colours(), decoders()["mlp"], p=0.5, similarity_threshold=0.5, map_threshold=0.6
    )
    expected = explain(*photographs()[:2])
    assert content["images"] == NAMES[:2] and content["doubts"]
    for key in ("method", "similarity", "is_similar", "relevance", "maps"):
        assert content[key] == json.loads(json.dumps(expected.to_dict()[key]))
    page = ask(explorer, "report", "html", "occlusion", "", 0, *setting)["text"]
    assert page.startswith("<!DOCTYPE html>") and "Occlusion" in page and NAMES[1] in page
    assert "has not been tested" in page and "://" not in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": 2}, r"p is 2; it must lie in \[0, 1\]"),
        ({"similarity_threshold": 3}, "similarity_threshold is 3"),
        ({"map_threshold": -1}, "map_threshold is -1"),
        ({"methods": ["magic"]}, "no explainer 'magic'"),
    ],
)
def test_wrong_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(lfs.LFSError, match=message):
        make_pair_explorer(**options)
    with pytest.raises(lfs.LFSError, match="at least two photographs"):
        PairExplorer(photographs()[:1], [Colours()], decoders={})


# Faces


def test_of_several_faces_one_is_chosen() -> None:
    both = two_faces()
    explorer = PairExplorer([both, noise()], [Faces()], decoders=decoders())
    opened = ask(explorer, "photograph", 0, 0)
    assert len(opened["pictures"]) == 2 and opened["doubts"] == [[], []]
    boxes = opened["faces"]["boxes"]
    assert boxes == sorted(boxes) and opened["chosen"] in (0, 1)
    assert ask(explorer, "photograph", 0, 1)["faces"] is None
    expected = lfs.datasets.faces.align_faces(both)
    for part in (0, 1):
        seen = explorer._seen(0, 0, part)[0]
        true = read_pair(expected[part], expected[part], Faces.image_size)[0]
        assert torch.equal(seen, true)
    one, other = (ask(explorer, "pair", 0, 0, part, 0, 0, 130) for part in (0, 1))
    assert one["similarity"] == 1 and other["similarity"] < 1


def test_a_photograph_without_a_face_is_doubted(explorer: PairExplorer) -> None:
    explorer = PairExplorer([two_faces(), noise()], [Faces()], decoders=decoders())
    (doubts,) = ask(explorer, "photograph", 0, 1)["doubts"]
    assert "No face is found in photograph 2" in doubts[0]
    report = ask(explorer, "report", "json", "explainlfs", "linear", 30, 0, 0, 0, 1, 0, 130)
    assert doubts[0] in json.loads(report["text"])["doubts"]


# What is doubted


def test_a_cosine_next_to_the_threshold_or_out_of_range_is_doubted() -> None:
    stored = load_results(RESULTS / "faces.json").similarity
    inside = stored.median().item()
    assert doubts_about_similarity("facenet-casia", inside, -0.9) == []
    assert "within 0.05" in doubts_about_similarity("facenet-casia", inside, inside - 0.04)[0]
    assert "within 0.05" in doubts_about_similarity("facenet-casia", inside, inside + 0.04)[0]
    for outside in (stored.max().item() + 0.001, stored.min().item() - 0.001):
        (doubt,) = doubts_about_similarity("facenet-casia", outside, 0.5)
        assert "outside all that the 500 measured pairs of LFW gave" in doubt
    assert doubts_about_similarity("unknown", 1.0, 0.5) == []


# The page


def written(page: str) -> dict:
    start = page.index('<script type="application/json">') + len('<script type="application/json">')
    return json.loads(page[start : page.index("</script>", start)])


def test_a_page_answers_as_python_does(explorer: PairExplorer, tmp_path: Path) -> None:
    contents = written(explorer.page(PAIRS, first=1))
    assert (contents["live"], contents["first"]) == (False, 1)
    assert [contents["ps"][k] for k in contents["pPlaces"]] == [k / 10 for k in range(11)]
    asked = set()
    for key, answer in contents["answers"].items():
        kind, *arguments = [int(part) if part.isdigit() else part for part in key.split(",")]
        asked.add(kind)
        if kind != "column" or arguments[2] < 3:
            assert answer == json.loads(json.dumps(ask(explorer, kind, *arguments)))
    assert asked == {"photograph", "pair", "map", "decoded", "column", "doubts"}
    for pair in PAIRS:
        setting = ",".join(map(str, at(explorer, pair)))
        assert f"pair,{setting}" in contents["answers"]
        for kind in decoders():
            for k in contents["pPlaces"]:
                assert f"decoded,{kind},{k},{setting}" in contents["answers"]
    explorer.save(tmp_path / "page.html", PAIRS)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    code = page[: page.index('<script type="application/json">')] + page.split("</script>", 1)[1]
    assert "://" not in code and "url(" not in code and " src=" not in code


def test_a_p_between_the_steps_is_in_the_page() -> None:
    contents = written(make_pair_explorer(p=0.123).page(PAIRS))
    assert contents["ps"][contents["p"]] == 0.123 and contents["p"] in contents["pPlaces"]


def test_pages_of_nothing_are_refused(explorer: PairExplorer, tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="There is no pair 0"):
        explorer.page([])
    with pytest.raises(lfs.LFSError, match="There is no pair 3; there are 3"):
        explorer.page(PAIRS, first=3)
    with pytest.raises(lfs.LFSError, match=r"must end in \.html"):
        explorer.save(tmp_path / "page.pdf", PAIRS)


def test_evil_names_stay_names() -> None:
    evil = "</script><script>alert(1)</script><!--"
    explorer = make_pair_explorer(names=[evil, *NAMES[1:]])
    contents = written(explorer.page(PAIRS))
    assert contents["answers"]["photograph,0,0"]["name"] == evil


@pytest.mark.slow
def test_a_page_of_eight_pairs_is_light(monkeypatch: pytest.MonkeyPatch) -> None:
    """512 latents, three decoders, four other methods, photographs of 160 pixels, maps of 40."""

    class Wide(Colours):
        image_size = 160

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            weight = torch.randn(48, 512, generator=torch.Generator().manual_seed(0))
            return super().forward(images) @ weight

    generator = torch.Generator().manual_seed(1)
    h = torch.randn(700, 512, generator=generator)
    coarse = torch.rand(700, 3, 10, 10, generator=generator)
    images = torch.nn.functional.interpolate(coarse, (40, 40), mode="bilinear")
    linear = lfs.LinearDecoder.fit(h, images, ridge=1.0)
    deep = {k: lfs.ConvDecoder(512, (40, 40), 16).eval().requires_grad_(False) for k in "ab"}
    explorer = PairExplorer(
        photographs() * 4,
        [Wide()],
        decoders={"linear": linear, **deep},
        methods=["explainlfs", "centre", "edges", "random", "gradient-x-input"],
    )
    page = explorer.page([(2 * k, 2 * k + 1) for k in range(8)])
    page = page.replace(plotly_text(), "")  # of which the book has one for all pages
    assert len(page) <= 3e6, f"{len(page) / 1e6:.2f} MB"


# How fast


def timed(act: Callable[[], object]) -> float:
    """Seconds of work, on all cores together: others on this machine do not count."""
    import time

    start = time.process_time()
    act()
    return time.process_time() - start


def test_a_slider_is_answered_at_once() -> None:
    explorer = PairExplorer(photographs(), [Colours()], decoders=decoders())
    setting = [0, 0, 0, 1, 0, 130]
    ask(explorer, "decoded", "conv", 0, *setting)
    times = [timed(lambda p=p: ask(explorer, "decoded", "conv", p, *setting)) for p in range(100)]
    assert min(times) <= 0.1
    assert module.STEPS == 100


def test_a_new_pair_is_answered_soon(facenet: Embedder) -> None:
    """Two photographs that were never seen: faces found, embedded, compared and explained."""
    explorer = PairExplorer([two_faces(), two_faces().crop((0, 0, 512, 512)), *photographs()])
    at = explorer.contents["threshold"]
    ask(explorer, "pair", 0, 2, 0, 3, 0, at)  # detector and network are loaded

    def new_pair() -> None:
        for item in (0, 1):
            assert ask(explorer, "photograph", 0, item)["pictures"]
        assert "problem" not in ask(explorer, "pair", 0, 0, 0, 1, 0, at)
        assert ask(explorer, "decoded", "linear", 30, 0, 0, 0, 1, 0, at)["maps"]

    assert min(timed(new_pair) for _ in range(3)) <= 4  # on all cores; 1 where nothing else runs

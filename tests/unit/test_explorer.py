"""The retrieval explorer's Python side: what the view is told, and what a page holds."""

from __future__ import annotations

import base64
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import pytest
import torch
from asked import ask
from crops import Colours, explain, make_explorer, write_crops
from PIL import Image

import lfs_core as lfs
from lfs_core.explanation import PairExplanation
from lfs_core.search.gallery import index_folder
from lfs_core.search.retriever import Retriever
from lfs_core.viz.matches import matched_parts
from lfs_core.viz.rendering import plotly_text
from lfs_core.viz.views import explorer as module
from lfs_core.viz.views.explorer import RetrievalExplorer

LONE = "No other photograph of its class is in the gallery."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explorer") / "crops"
    write_crops(folder)
    return folder


@pytest.fixture
def explorer(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RetrievalExplorer:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    return make_explorer(folder, top=6, bottom=2)


def cosines(explorer: RetrievalExplorer, item: int) -> np.ndarray:
    h = explorer.retriever.gallery.embeddings.double().numpy()
    return h @ h[item] / np.linalg.norm(h, axis=1) / np.linalg.norm(h[item])


def ranked(explorer: RetrievalExplorer, item: int) -> list[int]:
    """All others, most similar first, by brute force."""
    order = np.argsort(-cosines(explorer, item))
    return [int(k) for k in order if k != item]


def upload(explorer: RetrievalExplorer, name: str, content: bytes) -> dict:
    return ask(explorer, "upload", name, base64.b64encode(content).decode())


class Hit(NamedTuple):
    """A result as the view shows it."""

    item: int
    rank: int
    similarity: float
    verdict: str


def inflated(answer: dict) -> str:
    """The HTML in an answer, as the view reads it."""
    return zlib.decompress(base64.b64decode(answer["html"])).decode()


def retrieved(explorer: RetrievalExplorer, *question: object) -> list[Hit]:
    """The results in an answer's HTML."""
    html = inflated(ask(explorer, *question))
    found = [a for tag, a, _ in Elements(html).found if tag == "button"]
    said = [float(re.search("similarity (-?[0-9.]+)", a["aria-label"])[1]) for a in found]
    return [
        Hit(int(a["data-item"]), int(a["data-rank"]), similarity, a["data-verdict"])
        for a, similarity in zip(found, said, strict=True)
    ]


def unpack(text: str, size: list[int]) -> np.ndarray:
    """A map as the view reads it."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.cumsum(steps, dtype=np.uint8).reshape(size) / 255


# What the view is told


def test_the_results_are_the_nearest_and_the_farthest(explorer: RetrievalExplorer) -> None:
    for item in (0, 9, 24):
        found, order = retrieved(explorer, "top", item), ranked(explorer, item)
        assert [hit.item for hit in found] == order[:6] + order[::-1][:2]
        assert [hit.rank for hit in found] == [1, 2, 3, 4, 5, 6, len(order), len(order) - 1]
        expected = cosines(explorer, item)
        for hit in found:
            assert hit.similarity == pytest.approx(expected[hit.item], abs=0.501e-3)


def test_average_precision_follows_its_formula(explorer: RetrievalExplorer) -> None:
    labels = explorer.retriever.gallery.labels
    everywhere = ask(explorer, "precisions")["precisions"]
    for item, label in enumerate(labels):
        right = [labels[k] == label for k in ranked(explorer, item)]
        found = [sum(right[: k + 1]) / (k + 1) for k in range(6) if right[k]]
        expected = sum(found) / min(6, sum(right)) if sum(right) else None
        assert ask(explorer, "open", item)["precision"] == pytest.approx(expected, abs=1e-4)
        assert everywhere[str(item)] == pytest.approx(expected, abs=1e-4)


def test_a_large_gallery_is_not_evaluated_at_once(
    explorer: RetrievalExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALL_APS_UP_TO", 10)
    assert ask(explorer, "precisions") == {"precisions": {}}


def test_a_photograph_alone_in_its_class_is_neither_right_nor_wrong(
    explorer: RetrievalExplorer,
) -> None:
    lone = explorer.contents["names"].index("lone.png")
    opened = ask(explorer, "open", lone)
    assert opened["precision"] is None and "lfs-strip" not in opened["head"]
    assert {hit.verdict for hit in retrieved(explorer, "top", lone)} == {""}
    assert inflated(ask(explorer, "answers", lone, 0)) == f"<p>{LONE}</p>"


def test_answers_are_the_class_with_its_ranks(explorer: RetrievalExplorer) -> None:
    labels = explorer.retriever.gallery.labels
    order = ranked(explorer, 10)
    expected = [(k, rank) for rank, k in enumerate(order, 1) if labels[k] == labels[10]]
    hits = retrieved(explorer, "answers", 10, 0)
    assert [(hit.item, hit.rank) for hit in hits] == expected
    assert {hit.verdict for hit in hits} == {"\u2713 right"}
    assert ask(explorer, "answers", 10, 0)["total"] == len(expected)


def test_the_ranking_comes_in_parts(
    explorer: RetrievalExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RANKS", 10)
    parts = [retrieved(explorer, "ranking", 3, start) for start in (0, 10, 20)]
    assert [len(part) for part in parts] == [10, 10, 4]
    assert [hit.item for part in parts for hit in part] == ranked(explorer, 3)
    assert [hit.rank for part in parts for hit in part] == list(range(1, 25))


def test_latents_are_exact_to_half_a_step(explorer: RetrievalExplorer) -> None:
    answer = ask(explorer, "latents", 4)
    steps = np.frombuffer(base64.b64decode(answer["values"]), np.int8)
    h = explorer.retriever.gallery.embeddings[4].numpy()
    assert np.abs(steps * answer["scale"] - h).max() <= answer["scale"] * 0.501


def test_maps_are_exact_to_half_a_step(explorer: RetrievalExplorer) -> None:
    answer = ask(explorer, "pair", 0, 9)
    images = [explorer.retriever.gallery.path(item) for item in (0, 9)]
    expected = explain(*images)
    for text, heat in zip(answer["maps"], expected.maps.numpy(), strict=True):
        assert np.abs(unpack(text, answer["size"]) - heat).max() <= 0.501 / 255
    assert answer["similarity"] == pytest.approx(expected.similarity, abs=1e-4)
    assert answer["similar"] == expected.is_similar
    assert (answer["threshold"], answer["mapThreshold"]) == ("0.5", 0.5)
    assert answer["ranges"] == [[0, 1], [0, 1]]


def test_the_parts_that_matched_are_told_by_methods_that_know(
    explorer: RetrievalExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(explorer, "pair", 0, 9)["matched"] is None
    method = lfs.load_explainer("causal", Colours(), grid=4)
    monkeypatch.setattr(explorer, "explain", method)
    answer = ask(explorer, "pair", 0, 9)
    assert list(answer["grid"]) == [4, 4]
    e = method(explorer.queries.framed(0), explorer.queries.framed(9))
    for text, part in zip(answer["matched"], matched_parts(e).numpy(), strict=True):
        assert np.abs(unpack(text, [4, 4]) - part).max() <= 0.501 / 255


def test_large_maps_are_averaged_down(explorer: RetrievalExplorer) -> None:
    maps = torch.zeros(2, 120, 80)
    maps[:, :60, :40] = 0.8
    images = torch.zeros(2, 3, 120, 80)
    explorer.explain = lambda a, b: PairExplanation("m", 0.0, False, images, maps, 0.7, {})
    answer = ask(explorer, "pair", 0, 1)
    assert answer["size"] == [40, 27] and answer["threshold"] is None
    reduced = unpack(answer["maps"][1], answer["size"])
    assert reduced.mean() == pytest.approx(0.2, abs=0.005)
    assert reduced[0, 0] == pytest.approx(0.8, abs=0.003) and reduced[-1, -1] == 0


def test_pictures_keep_their_proportions(explorer: RetrievalExplorer) -> None:
    import io

    source = ask(explorer, "pictures", 96, 0, 1)["pictures"]["0"]["source"]
    kind, data = source.split(",")
    assert kind == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (96, 80)


def test_only_names_are_sent_at_the_start(explorer: RetrievalExplorer) -> None:
    state = json.dumps(explorer.contents)
    assert "lone.png" in state and "data:image" not in state


def test_colours_are_those_of_the_figures(explorer: RetrievalExplorer) -> None:
    colours = np.frombuffer(base64.b64decode(explorer.contents["colours"]), np.uint8)
    expected = matplotlib.colormaps["inferno"](np.linspace(0, 1, 256))[:, :3] * 255
    assert np.abs(colours.reshape(256, 3) - expected).max() <= 1


# Uploads and errors


def test_an_upload_is_a_query(explorer: RetrievalExplorer, folder: Path, tmp_path: Path) -> None:
    Image.open(folder / "coffee" / "00.png").rotate(10).save(tmp_path / "mine.png")
    number = len(explorer.retriever.gallery)
    content = (tmp_path / "mine.png").read_bytes()
    assert upload(explorer, "mine.png", content) == {"item": number, "name": "mine.png"}
    opened = ask(explorer, "open", number)
    assert opened["name"] == "mine.png" and "is not known" in opened["head"]
    assert len(retrieved(explorer, "ranking", number, 0)) == number
    nearest = retrieved(explorer, "top", number)[0]
    assert nearest.verdict == ""
    pair = ask(explorer, "pair", number, nearest.item)
    assert pair["similarity"] == pytest.approx(nearest.similarity, abs=1.5e-3)
    assert content not in str(explorer.get_state()).encode()  # the notebook does not store it


def test_an_upload_that_the_gallery_holds_is_found_in_it(
    explorer: RetrievalExplorer, folder: Path
) -> None:
    content = (folder / "coffee" / "02.png").read_bytes()
    item = upload(explorer, "copy.png", content)["item"]
    position = explorer.contents["names"].index("coffee/02.png")
    opened, original = ask(explorer, "open", item), ask(explorer, "open", position)
    assert opened.pop("name") == "copy.png" and original.pop("name") == "coffee/02.png"
    held = "<p>The gallery holds it, as coffee/02.png.</p>\n"
    told, as_it_is = opened.pop("head"), original.pop("head")
    assert held in told
    plain = told.replace(held, "").replace("copy.png", "coffee/02.png")
    assert plain.replace(f'data-item="{item}"', f'data-item="{position}"') == as_it_is
    assert opened == original
    assert retrieved(explorer, "top", item) == retrieved(explorer, "top", position)


@pytest.mark.parametrize("content", [b"not an image", b""])
def test_a_bad_upload_says_what_is_wrong_and_changes_nothing(
    content: bytes, explorer: RetrievalExplorer
) -> None:
    before = ask(explorer, "open", 0)
    problem = upload(explorer, "letter.png", content)["problem"]
    assert problem == "letter.png is not an image that can be read."
    assert ask(explorer, "open", 0) == before
    assert "no photograph" in ask(explorer, "open", len(explorer.retriever.gallery))["problem"]


def test_an_upload_that_did_not_arrive_whole(explorer: RetrievalExplorer) -> None:
    assert "upload it again" in ask(explorer, "upload", "a.png", "###")["problem"]


@pytest.mark.parametrize("question", [("open", -1), ("open", 25), ("pair", 0, 99), ("fly",)])
def test_what_does_not_exist_is_a_problem_not_a_crash(
    question: tuple, explorer: RetrievalExplorer
) -> None:
    assert set(ask(explorer, *question)) == {"problem"}


def test_an_explainer_that_fails_is_heard(explorer: RetrievalExplorer) -> None:
    def fail(image_a: Image.Image, image_b: Image.Image) -> PairExplanation:
        raise RuntimeError("out of memory")

    explorer.explain = fail
    assert ask(explorer, "pair", 0, 1) == {"problem": "RuntimeError: out of memory"}
    with pytest.raises(RuntimeError, match="out of memory"):
        explorer.page([0])


def test_a_photograph_that_has_gone_is_named(tmp_path: Path, explorer: RetrievalExplorer) -> None:
    write_crops(tmp_path / "crops", per_scene=2)
    explorer = make_explorer(tmp_path / "crops")
    (tmp_path / "crops" / "lone.png").unlink()
    lone = explorer.contents["names"].index("lone.png")
    pictures = ask(explorer, "pictures", 96, 0, lone)["pictures"]
    assert "source" in pictures["0"]
    assert "lone.png cannot be read" in pictures[str(lone)]["problem"]
    with pytest.raises(lfs.ImageError, match=r"lone.png cannot be read .* run `lfs index` again"):
        explorer.page([lone])


def test_a_page_names_what_has_changed_and_shows_the_rest(tmp_path: Path) -> None:
    write_crops(tmp_path / "crops", per_scene=2)
    explorer = make_explorer(tmp_path / "crops")
    gallery = explorer.retriever.gallery
    query, changed, gone = 0, *(hit.position for hit in explorer.retriever(0).nearest[:2])
    Image.new("RGB", (50, 50), "red").save(gallery.path(changed))
    gallery.path(gone).unlink()
    contents = page_contents(explorer.page([query]))
    for place, reason in ((changed, "has changed since"), (gone, "cannot be read")):
        for said in (contents["pictures"][str(place)], contents["answers"][f"pair,0,{place}"]):
            assert list(said) == ["problem"]
            assert gallery.photographs[place].name in said["problem"] and reason in said["problem"]
    others = [of for k, of in contents["pictures"].items() if int(k) not in (changed, gone)]
    assert others and all("source" in of for of in others)
    problems = {hit.position: hit.problem for hit in explorer.retriever(0, top=50).nearest}
    assert {place for place, problem in problems.items() if problem} == {changed, gone}


# Pages


class Elements(HTMLParser):
    """The elements of a page: name, attributes, and text of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict, list[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.found.append((tag, dict(attributes), []))

    def handle_data(self, data: str) -> None:
        if self.found:
            self.found[-1][2].append(data)

    def scripts(self) -> list[tuple[str, str]]:
        return [(a.get("type"), "".join(text)) for tag, a, text in self.found if tag == "script"]


def page_contents(page: str) -> dict:
    (kind, data), (packed_kind, packed), (module_kind, _) = Elements(page).scripts()
    assert (kind, packed_kind, module_kind) == ("application/json", "text/plain", "module")
    assert packed.strip() == plotly_text()
    return json.loads(data)


def test_a_page_holds_all_that_its_queries_ask(explorer: RetrievalExplorer) -> None:
    contents = page_contents(explorer.page([3, 12]))
    assert contents["entries"] == [3, 12] and not contents["live"]
    for item in (3, 12):
        opened = contents["answers"][f"open,{item}"]
        assert opened == json.loads(json.dumps(explorer.reply("open", item)))
        for position in (hit.item for hit in retrieved(explorer, "top", item)):
            pair = contents["answers"][f"pair,{item},{position}"]
            assert pair == json.loads(json.dumps(explorer.reply("pair", item, position)))
            assert contents["answers"][f"latents,{position}"]["values"]
            source = contents["pictures"][str(position)]["source"]
            assert source.startswith("data:image/webp;base64,")
        for kind in ("top", "answers", "ranking"):
            answer = contents["answers"][f"{kind},{item},0"]
            assert answer == explorer.reply(kind, item, 0)
        names = [name for k, name in enumerate(explorer.contents["names"]) if k != item]
        assert all(f'title="{name}"' in inflated(answer) for name in names)


def test_a_page_asks_for_nothing_from_outside(explorer: RetrievalExplorer, tmp_path: Path) -> None:
    explorer.save(tmp_path / "page.html", [0])
    document = (tmp_path / "page.html").read_text(encoding="utf-8")
    fetching = {"src", "href", "srcset", "data", "action", "poster"}
    assert not any(fetching & attributes.keys() for _, attributes, _ in Elements(document).found)
    code = document.replace(Elements(document).scripts()[0][1], "")
    assert (
        "://" not in code and "url(" not in code and "import" not in code.replace("important", "")
    )
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".html"] == ["page.html"]


def test_evil_names_stay_names(tmp_path: Path, explorer: RetrievalExplorer) -> None:
    write_crops(tmp_path / "crops", per_scene=2)
    name = "a</script><script>alert(1)</script><!--<script>&amp;.png"
    (tmp_path / "crops" / name).parent.mkdir(parents=True)
    (tmp_path / "crops" / "lone.png").rename(tmp_path / "crops" / name)
    explorer = make_explorer(tmp_path / "crops")
    item = explorer.contents["names"].index(name)
    contents = page_contents(explorer.page([item]))  # three scripts, as without that name
    assert contents["names"][str(item)] == name


def test_an_image_from_outside_can_be_a_page(
    explorer: RetrievalExplorer, astronaut: Path, tmp_path: Path
) -> None:
    contents = page_contents(explorer.page([0, astronaut]))
    number = len(explorer.retriever.gallery)
    assert contents["entries"] == [0, number]
    assert contents["names"][str(number)] == "astronaut.jpg"
    with pytest.raises(lfs.ImageError, match="does not exist"):
        explorer.page([tmp_path / "nothing.png"])


def test_pages_that_cannot_be_made(explorer: RetrievalExplorer, tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="at least one query"):
        explorer.page([])
    with pytest.raises(lfs.LFSError, match="no photograph 99"):
        explorer.page([99])
    with pytest.raises(lfs.LFSError, match=r"must end in \.html"):
        explorer.save(tmp_path / "page.pdf", [0])
    assert not list(tmp_path.glob("page*"))


def test_a_page_is_light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some 130 photographs, six queries, 25 results each, 1280 latents, maps of the photographs."""

    class Wide(Colours):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            weight = torch.randn(48, 1280, generator=torch.Generator().manual_seed(0))
            return super().forward(images) @ weight

    def explain_details(image_a: Image.Image, image_b: Image.Image) -> PairExplanation:
        grey = [image.convert("L").resize((40, 40)) for image in (image_a, image_b)]
        maps = torch.stack([torch.from_numpy(np.asarray(image) / 255).float() for image in grey])
        return PairExplanation("grey", 0.1, False, maps[:, None], maps, 0.7, {})

    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    write_crops(tmp_path / "crops", per_scene=43)
    network = Wide()
    retriever = Retriever(index_folder(tmp_path / "crops", network, progress=False), network)
    page = RetrievalExplorer(retriever, explain_details).page(range(0, 129, 22))
    page = page.replace(plotly_text(), "")  # of which the book has one for all pages
    assert len(page) <= 1.5e6, f"{len(page) / 1e6:.2f} MB"


# What both photographs show


def test_what_two_photographs_share_is_outlined(explorer: RetrievalExplorer) -> None:
    """A path around each region, in the pictures' sides; nothing where there is nothing."""
    shared = torch.zeros(2, 50, 100, dtype=torch.bool)
    shared[0, 10:30, 20:60] = shared[1, 25:, :50] = True
    assert ask(explorer, "pair", 0, 1)["outlines"] is None
    explorer.shared = lambda a, b: shared if (a, b) == (0, 1) else torch.zeros_like(shared)
    first, second = ask(explorer, "pair", 0, 1)["outlines"]
    for path, (left, right, top, bottom) in (
        (first, (0.2, 0.6, 0.2, 0.6)),
        (second, (0.0, 0.5, 0.5, 1.0)),
    ):
        assert re.fullmatch(r"(M[\d. ]+(L[\d. ]+)+Z?)+", path)
        x, y = np.array(re.findall(r"[\d.]+", path), float).reshape(-1, 2).T
        found = x.min(), x.max(), y.min(), y.max()
        assert found == pytest.approx((left, right, top, bottom), abs=0.03)
    assert ask(explorer, "pair", 0, 2)["outlines"] is None

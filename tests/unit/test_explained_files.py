"""`lfs explain` of texts and graphs: the page, and one message for each bad input."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import networkx as nx
import pytest
import torch
from commands import run

from lfs_core.commands.kinds import PHOTOGRAPH, one_kind
from lfs_core.errors import LFSError
from lfs_core.things import files
from lfs_core.things.explain import METHODS, TITLES, explain_things, own_threshold
from lfs_core.things.graphs import unread
from lfs_core.things.motifs import GraphNetwork, planted
from lfs_core.things.sentences import Sentence
from lfs_core.viz.accounts import account
from lfs_core.viz.parts_report import marked, render_parts_report, said_of_parts


def letters(texts: list[str]) -> torch.Tensor:
    return torch.tensor([[1.0 * of.lower().count(chr(97 + k)) for k in range(26)] for of in texts])


def graph_file(folder: Path, name: str, graph: nx.Graph) -> Path:
    nx.write_gml(graph, folder / name)
    return folder / name


@pytest.mark.slow
def test_two_texts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The doctor cured the child.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("A physician healed the <b>kid</b>.", encoding="utf-8")
    page = tmp_path / "page.html"
    done = run("explain", tmp_path / "a.txt", tmp_path / "b.txt", "-o", page, "--matches")
    assert done.returncode == 0, done.stderr
    assert "similar. Wrote" in done.stdout and "doctor \u2192 physician" in done.stdout
    html = page.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="explanation">(.*?)</script>', html, re.S).group(1))
    assert data["parts"][0] == ["The", "doctor", "cured", "the", "child"]
    assert f"{data['similarity']:.3f}" in html
    assert not re.search(r'(src|href)="(?!data:)', html)  # nothing is fetched


@pytest.mark.slow
def test_two_graphs(tmp_path: Path) -> None:
    paths = [graph_file(tmp_path, f"{k}.gml", planted("house", k).graph) for k in range(2)]
    done = run("explain", *paths, "-o", tmp_path / "page.html", "--method", "corrrise")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Random sets of nodes were taken away" in page and "correlation" in page
    done = run("explain", *paths, "-o", tmp_path / "page.html", "--method", "corrrise", "--matches")
    assert done.returncode == 1 and "give causal or shared" in done.stderr


BAD = {
    "empty": ("", "one two", "a.txt: The text is empty"),
    "one word": ("one two", "word", "b.txt: The text has one word, 'word'"),
    "pieces": (nx.Graph([(0, 1), (2, 3)]), nx.path_graph(3), "a.gml: The graph is in 2 pieces"),
    "mixed": ("one two", nx.path_graph(3), "a.txt is a text and b.gml is a graph; give two"),
    "no graph": (nx.path_graph(3), b"\xff\x00hello", "b.gml: this is no graph in GML"),
    "Latin-1": ("one two", "d\xe9j\xe0 vu".encode("latin-1"), "b.txt: this is no text in UTF-8"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message(case: str, tmp_path: Path) -> None:
    paths = []
    for name, content in zip("ab", BAD[case][:2], strict=True):
        if isinstance(content, nx.Graph):
            paths.append(graph_file(tmp_path, f"{name}.gml", content))
            continue
        text = isinstance(content, str) or isinstance(BAD[case][0], str)
        paths.append(tmp_path / f"{name}.{'txt' if text else 'gml'}")
        paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
    done = run("explain", *paths, "-o", tmp_path / "page.html")
    assert done.returncode == 1 and BAD[case][2] in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and not (tmp_path / "page.html").exists()


def test_a_text_and_a_photograph(astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two", encoding="utf-8")
    done = run("explain", tmp_path / "a.txt", astronaut, "-o", tmp_path / "page.html")
    assert done.returncode == 1
    assert "a.txt is a text and astronaut.jpg is a photograph" in done.stderr


def test_an_unknown_suffix_is_named_with_all_that_can_be_read(tmp_path: Path) -> None:
    for name in ("a.txt", "b.xyz", "c"):
        (tmp_path / name).write_text("one two", encoding="utf-8")
    said = {"b.xyz": "b.xyz has the unknown suffix .xyz", "c": "c has no suffix"}
    for name, expected in said.items():
        for first in ("a.txt", name):
            done = run("explain", tmp_path / first, tmp_path / name, "-o", tmp_path / "page.html")
            assert done.returncode == 1 and expected in done.stderr
            for kind in ("texts (.txt .md)", "graphs (.gml)", "recordings (.wav", "photographs"):
                assert kind in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1


def test_a_photograph_of_an_unknown_suffix_is_one(astronaut: Path, tmp_path: Path) -> None:
    copy = tmp_path / "astronaut.upload"
    copy.write_bytes(astronaut.read_bytes())
    assert one_kind(copy, astronaut) == PHOTOGRAPH


def test_markdown_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# word", encoding="utf-8")
    (tmp_path / "b.txt").write_text("one two", encoding="utf-8")
    assert one_kind(tmp_path / "a.md", tmp_path / "b.txt") == "text"
    with pytest.raises(LFSError, match=r"a\.md: The text has one word, 'word'"):
        files.read_things(tmp_path / "a.md", tmp_path / "b.txt")


def test_what_a_network_does_not_read_of_a_graph() -> None:
    assert unread(nx.path_graph(4)) == []
    weighted = nx.path_graph(4)
    nx.set_edge_attributes(weighted, 2.0, "weight")
    assert unread(weighted) == []  # it is the same everywhere
    weighted.edges[0, 1]["weight"] = 3.0
    assert unread(weighted) == ["'weight' of edges"]
    nx.set_node_attributes(weighted, {0: "C", 1: "C", 2: "O", 3: "N"}, "label")
    weighted.add_edge(2, 2, weight=2.0)
    assert unread(weighted) == [
        "'label' of nodes",
        "'weight' of edges",
        "edges from a node to itself",
    ]
    named = nx.path_graph(2)
    nx.set_node_attributes(named, {0: "home", 1: "end"}, "label")
    assert unread(named) == []
    assert unread(nx.MultiGraph([(0, 1), (1, 0), (1, 2)])) == ["how many edges join two nodes"]


def degrees(adjacency: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """A network that counts edges and nodes."""
    return torch.stack([adjacency.sum(dim=(1, 2)), there.sum(dim=1)], dim=1).float()


def test_weights_that_are_not_used_are_told_on_the_page_and_in_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfs_core.things.motifs.motif_network", lambda: degrees)
    weighted = nx.path_graph(3)
    nx.set_edge_attributes(weighted, {(0, 1): 1.5, (1, 2): 9.5}, "weight")
    paths = [
        graph_file(tmp_path, "a.gml", weighted),
        graph_file(tmp_path, "b.gml", nx.path_graph(4)),
    ]
    done = run("explain", *paths, "-o", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    said = "which nodes of a.gml are joined, and no more. It does not use 'weight' of edges."
    assert said in done.stderr and "b.gml" not in done.stderr
    assert said in unescape((tmp_path / "page.html").read_text("utf-8"))


def test_progress_is_shown_of_what_takes_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfs_core.things.motifs.motif_network", lambda: degrees)
    monkeypatch.setattr("lfs_core.util.progress.DELAY", 0)
    paths = [graph_file(tmp_path, f"{k}.gml", nx.path_graph(n)) for k, n in enumerate((100, 3))]
    done = run("explain", *paths, "-o", tmp_path / "page.html")
    assert done.returncode == 0 and "Taking nodes away: 100%" in done.stderr
    assert "100/100" in done.stderr and "3/3" not in done.stderr  # one batch has no progress
    explain_things(*(files.read_graph(path) for path in paths))  # in Python nothing is shown


def test_options_of_photographs_are_refused(tmp_path: Path) -> None:
    paths = [graph_file(tmp_path, f"{k}.gml", nx.path_graph(3)) for k in range(2)]
    given = [("--face", "2"), ("--aligned",), ("--map-threshold", "0.7")]
    # What is the default of photographs was given all the same.
    given += [("--embedder", name) for name in ("dlib-resnet", "facenet-casia")]
    for option in given:
        done = run("explain", *paths, "-o", tmp_path / "page.html", *option)
        assert done.returncode == 1 and f"{option[0]} is for photographs" in done.stderr


def test_a_method_of_photographs_is_no_other_one(tmp_path: Path) -> None:
    paths = [graph_file(tmp_path, f"{k}.gml", nx.path_graph(3)) for k in range(2)]
    done = run("explain", *paths, "-o", tmp_path / "page.html", "--method", "explainlfs")
    assert done.returncode == 1 and "no method 'explainlfs' for graphs; choose ca" in done.stderr


def test_options_of_a_method_are_refused_and_not_lost(tmp_path: Path) -> None:
    paths = [graph_file(tmp_path, f"{k}.gml", nx.path_graph(3)) for k in range(2)]
    done = run("explain", *paths, "-o", tmp_path / "page.html", "--method", "causal,p=0.5")
    assert done.returncode == 1 and "have no options with graphs; give causal" in done.stderr


def test_nodes_of_one_name_are_told_apart(tmp_path: Path) -> None:
    carbon = nx.relabel_nodes(nx.path_graph(3), {0: "C1", 1: "C2", 2: "O"})
    path = graph_file(tmp_path, "a.gml", carbon)
    alike = path.read_text("utf-8").replace("C1", "C").replace("C2", "C")
    path.write_text(alike, encoding="utf-8")
    assert [*files.read_graph(path).parts] == ["C (0)", "C (1)", "O (2)"]
    path = graph_file(tmp_path, "b.gml", carbon)
    assert [*files.read_graph(path).parts] == ["C1", "C2", "O"]


@pytest.mark.parametrize("method", METHODS)
def test_a_page_says_what_its_method_did(method: str) -> None:
    a, b = (Sentence(letters, text) for text in ("a red cat", "a blue cat"))
    e = explain_things(a, b, method, count=20)
    page = " ".join(unescape(render_parts_report(e, files.KINDS[".txt"], ("a", "b"))).split())
    assert account(method, "word") in page
    assert ("not to be trusted" in page) == (method == "random")


def test_the_networks_own_threshold_and_a_given_one() -> None:
    class Network:
        similarity_threshold = 0.497

        def __call__(self, texts: list[str]) -> torch.Tensor:
            return letters(texts)

    a, b = (Sentence(Network(), text) for text in ("a red cat", "a cat"))
    assert explain_things(a, b).threshold == 0.497
    assert explain_things(a, b, threshold=0.3).threshold == 0.3
    assert explain_things(*(Sentence(letters, "a cat"),) * 2).threshold == 0.3
    kind = files.KINDS[".txt"]
    pages = [
        render_parts_report(explain_things(a, b), kind, "ab", given) for given in (False, True)
    ]
    assert kind.calibrated in pages[0] and kind.calibrated not in pages[1]
    assert "= 0.497:" in pages[0]


def test_marks_are_more_than_colours() -> None:
    rows = marked("abcd", torch.tensor([1.0, -0.5, 0.05, 0.3]), {0: 1}, None)
    assert [row["way"] for row in rows] == ["for", "against", "none", "for"]
    assert [row["step"] for row in rows[:2]] == [4, 3] and rows[0]["match"] == 1


def test_every_method_has_a_page_and_a_name() -> None:
    assert list(TITLES) == list(METHODS)
    a, b = (Sentence(letters, text) for text in ("a <script>evil</script> cat", "a cat"))
    for method in METHODS:
        e = explain_things(a, b, method)
        html = render_parts_report(e, files.KINDS[".txt"], ["a<b", "b"])
        assert TITLES[method] in html and "a&lt;b" in html
        assert html.count("<script") == html.count("</script") == 1
    assert "1. " in said_of_parts(explain_things(a, b))
    assert said_of_parts(explain_things(a, b, "occlusion")) == "No part has a match."


def test_graphs_keep_their_names(tmp_path: Path) -> None:
    named = nx.relabel_nodes(nx.path_graph(3), dict(enumerate(["home", "way", "end"])))
    read = files.read_graph(graph_file(tmp_path, "a.gml", named))
    assert (
        read.parts == ("home", "way", "end")
        and own_threshold(read) == GraphNetwork.similarity_threshold
    )

"""The pages that are computed: first screen, choice of a method, limits, reference, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import erfc
from pathlib import Path

import pytest
import torch
import yaml

import lfs_core as lfs
from lfs_core.book import address
from lfs_core.book.api import _docstring, api_markdown
from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.evaluation.results import KINDS
from lfs_core.findings import choice, first_page
from lfs_core.findings.stored import stored_evaluation
from lfs_core.findings.trust import Stands, shipped

ROOT = Path(__file__).parents[2]
METHODS = [name for name in EXPLAINERS if explainer_class(name).role == "method"]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_section_of_two_sentences_or_more(name: str) -> None:
    text = (ROOT / "book" / "methods.md").read_text(encoding="utf-8")
    (section,) = re.findall(
        rf"\(method-{name}\)=\n### .+?\n(.+?)```{{include}} computed/methods/{name}\.md", text, re.S
    )
    assert "###" not in section and section.count(". ") >= 2


def stands(explainer: str, better: int, worse: int = 0, test: str = "selectivity") -> Stands:
    return Stands("network", explainer, test, "similar", "lfw", 100, better, worse, 2)


def test_the_best_method_passes_most_of_the_common_tests() -> None:
    known = {
        "a": choice.Record("a", (stands("a", 2), stands("a", 1, 1))),
        "b": choice.Record("b", (stands("b", 2), stands("b", 2))),
        "few": choice.Record("few", (stands("few", 2),)),
        "other": choice.Record("other", (stands("other", 2, test="road"),) * 9),
    }
    found = choice.best(known, known)
    assert found is not None and found.name == "b"
    assert choice.best(["a", "few"], known) is known["a"]  # all common tests, or none
    assert choice.best(["few", "other"], known) is None
    assert len(known["a"].lost) == 1 and not known["b"].lost


def test_the_term_that_is_left_out_is_told() -> None:
    """Wins over it are counted again, with errors that pairs of one person share."""
    p, better, told = [], [], []
    for run in ("fresh", "beyond-birds", "beyond-cars"):
        of = stored_evaluation(run)
        for metric in of.metrics:
            for kind in KINDS:
                scores = dict(zip(of.explainers, of.scores(metric, kind).T, strict=True))
                lead = scores["amortised"] - scores["own-likeness"]
                classes = of.classes_of(metric, kind)
                assert classes is not None
                shared = (classes[:, None, :, None] == classes[None, :, None, :]).any(axis=(2, 3))
                error = lead - lead.mean()
                spread = (error @ shared @ error) ** 0.5 / len(lead)
                p.append(erfc(abs(lead.mean()) / spread / 2**0.5))
                better.append(lead.mean() > 0)
    order = sorted(range(len(p)), key=p.__getitem__)
    holds = [p[one] * (len(p) - k) < 0.05 for k, one in enumerate(order)]
    sure = set(order[: [*holds, False].index(False)])  # Holm's rule stops there
    for k, images in enumerate(("faces", "birds", "cars")):
        won = sum(better[one] and one in sure for one in range(4 * k, 4 * k + 4))
        told.append(f"{won} of 4 tests on {images}")
    said = f"in {told[0]}, {told[1]} and {told[2]}"
    assert said in choice.use_markdown() and said in first_page.instead_markdown()


def test_records_count_what_the_shipped_table_says() -> None:
    """Counted again from the rows of the file."""
    for name, record in choice.records().items():
        rows = [row for row in shipped()["standings"] if row[1] == name]
        assert len(record.tests) == len(rows)
        assert choice.passed(record.tests) == sum(row[6] == row[8] for row in rows)
        assert len(record.lost) == sum(row[7] > 0 for row in rows)


def test_who_has_more_is_never_told_to_use_what_is_worse() -> None:
    known = choice.records()
    passed = []
    for meets in choice.HAVE.values():
        usable = [name for name in known if explainer_class(name).needs <= meets]
        found = choice.best(usable, known)
        assert found is not None and explainer_class(found.name).needs <= meets
        passed.append(choice.passed(found.common))
    assert passed == sorted(passed)
    table = choice.decision_markdown()
    assert all(have in table for have in choice.HAVE)
    assert {row.count("|") for row in re.findall(r"^\|.*", table, re.M)} == {5}


def test_nobody_in_a_hurry_is_sent_to_what_loses_to_controls() -> None:
    known = choice.records()
    titles = {explainer_class(name).title: of for name, of in known.items()}
    hurried = re.findall(r"In a hurry([^:]*): \[([^]]+)\]", choice.decision_markdown())
    for where, title in hurried:
        record = titles[title]
        assert 2 * len(record.lost) <= len(record.tests)
        complete = len(record.common) == max(len(of.common) for of in known.values())
        assert complete == ("only" not in where)


def test_methods_without_a_test_are_named_as_such() -> None:
    told = choice.ranking_markdown().rpartition("Compared with controls on")[2]
    for name, record in choice.records().items():
        title = re.escape(explainer_class(name).title)  # LRP is not BiLRP
        assert bool(re.search(rf"(?<!\w){title}", told)) == (not record.common)


def test_the_first_explanation_takes_fifteen_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_image: Callable[..., Path]
) -> None:
    page = (ROOT / "book" / "install.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(.+?)```", page, re.S)
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 15
    for name in ("a.jpg", "b.jpg"):
        save_image((torch.rand(80, 90, 3) * 255).byte().numpy(), name)
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "install.md", "exec"), {})
    assert "Occlusion" in (tmp_path / "why.html").read_text(encoding="utf-8")


def test_extras_of_the_install_page_are_those_of_the_package() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "book" / "install.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    assert listed == set(project["optional-dependencies"]) - {"test"}


def test_the_reference_holds_every_public_name() -> None:
    text = api_markdown()
    for name in lfs.__all__:
        assert re.search(rf"^\.\. py:(function|class):: lfs_core\.{name}\b", text, re.M), name
    for name in METHODS:
        assert f"### {name}\n" in text


def test_what_docutils_would_take_for_markup_is_escaped() -> None:
    def documented() -> None:
        """The size |x| of a * b, `code_` and h_.

        Args:
            none: of it.
        """

    text = _docstring(documented)
    assert r"\|x\| of a \* b, ``code_`` and h\_." in text and ":param none:" in text


ADDRESSES = ("LFS_REPOSITORY", "LFS_BOOK_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment and a package that name no address."""
    for name in ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(address, "metadata", lambda _: _Metadata([]))
    return monkeypatch


class _Metadata:
    def __init__(self, urls: list[str]) -> None:
        self.urls = urls

    def get_all(self, _: str) -> list[str]:
        return self.urls


def configuration(folder: Path) -> dict:
    address.write_configuration(ROOT, folder)
    return yaml.safe_load((folder / "_config.yml").read_text(encoding="utf-8"))


def test_without_an_address_the_book_names_none(
    nowhere: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert address.repository() is None and address.pages() is None
    made = configuration(tmp_path)
    assert "repository" not in made and not any(made["launch_buttons"].values())
    assert not made["html"]["use_repository_button"] and "baseurl" not in made["html"]
    assert "git clone" not in address.install_markdown()


def test_the_environment_and_the_package_name_addresses(
    nowhere: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    urls = ["Homepage, https://h.example", "Repository, https://Git.example/Me/Book/"]
    nowhere.setattr(address, "metadata", lambda _: _Metadata(urls))
    assert address.repository() == "https://Git.example/Me/Book"
    nowhere.setenv("GITHUB_SERVER_URL", "https://github.example")
    nowhere.setenv("GITHUB_REPOSITORY", "me/pages")
    assert address.repository() == "https://github.example/me/pages"
    nowhere.setenv("LFS_REPOSITORY", "https://own.example/x/")
    nowhere.setenv("LFS_BOOK_URL", "https://book.example/lfs")
    made = configuration(tmp_path)
    assert made["repository"]["url"] == "https://own.example/x"
    assert made["html"]["use_repository_button"] and made["launch_buttons"]["binderhub_url"]
    assert made["html"]["baseurl"] == "https://book.example/lfs/"
    assert "git clone https://own.example/x\ncd x\n" in address.install_markdown()


def test_the_citation_is_filled_by_the_build(nowhere: pytest.MonkeyPatch) -> None:
    from lfs_core.book import citation

    made = citation.citation(ROOT)
    assert made["version"] == lfs.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", made["date-released"])
    assert "repository-code" not in made and "url" not in made
    text = citation.how_to_cite(ROOT)
    assert (
        f"year    = {{{made['date-released'][:4]}}}" in text and "url" not in text.split("@art")[0]
    )
    nowhere.setenv("LFS_REPOSITORY", "https://own.example/x")
    nowhere.setenv("LFS_BOOK_URL", "https://book.example")
    made = citation.citation(ROOT)
    assert made["repository-code"] == "https://own.example/x"
    assert "url     = {https://book.example/}" in citation.how_to_cite(ROOT)


def test_the_committed_citation_names_the_version_of_the_package() -> None:
    committed = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert committed["version"] == lfs.__version__


def test_a_preview_has_a_title_and_a_picture_and_no_markup() -> None:
    from lfs_core.book.pages import preview

    told = preview('1. A <code>"p"</code> &amp; more', "https://book.example/")
    assert 'property="og:title" content="1. A &quot;p&quot; &amp; more"' in told
    assert 'property="og:image" content="https://book.example/preview.png"' in told

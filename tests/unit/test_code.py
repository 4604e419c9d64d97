"""Which code a thing runs: an edit that decides a number shows, an edit of prose does not."""

from __future__ import annotations

import ast
import importlib
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.comparators import EXPLAINERS
from lfs_core.evaluation.spec import METRICS
from lfs_core.util import code
from lfs_core.util.code import CORE, Code, _spelled, code_of, code_of_cells

SOURCES = ("relevance", "mapping", "explainer", "comparators/masking", "comparators/base")
LFS, GRADCAM = EXPLAINERS["explainlfs"], EXPLAINERS["gradcam"]
SELECTIVITY, INSERTION = METRICS["selectivity"], METRICS["insertion"]


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package that can be edited; `code_of` reads it in place of the package."""
    copy = tmp_path / CORE.name
    for path in [*CORE.rglob("*.py"), *CORE.rglob("*.pyi")]:
        target = copy / path.relative_to(CORE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    monkeypatch.setattr(code, "CORE", copy)
    return copy


def digest_of(source: str) -> str:
    return code_of_cells([source]).digest


@pytest.mark.parametrize(
    ("edited", "affected", "others"),
    [
        ("relevance.py", [LFS, EXPLAINERS["causal"]], [GRADCAM, SELECTIVITY]),
        ("mapping.py", [LFS, GRADCAM], []),
        ("explanation.py", [LFS, GRADCAM], []),
        ("causal.py", [EXPLAINERS["causal"], EXPLAINERS["amortised"]], [LFS, GRADCAM]),
        ("datasets/images.py", [LFS, GRADCAM], []),
        ("decoder.py", [EXPLAINERS["utkin"]], [GRADCAM]),
        ("comparators/base.py", [GRADCAM, EXPLAINERS["corrrise"]], [LFS, SELECTIVITY]),
        ("comparators/masking.py", [EXPLAINERS["corrrise"]], [GRADCAM, LFS]),
        ("comparators/tummala.py", [EXPLAINERS["tummala"]], [GRADCAM, LFS, SELECTIVITY]),
        ("evaluation/metrics/selectivity.py", [SELECTIVITY, INSERTION], [LFS, GRADCAM]),
        ("evaluation/maps.py", ["lfs_core.evaluation.measure:completed"], [LFS]),
        ("embedders/network.py", ["lfs_core.embedders.facenet:facenet_casia"], [LFS, GRADCAM]),
        ("viz/figures.py", [], [LFS, GRADCAM, SELECTIVITY]),
        ("comparators/__init__.py", [], [LFS, GRADCAM, SELECTIVITY]),
    ],
)
def test_an_edit_changes_the_code_of_what_runs_it_and_of_nothing_else(
    core: Path, edited: str, affected: list[str], others: list[str]
) -> None:
    before = {thing: code_of(thing).digest for thing in affected + others}
    with (core / edited).open("a", encoding="utf-8") as file:
        file.write("\nMORE = 1\n")
    after = {thing: code_of(thing).digest for thing in affected + others}
    assert [thing for thing in before if after[thing] != before[thing]] == affected


def test_a_change_is_named(core: Path) -> None:
    then = {name: said[:12] for name, said in code_of(LFS).modules.items()}
    assert code.changed(then, code_of(LFS)) == []
    with (core / "relevance.py").open("a", encoding="utf-8") as file:
        file.write("\nfrom lfs_core.search import gallery\nprint(gallery)\n")
    changed = code.changed(then, code_of(LFS))
    assert {"lfs_core.relevance", "lfs_core.search.gallery"} <= set(changed)
    assert "lfs_core.mapping" not in changed


@pytest.mark.parametrize("home", sorted({*EXPLAINERS.values(), *METRICS.values()}))
def test_what_shows_numbers_is_not_part_of_what_makes_them(home: str) -> None:
    found = code_of(home)
    shown = ("viz", "cli", "commands", "book", "findings", "studies", "search")
    assert home.partition(":")[0] in found.modules
    assert not [name for name in found.modules if name.split(".")[1] in shown]
    assert "torch" in found.versions() and "lfs_core" not in found.packages


@pytest.mark.parametrize("home", [*EXPLAINERS.values(), *METRICS.values()])
def test_all_that_a_module_imports_when_it_is_run_is_known(home: str) -> None:
    """An import that is missing from the closure would be an edit that goes unseen."""
    module, _, _ = home.partition(":")
    known = code_of(module).modules
    imported = {
        of.__module__
        for of in vars(importlib.import_module(module)).values()
        if getattr(of, "__module__", "").startswith("lfs_core.") and (callable(of))
    }
    only_named = {"lfs_core.explanation", "lfs_core.errors", "lfs_core.evaluation.metrics.base"}
    assert imported - only_named <= set(known)


def test_public_names_lead_to_where_they_are() -> None:
    for name in lfs.__all__:
        home = getattr(lfs, name).__module__
        for cell in (f"import lfs_core as lfs\nlfs.{name}", f"from lfs_core import {name}\n{name}"):
            assert home in code_of_cells([cell]).modules, name


def test_registries_are_followed_where_names_are_looked_up() -> None:
    cell = "import lfs_core as lfs\nlfs.load_explainer(which, network)"
    found = code_of_cells([cell]).modules
    assert {home.partition(":")[0] for home in EXPLAINERS.values()} <= set(found)
    assert "lfs_core.viz.figures" not in found
    with_figures = code_of_cells([cell, "from lfs_core.viz import figures\nfigures.plot"])
    assert "lfs_core.viz.figures" in with_figures.modules
    assert "lfs_core.comparators.gradcam" not in code_of_cells(["import lfs_core"]).modules


def test_scripts_and_styles_belong_to_the_view_of_their_name(core: Path) -> None:
    for name in ("web/explorer/main.js", "web/flipbook/main.js", "web/common/style.css"):
        path = core / "viz" / "views" / name
        path.parent.mkdir(parents=True)
        path.touch()
    (core / "viz" / "report.html").touch()

    def beside(module: str) -> set[str]:
        cell = f"from lfs_core.viz.{module} import x\nx"
        found = code.files_beside(code_of_cells([cell]))
        return {path.relative_to(core / "viz").as_posix() for path in found}

    common = "views/web/common/style.css"
    assert beside("views.explorer") == {"views/web/explorer/main.js", common}
    assert beside("views.flipbook") == {"views/web/flipbook/main.js", common}
    assert beside("report") == {"report.html"}
    assert beside("figures") == set()


def test_cells_with_magics_and_cells_that_are_not_python() -> None:
    magic = "%matplotlib inline\nimport lfs_core as lfs\nlfs.perturb"
    assert "lfs_core.mapping" in code_of_cells([magic]).modules
    assert digest_of(magic) != digest_of(magic.replace("inline", "agg"))
    assert digest_of("x") != digest_of("x;")  # which shows nothing
    assert code_of_cells(["a", "b"]).digest != code_of_cells(["a\nb"]).digest
    assert digest_of("def (") == digest_of("def (") != digest_of("def ((")


WORDS = st.text(st.characters(codec="ascii", exclude_characters="\\\"'\n\r\0"), max_size=20)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_comments_docstrings_blank_lines_and_annotations_do_not_count(data: st.DataObject) -> None:
    source = (CORE / f"{data.draw(st.sampled_from(SOURCES))}.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in sorted(_statements(source), key=lambda node: -node.lineno):
        if not data.draw(st.booleans()):
            continue
        line = node.lineno - 1
        indent = lines[line][: node.col_offset]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            lines[line : node.end_lineno] = [f'{indent}"""{data.draw(WORDS)}"""']
        elif not isinstance(node, ast.ImportFrom):
            lines[line:line] = [f"{indent}# {data.draw(WORDS)}".rstrip("\f\v"), ""]
    assert digest_of("\n".join(lines)) == digest_of(source)
    assert digest_of(source.replace(") -> Tensor:", ") -> object:")) == digest_of(source)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_number_counts(data: st.DataObject) -> None:
    source = (CORE / f"{data.draw(st.sampled_from(SOURCES))}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    in_texts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
    }
    numbers = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and type(node.value) in (int, float)
        and id(node) not in in_texts
    ]
    node = numbers[data.draw(st.integers(0, len(numbers) - 1))]
    lines = source.splitlines()
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = f"{line[: node.col_offset]}12345{line[node.end_col_offset :]}"
    assert digest_of("\n".join(lines)) != digest_of(source)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "import math\nimport json\nmath.pi, json.dumps",
            "import json\nimport math\nmath.pi, json.dumps",
        ),
        ("import json\nx = 1", "x = 1"),
        ("def f():\n    '''Nothing.'''", "def f():\n    pass"),
        ("raise ValueError('no')", "raise ValueError(f'{x} is not right')"),
        ("from typing import TYPE_CHECKING\nx = 1", "x = 1"),
        ("if TYPE_CHECKING:\n    import torch\nx = 1", "x = 1"),
        ("def f(a: int, *b: str) -> int:\n    return a", "def f(a, *b):\n    return a"),
    ],
)
def test_what_says_the_same_has_one_digest(one: str, other: str) -> None:
    assert digest_of(one) == digest_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("from math import sin as f\nf(1)", "from math import cos as f\nf(1)"),
        ("f(a, b)", "f(b, a)"),
        ("raise ValueError(1)", "raise ValueError(2)"),
        ("class A:\n    x: ClassVar[int] = 1", "class A:\n    x: int = 1"),
        ("print('a')", "print('b')"),
    ],
)
def test_what_says_something_else_has_another(one: str, other: str) -> None:
    assert digest_of(one) != digest_of(other)


def test_a_users_file_counts_with_what_it_imports_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    name = f"users_{tmp_path.name.replace('-', '_')}"
    helper = tmp_path / f"{name}_helper.py"
    helper.write_text("scale = 2\n", encoding="utf-8")
    mine = tmp_path / f"{name}.py"
    mine.write_text(
        f"from lfs_core.mapping import perturb\nfrom {name}_helper import scale\nimport numpy\n"
        "def explain(a, b):\n    return perturb(a, b, scale), numpy\n",
        encoding="utf-8",
    )
    before = code_of(f"{name}:explain")
    assert set(before.modules) >= {name, f"{name}_helper", "lfs_core.mapping"}
    assert "numpy" in before.packages
    helper.write_text("scale = 2  # as before\n", encoding="utf-8")
    assert code_of(f"{name}:explain").digest == before.digest
    helper.write_text("scale = 30\n", encoding="utf-8")
    assert code_of(f"{name}:explain").digest != before.digest


def test_functions_and_classes_made_on_the_way_count_by_their_text() -> None:
    def made(factor: float) -> list[object]:
        if factor == 1:

            def of(x: float) -> float:
                return x

            class Of:
                def forward(self, x: float) -> float:
                    return x

        else:

            def of(x: float) -> float:
                """Twice."""
                return 2 * x

            class Of:
                def forward(self, x: float) -> float:
                    return 2 * x

        return [of, Of]

    for first, second in zip(made(1), made(2), strict=True):
        assert code_of(first).digest != code_of(second).digest
    for first, second in zip(made(2), made(2), strict=True):
        assert code_of(first).digest == code_of(second).digest
    assert code_of(lambda x: x + 1).digest != code_of(lambda x: x + 2).digest


def test_what_is_typed_in_counts_with_what_it_calls() -> None:
    """As in a shell or in a notebook's cell, where there is no file."""
    script = textwrap.dedent(
        """
        from lfs_core.util.code import code_of
        def digest(helper):
            cell = {"__name__": "cells"}
            exec(f"def helper(x): return {helper}\\ndef explain(x): return helper(x)", cell)
            return code_of(cell["explain"]).digest
        print(digest("x + 1") == digest("x + 1"), digest("x + 1") != digest("x + 2"))
        """
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == ["True", "True"]


def test_empty_texts_in_an_f_string_do_not_count() -> None:
    """Python 3.12.0 finds some in `f"{x!r:>{width}}"`, other versions none."""
    tree = ast.parse('f"{x!r:>{width}} and {y}"')
    plain = _spelled(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            node.values = [ast.Constant(""), *node.values, ast.Constant("")]
    assert _spelled(tree) == plain
    assert _spelled(ast.parse('f"{x!r:>{width}} or {y}"')) != plain


def test_other_packages_count_by_their_version(monkeypatch: pytest.MonkeyPatch) -> None:
    import captum.attr

    found = code_of(captum.attr.IntegratedGradients)
    assert not found.modules and found.packages == {"captum"}
    assert code_of(GRADCAM).versions()["torch"].startswith("torch ")
    assert "captum" in code_of(EXPLAINERS["integrated-gradients"]).versions()
    assert "captum" not in code_of(GRADCAM).versions()
    assert Code({}, frozenset({"nowhere"})).versions() == {"nowhere": ""}


def test_code_that_cannot_be_read_is_an_error(core: Path) -> None:
    (core / "mapping.py").write_text("def (", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match=r"mapping\.py cannot be read"):
        code_of(LFS)


def _statements(source: str) -> list[ast.stmt]:
    """Statements that begin their line."""
    lines = source.splitlines()
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and not lines[node.lineno - 1][: node.col_offset].strip()
    ]

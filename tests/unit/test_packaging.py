"""What a newcomer installs, and what `import lfs_core` costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import lfs_core as lfs

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements() -> set[str]:
    """Every requirement of pyproject.toml, with all extras."""
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return {r for group in groups for r in group if not r.startswith("lfs-core")}


def test_environment_mirrors_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert f"python{PROJECT['requires-python']}" in [c.replace(" ", "") for c in conda]
    listed = pip["pip"]
    assert sorted(listed) == sorted([*requirements(), "--editable ."])


def test_constraints_pin_every_requirement_within_its_range() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins = dict(
        re.findall(
            r"^([\w.-]+)==(\S+)$",
            (ROOT / "constraints.txt").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    for requirement in map(Requirement, requirements()):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier


def test_import_is_light() -> None:
    code = "import sys, lfs_core; print([m for m in ('torch','numpy','PIL') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "[]"


def test_relevance_stays_a_function_whatever_is_imported_first() -> None:
    code = (
        "import lfs_core.explainer, lfs_core.relevance\n"
        "from lfs_core.relevance import relevance\n"
        "import lfs_core as lfs\n"
        "print(lfs.relevance([0., 1.], [0., 0.]).tolist(), lfs.relevance is relevance)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == "[1.0, 0.0] True"


@pytest.mark.parametrize("name", lfs.__all__)
def test_everything_public_can_be_imported_and_says_what_it_is(name: str) -> None:
    assert (getattr(lfs, name).__doc__ or "").strip()


def test_what_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = lfs.no_such_thing


METHOD = (
    "relevance",
    "mapping",
    "variants",
    "decoder",
    "explainer",
    "explanation",
    "causal",
    "amortised",
    "correspondence",
)
BEYOND = ("parts",)  # what the method needs where things are no images; the paper has no word of it


def source_of(module: str) -> str:
    path = ROOT / "lfs_core" / f"{module}.py"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def test_the_method_can_be_read_beside_the_paper() -> None:
    lines = [line for module in METHOD for line in source_of(module).splitlines()]
    assert sum(bool(line.strip()) for line in lines) <= 900


def test_the_root_holds_the_method_and_little_else() -> None:
    found = {path.stem for path in (ROOT / "lfs_core").glob("*.py")}
    assert found <= {*METHOD, *BEYOND, "__init__", "__main__", "cli", "errors"}


@pytest.mark.parametrize("module", (*METHOD, *BEYOND))
def test_the_method_imports_torch_itself_and_errors(module: str) -> None:
    """And what meets networks and embeddings; files, photographs, figures are for within."""
    for node in ast.parse(source_of(module)).body:
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {node.module or ""}
        else:
            continue
        for name in names:
            package, _, inner = name.partition(".")
            if package == "lfs_core":
                util = {"util.networks", "util.distances", "util.confidence"}
                assert inner in {*METHOD, "errors", *util}, name
            else:
                assert package in {"torch", *sys.stdlib_module_names}, name


def test_the_contract_of_imports_names_every_module() -> None:
    """`make check` checks the contract itself."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    flow = contracts["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {name.strip("() ") for layer in flow for name in layer.split(":")}
    modules = {
        f"lfs_core.{path.stem}"
        for path in (ROOT / "lfs_core").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert modules - {"lfs_core.__init__"} <= named

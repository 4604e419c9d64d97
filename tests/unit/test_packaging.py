"""What a newcomer installs, and what `import lfs_core` costs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import lfs_core as lfs

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements() -> set[str]:
    """Every requirement of pyproject.toml, with all extras."""
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return {r for group in groups for r in group if not r.startswith("lfs-core")}


def test_environment_mirrors_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert f"python{PROJECT['requires-python']}" in [c.replace(" ", "") for c in conda]
    listed = pip["pip"]
    assert sorted(listed) == sorted([*requirements(), "--editable ."])


def test_constraints_pin_every_requirement_within_its_range() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins = dict(
        re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    )
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    for requirement in map(Requirement, requirements()):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier


def test_import_is_light() -> None:
    code = "import sys, lfs_core; print([m for m in ('torch','numpy','PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_relevance_stays_a_function_whatever_is_imported_first() -> None:
    code = (
        "import lfs_core.explainer, lfs_core.relevance\n"
        "from lfs_core.relevance import relevance\n"
        "import lfs_core as lfs\n"
        "print(lfs.relevance([0., 1.], [0., 0.]).tolist(), lfs.relevance is relevance)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[1.0, 0.0] True"


@pytest.mark.parametrize("name", lfs.__all__)
def test_everything_public_can_be_imported_and_says_what_it_is(name: str) -> None:
    assert (getattr(lfs, name).__doc__ or "").strip()


def test_what_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = lfs.no_such_thing


def test_the_core_imports_nothing_to_its_right() -> None:
    """datasets -> embedders -> relevance -> decoder/mapping -> explainer -> the rest."""
    order = ["datasets", "embedders", "relevance", "decoder", "mapping", "explainer"]
    right = ["comparators", "viz", "store", "embedding", "fitting", "gallery", "retrieval"]
    right += ["metric_learning", "evaluation", "studies", "run", "sweep", "book", "cli"]
    for place, module in enumerate(order):
        path = ROOT / "lfs_core" / module
        files = path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
        for file in files:
            # Only imports of the module itself count, not those inside a method.
            imported = re.findall(r"^from lfs_core\.(\w+)", file.read_text(), re.MULTILINE)
            assert not set(imported) & set(order[place + 1 :] + right), file

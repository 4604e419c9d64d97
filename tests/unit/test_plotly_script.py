"""Which plotly.js the pages of the book load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from lfs_core.book import plotly_script
from lfs_core.errors import AssetError
from lfs_core.viz import rendering


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A part that was fetched."""
    path = tmp_path / "part.js"
    path.write_text("part", encoding="utf-8")
    monkeypatch.setattr(plotly_script, "fetch", lambda asset: path)
    return path


def test_the_part_is_of_the_version_that_is_installed(part: Path) -> None:
    assert re.search(r"plotly\.js v([\d.]+)", get_plotlyjs())[1] == plotly_script.PLOTLY_VERSION
    assert plotly_script.plotly_script() == "part"


def test_of_another_version_no_part_is_taken(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plotly_script, "get_plotlyjs", lambda: "/**\n* plotly.js v4.1.10\n*/")
    assert plotly_script.plotly_script().startswith("/**")


def test_without_the_part_pages_load_the_whole(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(asset: object) -> Path:
        raise AssetError("There is no npm.\nInstall it.")

    monkeypatch.setattr(plotly_script, "fetch", refuse)
    assert plotly_script.plotly_script() == get_plotlyjs()
    assert "There is no npm." in caplog.text and "Install" not in caplog.text


def test_charts_have_no_more_than_points_lines_and_bars() -> None:
    """What else they might have, the part does not draw."""
    code = "\n".join(p.read_text("utf-8") for p in Path(rendering.__file__).parent.rglob("*.py"))
    traces = set(re.findall(r"\bgo\.([A-Z]\w+)", code)) - {"Figure"}
    added = set(re.findall(r"\.add_([a-z0-9]+)\(", code)) - {"trace", "vline", "transform"}
    traces |= {name.capitalize() for name in added}
    named = set(re.findall(r'"type": "(scatter|bar|histogram|heatmap|box|violin|pie|\w+3d)"', code))
    assert traces | {name.capitalize() for name in named} <= {"Scatter", "Bar"}

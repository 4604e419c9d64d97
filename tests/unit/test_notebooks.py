"""What the committed notebooks must look like; nbval runs them and compares their outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
TABLES = {"08_ledger", "12_what_does_the_work", "15_explain_your_own"}  # tables or a view only


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_text_outputs_only(notebook: Path) -> None:
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error" and output.get("name") != "stderr"
            assert all("text/" in mime for mime in output.get("data", {}))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_has_alt_text_a_caption_and_a_name(notebook: Path) -> None:
    figures = 0
    for cell in nbformat.read(notebook, as_version=4).cells:
        shown = [o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", [])]
        mystnb = cell.metadata.get("mystnb", {})
        if any(text.startswith("Chart: ") for text in shown) and "figure" in mystnb:
            figures += 1  # a chart tells itself what is seen in it
            assert mystnb["figure"]["caption"] and mystnb["figure"]["name"].startswith("fig-")
        if any("<Figure" in text for text in shown):
            figures += 1
            assert len(mystnb["image"]["alt"]) > 40
            assert mystnb["figure"]["caption"] and mystnb["figure"]["name"].startswith("fig-")
    assert figures or notebook.stem in TABLES


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_table_has_a_caption_and_a_name(notebook: Path) -> None:
    for cell in nbformat.read(notebook, as_version=4).cells:
        html = [o.get("data", {}).get("text/html", "") for o in cell.get("outputs", [])]
        tables = sum('class="dataframe"' in text and "lfs-chart" not in text for text in html)
        if tables:
            figure = cell.metadata["mystnb"]["figure"]
            assert figure["caption"] and figure["name"].startswith("tab-")
            assert tables == sum(map(bool, html)) == 1  # each has its own number


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_figures_and_tables_are_named_in_the_text(notebook: Path) -> None:
    cells = nbformat.read(notebook, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for cell in cells:
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        assert not name or f"{{numref}}`{name}`" in text


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_compared(notebook: Path) -> None:
    """Outputs are ignored only where a progress bar or a page of pictures is all there is."""
    cells = [c for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "code"]
    ignored = [c for c in cells if "nbval-ignore-output" in c.metadata.get("tags", [])]
    assert all(not c.outputs for c in ignored)
    assert sum(bool(c.outputs) for c in cells) >= (2 if notebook.stem in TABLES else 8)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))

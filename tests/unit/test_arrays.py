"""Arrays that a notebook keeps for download."""

from __future__ import annotations

import copy
import io

import nbformat
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

import lfs_core as lfs
from lfs_core.book.arrays import keep, kept, npz
from lfs_core.book.run import execute

SOURCE = """\
import numpy as np
from lfs_core.book.arrays import keep
keep(maps=np.arange(6, dtype='float32').reshape(2, 3), masks=np.eye(2, dtype=bool))
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """A notebook that keeps arrays, run as the book's are."""
    folder = tmp_path_factory.mktemp("notebook")
    cells = [new_code_cell(SOURCE), new_code_cell("keep(second=[1.5])")]
    nbformat.write(new_notebook(cells=cells), folder / "in.ipynb")
    execute(folder / "in.ipynb", folder / "out.ipynb", folder, values={})
    return nbformat.read(folder / "out.ipynb", as_version=4)


def test_arrays_come_out_of_a_run_as_they_were(executed: nbformat.NotebookNode) -> None:
    arrays = kept(executed)
    assert list(arrays) == ["maps", "masks", "second"]
    assert arrays["maps"].dtype == np.float32 and arrays["masks"].dtype == bool
    np.testing.assert_array_equal(arrays["maps"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arrays["masks"], [[1, 0], [0, 1]])
    np.testing.assert_array_equal(arrays["second"], [1.5])
    (output,) = executed.cells[0].outputs
    assert output.data["text/plain"] == "Kept for download: maps (2,3), masks (2,2)"


def test_any_other_kernel_stores_no_content() -> None:
    """Nor do the committed notebooks, whose outputs are compared."""
    from IPython.core.interactiveshell import InteractiveShell

    data, _ = InteractiveShell().display_formatter.format(keep(maps=[1, 2]))
    assert data == {"text/plain": "Kept for download: maps (2)"}


def test_a_file_is_read_by_numpy() -> None:
    both = keep(maps=torch.arange(4.0).reshape(2, 2), ranks=[3, 1])
    with np.load(io.BytesIO(npz(both.arrays)), allow_pickle=False) as read:
        np.testing.assert_array_equal(read["maps"], [[0, 1], [2, 3]])
        np.testing.assert_array_equal(read["ranks"], [3, 1])


def test_two_arrays_of_one_name_are_refused(executed: nbformat.NotebookNode) -> None:
    cells = [new_code_cell(outputs=copy.deepcopy(executed.cells[1].outputs)) for _ in range(2)]
    notebook = new_notebook(cells=cells)
    with pytest.raises(lfs.LFSError, match="Two cells keep arrays named second"):
        kept(notebook)


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(lfs.LFSError, match="by name"):
        keep()
    with pytest.raises(lfs.LFSError, match="names is no array of numbers"):
        keep(names=["a", "b"])

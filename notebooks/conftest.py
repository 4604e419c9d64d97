"""`pytest --executed-once` compares the runs that `make book` keeps; no notebook runs twice.

Without it nbval runs the cells itself, one after the other, and compares what they give.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from lfs_core.book.build import DATA, FIGURE, execute, executed_copy

RUNS = Path(__file__).parents[1] / "_build" / "executed"
IDLE = {"msg_type": "status", "content": {"execution_state": "idle"}}


class Executed:
    """What nbval asks of a kernel, answered from an executed notebook.

    Args:
        cells: the notebook's code cells.

    Attributes:
        place: the cell that is asked for next.
    """

    def __init__(self, cells: Sequence[nbformat.NotebookNode]) -> None:
        self.cells, self.place = cells, 0
        self.messages: deque[Mapping[str, object]] = deque()

    def is_alive(self) -> bool:
        """It can always answer."""
        return True

    def execute_cell_input(self, source: str, allow_stdin: bool) -> int:
        """Lay out what the cell gave when it was executed."""
        cell = self.cells[self.place] if self.place < len(self.cells) else None
        if cell is None or cell.source != source:
            raise LookupError(f"The run that is kept has another cell {self.place}.")
        outputs = [without_data(output) for output in cell.outputs]
        self.messages = deque([{"msg_type": o.output_type, "content": o} for o in outputs] + [IDLE])
        return self.place

    def await_reply(self, msg_id: int, timeout: float) -> None:
        """The cell has been executed."""

    await_idle = await_reply

    def get_message(self, stream: str, timeout: float) -> dict[str, object]:
        """The next output of the cell."""
        return {**self.messages.popleft(), "parent_header": {"msg_id": self.place}}

    def stop(self) -> None:
        """There is nothing to stop."""


def without_data(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An output without what only our own kernel gives with it."""
    if "data" in output:
        output.data = {
            mime: v for mime, v in output.data.items() if not mime.startswith((DATA, FIGURE))
        }
    return output


class ExecutedFile(IPyNbFile):
    """A notebook, and the run of it that is kept; it is run if there is none, or an older one."""

    def setup(self) -> None:
        """Take the place of nbval's kernel."""
        execute(self.path, RUNS)
        run = nbformat.read(executed_copy(self.path.stem, RUNS), as_version=4)
        self.kernel = Executed([cell for cell in run.cells if cell.cell_type == "code"])
        self.setup_sanitize_files()

    def teardown(self) -> None:
        """There is no kernel to stop."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--executed-once",
        action="store_true",
        help="compare the notebooks' runs that `make book` keeps, and run only those it lacks",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.option.executed_once:
        config.option.nbval = False  # it would collect the notebooks as well


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ExecutedFile | None:
    once = parent.config.option.executed_once and file_path.suffix == ".ipynb"
    return ExecutedFile.from_parent(parent, path=file_path) if once else None


@pytest.hookimpl(trylast=True)  # once there is a kernel: a process may begin with any cell
def pytest_runtest_setup(item: pytest.Item) -> None:
    if isinstance(item, IPyNbCell):
        item.parent.skip_compare = {*item.parent.skip_compare, f"{FIGURE}v1+json"}  # words are kept
    if isinstance(item, IPyNbCell) and isinstance(item.parent.kernel, Executed):
        item.parent.kernel.place = item.cell_num

"""The kernel that notebooks run in: of this very interpreter, and it gives data with outputs."""

from __future__ import annotations

import json
import sys
from typing import Any

from ipykernel.kernelspec import get_kernel_dict
from IPython.core.formatters import BaseFormatter
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import ObjectName, Unicode

from lfs_core.book.arrays import ARRAYS

TABLE = "application/vnd.lfs.table+json"
CHART = "application/vnd.lfs.chart+html"
DPI = 200  # of pictures: a page has 100 for an inch of theirs


class Kernel(AsyncKernelManager):
    """A kernel of `sys.executable`, whatever is registered under the notebook's kernel name."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How it is started: a file in the notebook's folder takes no installed module's place.

        A kernel that is ended in the middle of a cell logs a traceback as an error; what went
        wrong in the notebook comes to us without that.
        """
        options = ["--ext", __name__, "--log-level=CRITICAL", "--IPKernelApp.ignore_cwd=True"]
        return KernelSpec(**get_kernel_dict(extra_arguments=options), env={"PYTHONSAFEPATH": "1"})


class TableFormatter(BaseFormatter):
    """The data of a pandas table: columns, index and data, as JSON of its numbers in full."""

    format_type = Unicode(TABLE)
    print_method = ObjectName("_repr_lfs_table_")
    _return_type = dict

    def __call__(self, shown: object) -> dict[str, Any] | None:
        """The table, or None for what is no table."""
        import pandas as pd  # any code that shows one has it

        if not isinstance(shown, pd.DataFrame):
            return None
        return json.loads(shown.to_json(orient="split", double_precision=15, default_handler=str))


class ArraysFormatter(BaseFormatter):
    """The content of arrays that a notebook keeps."""

    format_type = Unicode(ARRAYS)
    print_method = ObjectName("_repr_lfs_arrays_")


class ChartFormatter(BaseFormatter):
    """The HTML of a chart, for pages."""

    format_type = Unicode(CHART)
    print_method = ObjectName("_repr_lfs_chart_")


FORMATTERS = (TableFormatter, ArraysFormatter, ChartFormatter)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What IPython calls in the kernel: it gives tables, kept arrays and charts as data, too.

    Pictures have two pixels for each of the page. A module next to the notebook is found if no
    installed one has its name.
    """
    sys.path.append("")
    shell.config.InlineBackend.print_figure_kwargs = {"bbox_inches": "tight", "dpi": DPI}
    display = shell.display_formatter
    if display is None:
        return
    for formatter in (kind(parent=display) for kind in FORMATTERS):
        display.formatters[formatter.format_type] = formatter
        display.active_types = [*display.active_types, formatter.format_type]

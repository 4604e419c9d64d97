"""Try an installed wheel, in an environment with nothing else: `make release` runs this."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np

import lfs_core as lfs


def main() -> None:
    """Import everything public, and explain a pair of photographs on the command line."""
    assert "site-packages" in lfs.__file__, f"{lfs.__file__} is not the installed package"
    for name in lfs.__all__:
        getattr(lfs, name)
    said = subprocess.run(
        ["lfs", "--version"], capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert lfs.__version__ in said, said
    with tempfile.TemporaryDirectory() as folder:
        from PIL import Image

        files = [Path(folder) / f"{name}.png" for name in "ab"]
        for seed, file in enumerate(files):
            pixels = np.random.default_rng(seed).integers(0, 256, (160, 160, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file)
        page = Path(folder) / "why.html"
        subprocess.run(["lfs", "explain", *files, "--aligned", "-o", page], check=True)
        assert page.stat().st_size > 10_000
    print(f"lfs-core {lfs.__version__} works in an empty environment.")


if __name__ == "__main__":
    main()

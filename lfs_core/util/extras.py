"""Packages that not everybody installs: what needs one says in a line how to get it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lfs_core.errors import LFSError

# The package of a module, where they differ by more than hyphens.
PACKAGES = {
    "dlib": "dlib-bin",
    "faiss": "faiss-cpu",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Import optional packages in this block.

    Args:
        extra: of `lfs-core`, which brings them.
        what: cannot be done without them, as the start of a sentence.

    Raises:
        LFSError: one is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module in ("", "lfs_core"):
            raise
        package = PACKAGES.get(module, module.replace("_", "-"))
        raise LFSError(
            f"{what} needs {package}, which is not installed: pip install 'lfs-core[{extra}]'"
        ) from None

"""What several tests need."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

import lfs_core as lfs
from lfs_core.datasets.faces import FaceSet, load_faces
from lfs_core.embedders import Embedder, embed_all

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Make what the tests start interruptible.

    A shell that runs the tests in the background has them ignore SIGINT; a process that they start
    would inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Hypothesis gives up on inputs that take long to draw; on a busy machine, any do.
settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("busy")


@pytest.fixture(scope="session")
def facenet() -> Embedder:
    """The real FaceNet of the demo tier."""
    return lfs.load_embedder("facenet-casia")


@pytest.fixture(scope="session")
def faces() -> FaceSet:
    """The demo tier's photographs."""
    return load_faces("demo", progress=False)


@pytest.fixture(scope="session")
def embeddings(facenet: Embedder, faces: FaceSet) -> torch.Tensor:
    """Their embeddings."""
    return embed_all(facenet, faces.images)


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public-domain photograph with one face, as a file."""
    import skimage.data

    path = tmp_path_factory.mktemp("photographs") / "astronaut.jpg"
    Image.fromarray(skimage.data.astronaut()).save(path, quality=95)
    return path


@pytest.fixture
def save_image(tmp_path: Path) -> Callable[..., Path]:
    """Save an array as an image file and return its path."""

    def save(array: np.ndarray, name: str = "image.png", **options: object) -> Path:
        path = tmp_path / name
        Image.fromarray(array).save(path, **options)
        return path

    return save


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The local tier's folder; tests that need it are marked `data`."""
    folder = os.environ.get("LFS_DATA")
    if not folder:
        pytest.skip("LFS_DATA names no folder with the local tier's images")
    return Path(folder)

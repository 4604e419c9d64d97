"""MTCNN's three networks as ONNX, so that faces are found in the browser as they are in Python.

The first looks at a whole photograph in several sizes and says where faces may be; the second and
the third look at each of these places more closely. What is done between them is in
viz/views/web/try_it/detector.js.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from facenet_pytorch import MTCNN
from torch import Tensor, nn

from lfs_core.errors import LFSError
from lfs_core.util.extras import needs
from lfs_core.util.files import replacing

if TYPE_CHECKING:
    import onnx

OUTPUTS = ("regression", "probabilities", "landmarks")
SIDES = {"p": None, "r": 24, "o": 48}  # px that a network reads; the first reads any, from 12
TRIED = ((2, 12, 12), (1, 37, 52))  # batches, heights and widths that the first is checked with
TOLERANCE = 1e-4  # between a network's numbers and its translation's, which are near [-1, 1]


def export_detector(folder: str | os.PathLike) -> None:
    """Write p.onnx, r.onnx and o.onnx, 2 MB together; each file appears whole or not at all.

    They take "images" (B,3,H,W) in [-1, 1], where a pixel's value v is (v - 127.5) / 128. H and W
    are 12 or more for p.onnx, 24 for r.onnx and 48 for o.onnx. All give "regression" and
    "probabilities": of p.onnx (B,4,h,w) and (B,2,h,w), a place every second pixel; of the others
    (B,4) and (B,2). o.onnx gives "landmarks" (B,10) too, five places across and five down.

    Args:
        folder: it is made if there is none.

    Raises:
        LFSError: a network cannot be translated, or a file cannot be written.
    """
    with needs("fast", "Exporting the face detector"):
        import onnx
    detector = MTCNN().eval()
    for name, side in SIDES.items():
        network = _Ordered(getattr(detector, f"{name}net")).eval()
        model = _translated(network, name, side)
        for batch, height, width in [(2, side, side), (5, side, side)] if side else TRIED:
            _check(model, network, name, _noise(batch, height, width))
        with replacing(Path(folder) / f"{name}.onnx") as temporary:
            onnx.save(model, str(temporary))


class _Ordered(nn.Module):
    """One of the networks, with its outputs in the order of `OUTPUTS`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        regression, *landmarks, probabilities = self.network(images)
        return regression, probabilities, *landmarks


def _noise(batch: int, height: int, width: int) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _translated(network: nn.Module, name: str, side: int | None) -> onnx.ModelProto:
    """A network that reads batches of any size and, if it has no side, images of any size."""
    axes: dict[int, Any] = {0: torch.export.Dim("batch")}
    if side is None:
        axes |= {2: torch.export.Dim("height", min=12), 3: torch.export.Dim("width", min=12)}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter's own making
            program = torch.onnx.export(
                network,
                (_noise(2, side or 40, side or 56),),
                input_names=["images"],
                output_names=list(OUTPUTS if name == "o" else OUTPUTS[:2]),
                dynamic_shapes=(axes,),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:
        raise LFSError(_failed(name, type(error).__name__)) from error
    assert program is not None  # with `dynamo`
    return program.model_proto


def _check(model: onnx.ModelProto, network: nn.Module, name: str, images: Tensor) -> None:
    """Raise an LFSError unless a model gives what its network gives."""
    try:
        found = _run(model, images)
    except Exception as error:
        raise LFSError(_failed(name, type(error).__name__)) from error
    with torch.no_grad():
        expected = network(images)
    for one, other in zip(found, expected, strict=True):
        if one.shape != other.shape or not (one - other).abs().max() <= TOLERANCE:
            raise LFSError(_failed(name, "other numbers"))


def _run(model: onnx.ModelProto, images: Tensor) -> Sequence[Tensor]:
    import onnxruntime

    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return [torch.from_numpy(of) for of in session.run(None, {"images": images.numpy()})]


def _failed(name: str, why: str) -> str:
    return f"MTCNN's network {name!r} cannot be translated to ONNX ({why}); use other versions."

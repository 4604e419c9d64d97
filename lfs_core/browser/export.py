"""A network in one ONNX file: embeddings and, with its causal head, what each window does.

Weights may be kept as 8-bit numbers, one scale for each output channel, or as 16-bit floats. They
are turned back before they are used, so that everything is computed in 32 bits and only the
rounding of weights is lost. ONNX Runtime on a CPU needs an option for that, which `run` gives.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lfs_core.amortised import CausalHead
from lfs_core.comparators.simexpert import SimExpert
from lfs_core.embedders import Embedder, embed, embedder_name, image_sides, ready
from lfs_core.embedders.last_maps import pooled_head
from lfs_core.embedders.network import Network
from lfs_core.embedders.taps import Tapped
from lfs_core.errors import LFSError
from lfs_core.util.digests import fingerprint
from lfs_core.util.extras import needs
from lfs_core.util.files import replacing
from lfs_core.util.networks import as_vectors, check_fitted

if TYPE_CHECKING:
    import onnx

OF_HEAD = ("C", "doubt", "features")
TOLERANCE = 1e-3  # between a network's embeddings and its translation's, relative
SMALLEST = 1024  # weights; smaller tensors stay as they are
WEIGHED = ("Conv", "Gemm", "MatMul")  # operations whose weights are kept as 8-bit numbers

Project = Callable[[Tensor], Tensor]  # of the average of the last maps (B,c) to embeddings (B,D)


def export(
    network: Embedder,
    path: str | os.PathLike,
    head: CausalHead | None = None,
    int8: bool = False,
    half: bool = False,
    places: bool = False,
) -> None:
    """Write a network as ONNX; the file appears whole or not at all.

    It takes "images" (B,3,H,W) in [0,1], as large as the network reads them, and gives "h" (B,D).
    With a head it also gives "C" (B,K,D), "doubt" (B,K) and "features" (B,K,c), as `CausalHead` and
    `PairsWithMaps` say. With places it gives "places" (B,P,D): what each place of the last maps
    adds to the embedding, row by row. Its metadata hold the network's name, fingerprint, framing,
    xi_1 and grid.

    Args:
        network: any network that PyTorch runs.
        path: the file to write.
        head: the network's causal head, which reads its layers.
        int8: keep weights as 8-bit numbers.
        half: keep weights as 16-bit floats, unless `int8`.
        places: say what each place gives, of a network of this package whose embedding is an
            affine map of the average of its last maps, or that average.

    Raises:
        LFSError: the network is no `nn.Module` or cannot be translated; the head is another
            network's or reads the image itself; or the network has no such places.
    """
    with needs("fast", "Exporting a network"):
        import onnx
    model = _translated(network, head, places)
    if int8:
        quantise(model)
    elif half:
        halve(model)
    about = {
        "name": embedder_name(network),
        "fingerprint": fingerprint(network)[:16],
        "framing": getattr(network, "framing", "whole"),
        "similarity_threshold": getattr(network, "similarity_threshold", 0.3),
        "grid": head.grid if head else 0,
        "weights": "int8" if int8 else "float16" if half else "float32",
    }
    for name, value in about.items():
        model.metadata_props.append(
            onnx.StringStringEntryProto(key=name, value=json.dumps(value, ensure_ascii=False))
        )
    with replacing(path) as temporary:
        onnx.save(model, str(temporary))


def quantise(model: onnx.ModelProto) -> None:
    """Keep the weights of convolutions and matrices as 8-bit numbers, in place.

    Each output channel has the scale max |w| / 127; `DequantizeLinear` turns it back, so that a
    weight moves by at most half its channel's scale.
    """
    import onnx

    graph = model.graph
    weights = {of.name: of for of in graph.initializer}
    uses = [
        (name, _axis(node, place, len(weights[name].dims)))
        for node in graph.node
        if node.op_type in WEIGHED
        for place, name in enumerate(node.input)
        if place < 2 and name in weights
    ]
    used = [name for node in graph.node for name in node.input]
    for name, axis in dict.fromkeys(uses):
        values = onnx.numpy_helper.to_array(weights[name])
        # A weight that something else uses too stays, and so do biases and other small ones.
        shared = used.count(name) > uses.count((name, axis))
        if values.dtype != np.float32 or values.size < SMALLEST or shared:
            continue
        rounded, scale = _rounded(values, axis)
        graph.initializer.remove(weights[name])
        graph.initializer.extend(
            [
                onnx.numpy_helper.from_array(rounded, f"{name}_int8"),
                onnx.numpy_helper.from_array(scale, f"{name}_scale"),
            ]
        )
        turn_back = onnx.helper.make_node(
            "DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=axis
        )
        graph.node.insert(0, turn_back)
    for value in list(graph.value_info):  # of weights that are now computed
        if value.name in weights:
            graph.value_info.remove(value)


def halve(model: onnx.ModelProto) -> None:
    """Keep large tensors as 16-bit floats, in place; `Cast` turns them back."""
    import onnx

    graph = model.graph
    for of in list(graph.initializer):
        values = onnx.numpy_helper.to_array(of)
        if values.dtype != np.float32 or values.size < SMALLEST:
            continue
        name = of.name
        graph.initializer.remove(of)
        half = values.astype(np.float16)
        graph.initializer.append(onnx.numpy_helper.from_array(half, f"{name}_half"))
        turn_back = onnx.helper.make_node(
            "Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT
        )
        graph.node.insert(0, turn_back)


def drift(path: str | os.PathLike, network: Embedder, images: Tensor) -> dict[str, float]:
    """How far a file's embeddings are from the network's.

    Args:
        path: the file that `export` wrote.
        network: the network.
        images: (B,3,H,W) in [0,1], as large as it reads them; B >= 2.

    Returns:
        "cosine": the smallest cosine of an image's two embeddings; "similarity": by how much the
        cosine of a pair of images changes at most, over all pairs.
    """
    (h,) = run(path, images, ["h"])
    one = nn.functional.normalize(embed(network, images).detach().double(), dim=1)
    other = nn.functional.normalize(h.double(), dim=1)
    moved = (one @ one.T - other @ other.T).abs()
    return {"cosine": (one * other).sum(dim=1).min().item(), "similarity": moved.max().item()}


def run(model: str | os.PathLike | bytes, images: Tensor, outputs: Sequence[str]) -> list[Tensor]:
    """What a file, or its content, gives for images (B,3,H,W) in [0,1], by ONNX Runtime."""
    with needs("fast", "Running an exported network"):
        import onnxruntime
    given = model if isinstance(model, bytes) else str(model)
    options = onnxruntime.SessionOptions()
    # Else it would round what 8-bit matrices are multiplied with to 8 bits, too.
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")
    session = onnxruntime.InferenceSession(given, options, ["CPUExecutionProvider"])
    return [torch.from_numpy(of) for of in session.run(list(outputs), {"images": images.numpy()})]


class _Answering(nn.Module):
    """Images -> h, then what a head says, then what places give."""

    def __init__(self, network: nn.Module, head: CausalHead | None, last: Project | None) -> None:
        super().__init__()
        self.network, self.head, self.last = network, head, last

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if isinstance(self.network, Network):
            given: Any = self.network.in_torch(images)
        else:
            given = self.network(images)
        if not isinstance(self.network, Tapped):
            # A tensor as it is: to look at its length would fix the size of a batch.
            plain = isinstance(given, Tensor) and given.ndim == 2
            return (given if plain else as_vectors(given, len(images), "the network"),)
        h, *maps = given
        found = [h]
        if self.head is not None:
            read = maps[: len(self.head.layers)]
            size = (self.head.grid, self.head.grid)
            at = interpolate(read[0], size, mode="bilinear", align_corners=False, antialias=True)
            found += [*self.head(h, read), at.flatten(2).mT]
        if self.last is not None:
            places = maps[-1].flatten(2).mT
            found.append(self.last(places.flatten(0, 1)).unflatten(0, places.shape[:2]))
        return tuple(found)


def _translated(network: Embedder, head: CausalHead | None, places: bool) -> onnx.ModelProto:
    name = embedder_name(network)
    if not isinstance(network, nn.Module):
        raise LFSError(
            f"{name!r} cannot be exported: it is a function, and only PyTorch's modules can be "
            "translated to ONNX."
        )
    ready(network)
    told: nn.Module = network
    if head is not None:
        check_fitted(head.info, network, "causal head")
        if not head.layers:
            raise LFSError("The head reads the image itself, as for a black box; leave it out.")
    outputs, layers = ["h"], list(head.layers if head else ())
    if head or places:
        if not isinstance(network, Network):
            what = "A head" if head else "What places give"
            raise LFSError(f"{what} can be exported with networks of this package, not {name!r}.")
        outputs += OF_HEAD if head else ()
        if places:
            layers.append(last_layer(network))
            outputs.append("places")
        told = Tapped(network, layers)
    example = torch.rand(2, 3, *image_sides(network), generator=torch.Generator().manual_seed(0))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter's own making
            program = torch.onnx.export(
                _Answering(told, head, pooled_head(network) if places else None).eval(),
                (example,),
                input_names=["images"],
                output_names=outputs,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:
        raise LFSError(f"{name!r} cannot be translated to ONNX: {type(error).__name__}.") from error
    assert program is not None  # with `dynamo`
    model = program.model_proto
    _check(model, network)
    return model


def last_layer(network: Network) -> str:
    """The name of the layer whose output is the last maps, from which the embedding is made.

    Raises:
        LFSError: there is none, or the embedding is no affine map of the maps' average.
    """
    images = torch.rand(1, 2, 3, *image_sides(network), generator=torch.Generator().manual_seed(2))
    explain = SimExpert(network)
    explain.evidence(explain.see(images))  # it refuses networks that are none of these
    (seen,) = explain._last_maps._places.values()
    return seen.name


def _check(model: onnx.ModelProto, network: Embedder) -> None:
    """Raise an LFSError unless a model embeds three images as the network does."""
    images = torch.rand(3, 3, *image_sides(network), generator=torch.Generator().manual_seed(1))
    try:
        (h,) = run(model.SerializeToString(), images, ["h"])
    except Exception as error:
        raise LFSError(
            f"{embedder_name(network)!r} cannot be translated to ONNX for batches of every size: "
            f"{type(error).__name__}."
        ) from error
    expected = embed(network, images).detach().float()
    if h.shape != expected.shape or (h - expected).norm() > TOLERANCE * expected.norm():
        raise LFSError(
            f"{embedder_name(network)!r} is not translated faithfully to ONNX: three images get "
            "other embeddings."
        )


def _axis(node: onnx.NodeProto, place: int, axes: int) -> int:
    """Which axis of a node's weights counts its outputs."""
    if node.op_type == "Conv":
        return 0
    turned = any(of.name == "transB" and of.i for of in node.attribute)
    if node.op_type == "Gemm":
        return 0 if turned and place == 1 else 1 if place == 1 else 0
    return axes - 1 if place == 1 else axes - 2


def _rounded(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights as int8 and the scale (n,) of each of the axis' entries."""
    others = tuple(k for k in range(values.ndim) if k != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.round(values / scale).astype(np.int8), scale.reshape(-1)

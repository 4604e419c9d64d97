"""Networks on ONNX Runtime: PyTorch's numbers to 1e-6, on a CPU in about half its time.

ONNX Runtime's convolutions do as much as the processor can; what takes their time is arithmetic.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from lfs_core.util.assets import cache_folder, writing_to_cache
from lfs_core.util.confidence import Spread
from lfs_core.util.digests import fingerprint
from lfs_core.util.files import file_name
from lfs_core.util.kept import keep, kept
from lfs_core.util.networks import check_pixels

if TYPE_CHECKING:
    import onnxruntime

log = logging.getLogger(__name__)


FAST = ("onnx", "onnxruntime", "onnxscript")  # of the extra of that name


class Network(nn.Module):
    """A network with its preprocessing: (B,3,H,W) in [0,1] -> (B,D).

    On a CPU, and where no gradient is asked for, ONNX Runtime does the work if it is installed.
    Subclasses say in `in_torch` what is computed.

    Attributes:
        name: of the network and its weights.
        image_size: side of the images it reads, in pixels; others are resized.
        framing: what it reads, "face" for aligned faces, "whole" for whole photographs or "centre"
            for the square in their middle.
        spread: of its similarities; None where it is not known.
    """

    spread: Spread | None = None
    one_by_one = False  # it answers an image alone as in a batch

    def __init__(self, name: str, image_size: int, framing: str) -> None:
        super().__init__()
        self.name, self.image_size, self.framing = name, image_size, framing
        self._runtime: _Runtime | None = None

    if TYPE_CHECKING:

        def __call__(self, images: Tensor) -> Tensor:
            """As `forward`."""

    def in_torch(self, images: Tensor) -> Tensor:
        """The network in PyTorch, for gradients and hooks: (B,3,s,s) in [0,1] -> (B,D)."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Embed images (B,3,H,W), uint8 or floats in [0,1].

        Raises:
            ImageError: they are not.
        """
        images = self.resized(check_pixels(images))
        if images.device.type != "cpu" or (torch.is_grad_enabled() and self._learns(images)):
            # Without TF32, for a CPU's numbers; cuDNN itself would be off if it were not named.
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                return self.in_torch(images)
        return self._on_runtime(images.detach().float())[0]

    def resized(self, images: Tensor) -> Tensor:
        """Images (B,3,H,W) as large as the network reads them."""
        size = (self.image_size, self.image_size)
        if images.shape[-2:] == size:
            return images
        return nn.functional.interpolate(
            images, size, mode="bilinear", align_corners=False, antialias=True
        )

    def fingerprint(self) -> str:
        """What tells it from every other: code, structure, weights, image size."""
        return fingerprint(self)

    def _learns(self, images: Tensor) -> bool:
        """Whether a gradient of the images or of a weight is asked for."""
        return images.requires_grad or any(p.requires_grad for p in self.parameters())

    def _on_runtime(self, images: Tensor) -> list[Tensor]:
        """What `in_torch` returns, by ONNX Runtime, for the weights as they are now."""
        if not _is_installed():
            with torch.no_grad():
                made = self.in_torch(images)
            return [made] if isinstance(made, Tensor) else list(made)
        if self._runtime is None or self._runtime.state != self._runtime.read_state():
            self._runtime = _Runtime(self._exported, list(self.modules()))
        threads = torch.get_num_threads()
        if len(images) < 2 * threads:
            found = self._runtime.session(threads).run(None, {"images": images.numpy()})
        else:
            # Many threads finish sooner each on its own images than all on the same.
            run = self._runtime.session(1).run
            parts = np.array_split(images.numpy(), 2 * threads)
            with ThreadPoolExecutor(threads) as pool:
                done = pool.map(lambda part: run(None, {"images": part}), parts)
                found = [np.concatenate(of) for of in zip(*done, strict=True)]
        return [torch.from_numpy(of) for of in found]

    def _exported(self) -> bytes:
        """This network in ONNX, from the cache, or translated if it is not there yet."""
        made_by = "-".join(f"{name}{version(name)}" for name in ("torch", *FAST))
        name = f"{file_name(self.name)}-{self.fingerprint()[:16]}-{made_by}.onnx.kept"
        path = cache_folder() / "onnx" / name
        model = kept(path)
        if model is not None:
            return model
        with writing_to_cache(path):
            model = kept(path)
            if model is None:
                log.info("Translating %s for ONNX Runtime (once) ...", self.name)
                model = _export(self)
                keep(path, model)
        return model

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_runtime": None}  # a copy makes its own


class _Runtime:
    """Sessions of ONNX Runtime and what they were made for.

    Weights that are changed later, other than through `.data`, show in `read_state`.
    """

    def __init__(self, model: Callable[[], bytes], modules: list[nn.Module]) -> None:
        self._model = model
        self._children = [module._modules for module in modules]
        self._held = [of for module in modules for of in (module._parameters, module._buffers)]
        self._sessions: dict[int, onnxruntime.InferenceSession] = {}
        self.state = self.read_state()

    def session(self, threads: int) -> onnxruntime.InferenceSession:
        """A session that works on one batch with this number of threads."""
        if threads not in self._sessions:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.log_severity_level = 3  # errors
            # Threads that wait for the next layer spin; between calls they would keep their cores
            # from the next network.
            options.add_session_config_entry("session.force_spinning_stop", "1")
            self._sessions[threads] = onnxruntime.InferenceSession(
                self._model(), options, ["CPUExecutionProvider"]
            )
        return self._sessions[threads]

    def read_state(self) -> list[int]:
        """Numbers that change when weights or modules do; cheaper than a hash."""
        tensors = [tensor for of in self._held for tensor in of.values() if tensor is not None]
        return [
            *map(id, chain.from_iterable(of.values() for of in self._children)),
            *[tensor.data_ptr() for tensor in tensors],
            *[tensor._version for tensor in tensors],
        ]


@cache
def _is_installed() -> bool:
    """Whether networks can be translated and run; says once how, if not."""
    try:
        for name in FAST:
            version(name)
    except PackageNotFoundError:
        log.info("Networks run in PyTorch; `pip install 'lfs-core[fast]'` halves their time.")
        return False
    return True


class _InTorch(nn.Module):
    """`in_torch` as a `forward`, which is what PyTorch exports."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.in_torch(images)


def _export(network: Network) -> bytes:
    side = network.image_size
    example = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's own making
        program = torch.onnx.export(
            _InTorch(network).eval(),
            (example,),
            input_names=["images"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # with `dynamo`
    return program.model_proto.SerializeToString()

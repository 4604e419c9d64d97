"""A network that tells spoken words apart, in any language and from one example.

EfficientWord-Net (Chidhambararajan et al.), a ResNet-50 trained with ArcFace; Apache-2.0. Its file
lies in a pinned package of the index, of which nothing is run.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lfs_core.errors import LFSError
from lfs_core.sound.mel import WORD_BANDS, log_mel, word_bands
from lfs_core.util.assets import PackageAsset, fetch
from lfs_core.util.code import code_of
from lfs_core.util.digests import fingerprint
from lfs_core.util.extras import needs

if TYPE_CHECKING:
    import onnxruntime

EFFICIENT_WORD_NET = PackageAsset(
    name="efficientword-net-resnet50-arc.onnx",
    sha256="373916c2a52dffb716738ac451d384ca2097d4cca5bde1357377023da8e47cbe",
    package="EfficientWord-Net==1.0.5",
    package_sha256="9094b1ac4f4d4ccb54069b15e87639e38f3c06443be383acccedc5c26055aa58",
    member="eff_word_net/models/resnet_50_arc/slim_93%_accuracy_72.7390%.onnx",
    megabytes=101,
)
FRAMES = 149  # of a spectrogram of 1.5 s


class Words:
    """A ResNet-50 of words: 1.5 s of sound at 16 kHz -> (B,2048) of length one.

    It gives no gradients. It scales each spectrogram by its own least and greatest value, so that
    how loud a word is said does not count.

    Attributes:
        name, seconds, bands: as of `Ear`.
        similarity_threshold: xi_1. Of 40 words, each said by four voices of espeak-ng, it separates
            best 240 pairs of one word from 18,720 of two words, all in two voices. 97.2 % are
            right, both kinds weighted equally.
    """

    name, seconds = "efficientword-net", 1.5
    similarity_threshold = 0.225
    one_by_one = False

    def __init__(self) -> None:
        with needs("sound", "'efficientword-net'"):
            import onnxruntime  # noqa: F401
        self._path = str(fetch(EFFICIENT_WORD_NET))
        self._session: onnxruntime.InferenceSession | None = None
        self.bands = word_bands()

    def __call__(self, waves: Tensor) -> Tensor:
        """Embed waves (B,24000) at 16 kHz.

        Raises:
            LFSError: they have another shape.
        """
        return self.of_spectrogram(self.spectrogram(waves))

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(B,149,64), natural logarithms of energy; see `log_mel`."""
        return log_mel(waves)

    def of_spectrogram(self, spectrograms: Tensor) -> Tensor:
        """Embeddings (B,2048) of spectrograms (B,149,64).

        Raises:
            LFSError: they have another shape.
        """
        if spectrograms.ndim != 3 or spectrograms.shape[1:] != (FRAMES, WORD_BANDS):
            raise LFSError(
                f"{self.name!r} reads spectrograms (B,{FRAMES},{WORD_BANDS}), of 1.5 s at 16 kHz, "
                f"not {tuple(spectrograms.shape)}."
            )
        given = spectrograms.detach().cpu().float().numpy()[:, None, None]
        run = self._opened().run  # the file takes one at a time
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            done = list(pool.map(lambda one: run(None, {"input": one})[0], given))
        return torch.from_numpy(np.concatenate([np.zeros((0, 2048), np.float32), *done]))

    def fingerprint(self) -> str:
        """What tells it from every other: code and weights."""
        return fingerprint([self.name, code_of(type(self)).digest, EFFICIENT_WORD_NET.sha256])

    def _opened(self) -> onnxruntime.InferenceSession:
        if self._session is None:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1  # the same sums on every machine
            options.log_severity_level = 3  # errors
            self._session = onnxruntime.InferenceSession(
                self._path, options, ["CPUExecutionProvider"]
            )
        return self._session

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_session": None}  # a copy opens its own

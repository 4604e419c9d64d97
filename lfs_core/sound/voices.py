"""A network that tells speakers apart, whatever they say.

Resemblyzer's encoder (Jemine 2019), trained by the loss of Wan et al. 2018 (GE2E); Apache-2.0. Its
weights lie in a pinned package of the index, of which nothing is run.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from lfs_core.errors import LFSError
from lfs_core.sound.voice_mel import BANDS, log_energy, voice_bands
from lfs_core.util.assets import PackageAsset, fetch
from lfs_core.util.code import code_of
from lfs_core.util.digests import fingerprint

RESEMBLYZER = PackageAsset(
    name="resemblyzer-pretrained.pt",
    sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
    package="Resemblyzer==0.1.4",
    package_sha256="8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    member="resemblyzer/pretrained.pt",
    megabytes=16,
)
FRAMES = 160  # of a spectrogram of 1.6 s
WIDTH = 256  # of its layers and its embedding


class Voices(nn.Module):
    """Three recurrent layers that hear a speaker: 1.6 s at 16 kHz -> (B,256) >= 0, of length one.

    All latents are at least 0, and so are all cosines.

    Attributes:
        name, seconds, bands: as of `Ear`.
        similarity_threshold: xi_1, which separates best six voices of espeak-ng in pairs of two
            texts, of 16. 90.6 % are right, both kinds weighted equally.
    """

    name, seconds = "resemblyzer", 1.6
    similarity_threshold = 0.73
    one_by_one = False

    def __init__(self) -> None:
        super().__init__()
        self.bands = voice_bands()
        self.lstm = nn.LSTM(BANDS, WIDTH, 3, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)
        held = torch.load(fetch(RESEMBLYZER), map_location="cpu", weights_only=True)
        layers = ("lstm.", "linear.")  # the others served its training
        state = {k: v for k, v in held["model_state"].items() if k.startswith(layers)}
        self.load_state_dict(state)
        self.eval().requires_grad_(False)

    def forward(self, waves: Tensor) -> Tensor:
        """Embed waves (B,25600) at 16 kHz.

        Raises:
            LFSError: they have another shape.
        """
        return self.of_spectrogram(self.spectrogram(waves))

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(B,160,40), natural logarithms of energy; see `log_energy`."""
        return log_energy(waves)[..., :FRAMES, :]

    def of_spectrogram(self, spectrograms: Tensor) -> Tensor:
        """Embeddings (B,256) of spectrograms (B,160,40).

        Raises:
            LFSError: they have another shape.
        """
        if spectrograms.ndim != 3 or spectrograms.shape[1:] != (FRAMES, BANDS):
            raise LFSError(
                f"{self.name!r} reads spectrograms (B,{FRAMES},{BANDS}), of 1.6 s at 16 kHz, "
                f"not {tuple(spectrograms.shape)}."
            )
        _, (hidden, _) = self.lstm(spectrograms.float().exp())  # it reads energy itself
        return normalize(self.linear(hidden[-1]).relu(), dim=-1)

    def fingerprint(self) -> str:
        """What tells it from every other: code and weights."""
        return fingerprint([self.name, code_of(type(self)).digest, RESEMBLYZER.sha256])

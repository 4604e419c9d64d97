"""What a network makes of photographs with windows taken away: all that a causal head learns from.

Nothing is computed twice: every batch of photographs is a file of the cache.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, normalize
from tqdm import tqdm

from lfs_core.comparators.causal import FEW, draw_sets, draw_windows
from lfs_core.comparators.fills import plain
from lfs_core.datasets.folders import stream_views
from lfs_core.datasets.framing import FRAMINGS, framing_of
from lfs_core.embedders import Embedder, device_of, embed, fingerprint, image_sides
from lfs_core.embedders.taps import Taps
from lfs_core.errors import LFSError
from lfs_core.training.embedding import BATCH, SMALL
from lfs_core.training.enough import why_left_out
from lfs_core.util.assets import cache_folder
from lfs_core.util.digests import key
from lfs_core.util.kept import keep_tensors, kept_tensors
from lfs_core.util.windows import tiles

AT_ONCE = 4  # images whose removals a CPU embeds together
SMALLEST = 0.7  # side of a varied image's crop, of the whole
LIGHT = 1.4  # a varied image's light and contrast differ by up to this factor


@dataclass(frozen=True)
class Removals:
    """What a network makes of images, whole and without some windows.

    Attributes:
        h: embeddings (N,D) of the whole images, of length one.
        maps: (N,c,h,w) float16 of each layer that was read.
        sets: (N,M,K) bool, the windows taken away at once.
        after: (N,M,D) float16, the embeddings without them, of length one.
        identities: whose or of which class the N images are.
        skipped: what could not be used, and why, by path.
        several: paths of photographs with several faces, of which one was taken.
    """

    h: Tensor
    maps: list[Tensor]
    sets: Tensor
    after: Tensor
    identities: Sequence[str]
    skipped: dict[str, str]
    several: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.h)

    def __getitem__(self, chosen: Sequence[int]) -> Removals:
        """The images at these positions."""
        return Removals(
            self.h[chosen],
            [maps[chosen] for maps in self.maps],
            self.sets[chosen],
            self.after[chosen],
            [self.identities[k] for k in chosen],
            {},
        )

    def of(self, identities: set[str]) -> Removals:
        """The images of these identities."""
        return self[[k for k, who in enumerate(self.identities) if who in identities]]

    def to(self, device: torch.device) -> Removals:
        """The same on a device."""
        return replace(
            self,
            h=self.h.to(device),
            maps=[maps.to(device) for maps in self.maps],
            sets=self.sets.to(device),
            after=self.after.to(device),
        )

    def joined(self, other: Removals) -> Removals:
        """With the removals of the same images that another run has made."""
        return replace(
            self,
            sets=torch.cat([self.sets, other.sets], dim=1),
            after=torch.cat([self.after, other.after], dim=1),
        )


def together(parts: Sequence[Removals]) -> Removals:
    """The removals of different images as one."""
    return Removals(
        torch.cat([of.h for of in parts]),
        [torch.cat(maps) for maps in zip(*(of.maps for of in parts), strict=True)],
        torch.cat([of.sets for of in parts]),
        torch.cat([of.after for of in parts]),
        [who for of in parts for who in of.identities],
        {path: reason for of in parts for path, reason in of.skipped.items()},
        frozenset().union(*(of.several for of in parts)),
    )


def without(images: Tensor, baseline: Tensor, sets: Tensor, windows: Tensor) -> Tensor:
    """Images with sets of windows taken away.

    Args:
        images: (B,3,H,W).
        baseline: (B,3,H,W), what is seen instead.
        sets: (B,M,K) bool.
        windows: (K,H,W) bool, that tile the image.

    Returns:
        (B,M,3,H,W).
    """
    number = windows.byte().argmax(dim=0)  # of the window that each pixel lies in
    gone = sets[..., number][:, :, None]
    return torch.where(gone, baseline[:, None], images[:, None])


def gather_removals(
    embedder: Embedder,
    photographs: Sequence[tuple[Path, str]],
    layers: Sequence[str],
    *,
    grid: int = 8,
    count: int = 12,
    alone: bool = False,
    variation: int = 0,
    seed: int = 0,
    workers: int = os.cpu_count() or 1,
    progress: bool = True,
) -> Removals:
    """Frame photographs, take windows away and embed what is left.

    What is in the cache already is not done again: an interrupted run goes on where it stopped.

    Args:
        embedder: the network.
        photographs: files and whose or of which class they are.
        layers: of the network, whose maps are kept; none for the images themselves.
        grid: windows along each side of the image.
        count: of sets of windows, for each image.
        alone: remove this many windows one at a time instead.
        variation: 0 for the photographs as they are; any other number for `varied` ones.
        seed: of the sets.
        workers: threads that read photographs while the network works.
        progress: show a progress bar.

    Raises:
        LFSError: no photograph can be used, or the cache cannot be written.
    """
    windows = tiles(image_sides(embedder), [grid])
    draw = partial(draw_windows if alone else draw_sets, len(windows), count)
    kept = partial(
        _kept,
        embedder,
        fingerprint(embedder),
        photographs,
        variation=variation,
        workers=workers,
        progress=progress,
    )
    removed = kept(
        "Removing",
        [grid, count, seed, FEW] + ["alone"] * alone,
        partial(_remove, embedder, windows.to(device_of(embedder)), draw, seed),
    )
    seen = kept("Looking", list(layers), partial(_look, Taps(embedder, layers)))
    identities = [who for _, who in photographs]
    skipped = {str(photographs[k][0]): reason for k, reason in removed.problems.items()}
    if not removed.tensors:
        why = why_left_out(skipped, len(photographs), embedder)
        raise LFSError(f"None of the photographs can be used. {why}".rstrip())
    return Removals(
        removed.tensors["h"],
        [seen.tensors[key] for key in sorted(seen.tensors)],
        removed.tensors["sets"],
        removed.tensors["after"],
        [identities[k] for k in removed.fresh],
        skipped,
        frozenset(str(photographs[k][0]) for k in removed.several),
    )


@dataclass(frozen=True)
class _Kept:
    """Cached results of the usable photographs: tensors (N,...), by name."""

    tensors: dict[str, Tensor]
    fresh: list[int]
    problems: dict[int, str]
    several: list[int]


def _kept(
    embedder: Embedder,
    network: str,
    photographs: Sequence[tuple[Path, str]],
    title: str,
    settings: list[object],
    observe: Callable[[Tensor, list[int]], dict[str, Tensor]],
    *,
    variation: int,
    workers: int,
    progress: bool,
) -> _Kept:
    """What `observe` finds in photographs; of each batch, a file of the cache keeps it.

    It is called with images (B,3,H,W) in [0,1], where the network is, and a seed for each.
    """
    framing = framing_of(embedder)
    name = key(
        code=[FRAMINGS[framing], stream_views, gather_removals, embedder],
        what=title,
        network=network,
        image_size=image_sides(embedder),
        settings=settings,
        variation=variation,
    )
    folder = cache_folder() / "removals" / name[:16]
    batches = [photographs[k : k + BATCH] for k in range(0, len(photographs), BATCH)]
    paths = [
        folder / f"{key(photographs=[file for file, _ in batch])[:32]}.safetensors"
        for batch in batches
    ]
    known = [_read(path) for path in paths]
    missing = [k for k, of in enumerate(known) if of is None]
    views = stream_views(
        [[file for file, _ in batches[k]] for k in missing],
        FRAMINGS[framing],
        image_sides(embedder),
        SMALL,
        workers=workers,
    )
    with tqdm(total=len(photographs), desc=title, disable=not progress, unit="img") as bar:
        bar.update(len(photographs) - sum(len(batches[k]) for k in missing))
        for k, of in zip(missing, views, strict=True):
            tensors = {}
            if of.images is not None:
                # Drawn from a photograph's content: its sets do not depend on its neighbours.
                seeds = [int.from_bytes(key[:6], "little") for key in of.fresh_keys]
                images = of.images.to(device_of(embedder)).float() / 255
                if variation:
                    seeds = [seed + variation for seed in seeds]
                    images = varied(images, seeds)
                tensors = observe(images, seeds)
            several = [position for position, key in enumerate(of.keys) if key in of.several]
            about = {"problems": of.problems, "fresh": of.fresh, "several": several}
            keep_tensors(paths[k], tensors, {name: json.dumps(of) for name, of in about.items()})
            known[k] = _Kept(tensors, of.fresh, of.problems, several)
            bar.update(len(batches[k]))
    return _collected([of for of in known if of is not None])


def varied(images: Tensor, seeds: Sequence[int]) -> Tensor:
    """Images as another photographer might have taken them: cropped, mirrored, with other lighting.

    Args:
        images: (B,3,H,W) in [0,1].
        seeds: of what is drawn for each image.

    Returns:
        (B,3,H,W) in [0,1].
    """
    drawn = [torch.rand(6, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    side, right, down, mirrored, light, contrast = torch.stack(drawn).to(images).T
    side = SMALLEST + (1 - SMALLEST) * side
    theta = images.new_zeros(len(images), 2, 3)  # from places in the result to places seen
    theta[:, 0, 0] = side.where(mirrored < 0.5, -side)
    theta[:, 1, 1] = side
    theta[:, :, 2] = (1 - side)[:, None] * (2 * torch.stack([right, down], dim=1) - 1)
    grid = affine_grid(theta, list(images.shape), align_corners=False)
    seen = grid_sample(images, grid, padding_mode="border", align_corners=False)
    mean = seen.mean(dim=(1, 2, 3), keepdim=True)
    light, contrast = (LIGHT ** (2 * of - 1).view(-1, 1, 1, 1) for of in (light, contrast))
    return ((seen - mean) * contrast + mean * light).clamp(0, 1)


def _remove(
    embedder: Embedder,
    windows: Tensor,
    draw: Callable[[int], Tensor],
    seed: int,
    images: Tensor,
    seeds: list[int],
) -> dict[str, Tensor]:
    """What is left of the embeddings of a batch without some of the windows."""
    sets = torch.stack([draw(of + seed) for of in seeds])
    after = []
    at_once = len(images) if images.is_cuda else AT_ONCE
    with torch.no_grad():
        for of, some in zip(
            images.split(at_once), sets.to(images.device).split(at_once), strict=True
        ):
            left = without(of, plain(of, "mean"), some, windows).flatten(0, 1)
            after.append(normalize(embed(embedder, left), dim=-1))
        h = normalize(embed(embedder, images), dim=-1)
    after = torch.cat(after).unflatten(0, sets.shape[:2])
    return {"h": h, "sets": sets, "after": after.half()}


def _look(taps: Taps, images: Tensor, seeds: list[int]) -> dict[str, Tensor]:
    """The maps inside the network of a batch."""
    _, maps = taps(images)
    return {f"maps{k}": of.half() for k, of in enumerate(maps)}


def _read(path: Path) -> _Kept | None:
    found = kept_tensors(path)
    if found is None:
        return None
    tensors, about = found
    problems = {int(k): reason for k, reason in json.loads(about["problems"]).items()}
    fresh, several = (json.loads(about[name]) for name in ("fresh", "several"))
    return _Kept(tensors, fresh, problems, several)


def _collected(batches: Sequence[_Kept]) -> _Kept:
    starts = range(0, BATCH * len(batches), BATCH)
    usable = [of.tensors for of in batches if of.tensors]
    return _Kept(
        {key: torch.cat([of[key] for of in usable]) for of in usable[:1] for key in of},
        [start + k for start, of in zip(starts, batches, strict=True) for k in of.fresh],
        {
            start + k: reason
            for start, of in zip(starts, batches, strict=True)
            for k, reason in of.problems.items()
        },
        [start + k for start, of in zip(starts, batches, strict=True) for k in of.several],
    )

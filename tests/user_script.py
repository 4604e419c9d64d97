"""What a user may write: every public name, and the type that a checker must see in each.

`own` runs in seconds, on a network of the user's and photographs of noise; the others need the
networks that ship.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

import lfs_core as lfs
from lfs_core.embedders.efficientnet import MetricNetwork
from lfs_core.embedders.network import Network
from lfs_core.embedders.own import Own
from lfs_core.evaluation.results import Results
from lfs_core.explanation import PairExplainer
from lfs_core.search.retriever import Answer, Hit
from lfs_core.training.embedding import TrainingSet

SIDE = 32  # px


class Colours(nn.Module):
    """A network of the user's own: the mean colour of each quarter of an image, (B,12)."""

    image_size = SIDE

    def forward(self, images: Tensor) -> Tensor:
        """Embed images (B,3,H,W)."""
        return nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)


def brightness(images: Tensor) -> Tensor:
    """A black box: the brightness of each quarter, (B,4)."""
    return nn.functional.adaptive_avg_pool2d(images.mean(dim=1), 2).flatten(1)


def write_photographs(folder: Path) -> list[Path]:
    """Noise of twelve people, three photographs of each."""
    noise = np.random.default_rng(0)
    files = []
    for person in range(12):
        (folder / f"person {person}").mkdir(parents=True)
        for number in range(3):
            pixels = noise.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            files.append(folder / f"person {person}" / f"{number}.png")
            Image.fromarray(pixels).save(files[-1])
    return files


def own(folder: Path) -> None:
    """Everything that needs no network but the user's own."""
    files = write_photographs(folder / "photographs")
    image = lfs.load_image(files[0])
    assert_type(image, Image.Image)

    embedder = lfs.load_embedder(Colours())
    assert_type(embedder, Colours)
    assert_type(lfs.load_embedder(Colours(), name="mine", image_size=(SIDE, SIDE)), Own)
    black_box = lfs.load_embedder(brightness)
    assert_type(black_box(torch.rand(1, 3, SIDE, SIDE)), Tensor)

    data = lfs.embed_folders(embedder, [folder / "photographs"], size=8, progress=False)
    assert_type(data, TrainingSet)
    fitted = lfs.fit_decoder(data, embedder, description="noise")
    assert_type(fitted, lfs.Decoder)
    lfs.save_decoder(fitted, folder / "decoder.safetensors")
    decoder = lfs.load_decoder(folder / "decoder.safetensors")
    assert_type(decoder, lfs.Decoder)
    assert_type(decoder.info, dict[str, Any])
    assert_type(decoder.image_size, tuple[int, int])

    explain = lfs.ExplainLFS(
        embedder, decoder, p=0.3, similarity_threshold=0.3, map_threshold=0.7, latents="scaled"
    )
    explained(explain(files[0], str(files[1])), folder)
    explained(explain(image, np.asarray(image)), folder)
    explained(explain(torch.rand(3, SIDE, SIDE), np.ones((SIDE, SIDE))), folder)
    assert_type(explain.batch([(files[0], files[1])]), list[lfs.PairExplanation])
    assert_type(explain.settings(), dict[str, Any])
    assert_type(lfs.list_explainers(), list[str])
    occlusion = lfs.load_explainer("occlusion", black_box)
    assert_type(occlusion, PairExplainer)
    h = black_box(torch.rand(1, 3, SIDE, SIDE))[0]
    assert_type(lfs.explain_beside(occlusion, files[0], h), lfs.PairExplanation)
    compared([explain, occlusion, my_method], files)
    matching = lfs.load_explainer("causal", black_box, grid=2, scales=1)(files[0], files[1])
    assert matching.matches is not None
    assert matching.likeness is not None
    assert_type([of.confidence for of in lfs.matched(matching.likeness)], list[float])
    upper = torch.tensor([True, True, False, False])
    assert_type(lfs.answer(matching.matches, upper), Tensor)

    arithmetic(embedder, decoder)
    things(black_box)
    decoders(embedder)
    measured(embedder, folder)
    gallery(embedder, folder)
    errors(folder)


def things(embedder: Callable[[Tensor], Tensor]) -> None:
    """Two things with parts."""
    windows = torch.eye(4, dtype=torch.bool).view(4, 2, 2).repeat_interleave(SIDE // 2, dim=1)
    windows = windows.repeat_interleave(SIDE // 2, dim=2)
    a, b = torch.rand(2, 3, SIDE, SIDE)
    one: lfs.Thing = lfs.Windows(embedder, a, windows, torch.zeros_like(a))
    other = lfs.Windows(embedder, b, windows, torch.zeros_like(b))
    e = lfs.explain_things(one, other, "causal", threshold=0.3)
    assert_type(e, lfs.ThingsExplanation)
    assert_type(e.is_similar, bool)


def explained(e: lfs.PairExplanation, folder: Path) -> None:
    """What an explanation holds."""
    assert_type(e.method, str)
    assert_type(e.similarity, float)
    assert_type(e.is_similar, bool)
    assert_type(e.images, Tensor)
    assert_type(e.maps, Tensor)
    assert_type(e.map_threshold, float)
    assert_type(e.masks, Tensor)
    assert_type(e.settings, dict[str, Any])
    assert_type(e.relevance, Tensor | None)
    assert_type(e.reconstructions, Tensor | None)
    assert_type(e.perturbed, Tensor | None)
    assert_type(e.signed_maps, Tensor | None)
    assert_type(e.promised_sums, Tensor | None)
    assert_type(e.matches, Tensor | None)
    assert_type(e.likeness, Tensor | None)
    assert_type(e.grid, tuple[int, int] | None)
    assert_type(e.completeness_error, float | None)
    assert_type(e.confidence, float | None)
    assert_type(e.to_dict(), dict[str, Any])
    assert_type(e.plot(), Figure)
    e.save(folder / "out.html")


def my_method(image_a: object, image_b: object) -> lfs.PairExplanation:
    """An explainer need be no more than a function."""
    return lfs.PairExplanation(
        method="mine",
        similarity=1.0,
        is_similar=True,
        images=torch.zeros(2, 3, SIDE, SIDE),
        maps=torch.ones(2, SIDE, SIDE),
        map_threshold=0.7,
        settings={},
    )


def compared(explainers: list[lfs.Explainer], files: list[Path]) -> None:
    """Methods of all kinds, called alike."""
    for explain in explainers:
        assert_type(explain(files[0], files[1]), lfs.PairExplanation)


def arithmetic(embedder: nn.Module, decoder: lfs.Decoder) -> None:
    """Eq. 2 to 4, step by step, on tensors, arrays and lists."""
    h1, h2 = embedder(torch.rand(2, 3, SIDE, SIDE))
    R = lfs.relevance(h1, h2, similar=True)
    assert_type(R, Tensor)
    assert_type(lfs.relevance([0.0, 1.0], [1.0, 0.5], similar=False), Tensor)
    assert_type(lfs.relevance(np.ones((2, 4)), np.zeros((2, 4)), [True, False]), Tensor)
    assert_type(lfs.normalized_distance(h1, h2), Tensor)
    h_p = lfs.perturb(h1, R, 0.3)
    assert_type(h_p, Tensor)
    assert_type(lfs.difference_map(decoder, h1, h_p), Tensor)
    assert_type(decoder(h1[None]), Tensor)


def decoders(embedder: Colours) -> None:
    """Decoders of every kind, from arrays and from batches."""
    images = torch.rand(40, 3, SIDE, SIDE)
    h = embedder(images)
    linear = lfs.LinearDecoder.fit(h, images, ridge=0.1)
    assert_type(linear, lfs.LinearDecoder)
    assert_type(lfs.LinearDecoder.fit(h.numpy(), images.numpy()), lfs.LinearDecoder)
    batches = ((h[k : k + 20], images[k : k + 20]) for k in (0, 20))
    assert_type(lfs.LinearDecoder.fit(batches, ridge=0.1), lfs.LinearDecoder)
    assert_type(linear.weight, Tensor)
    held_out = (h[:5], images[:5])
    mlp = lfs.MLPDecoder.fit(h, images, validation=held_out, width=4, epochs=1, progress=False)
    assert_type(mlp, lfs.MLPDecoder)
    assert_type(lfs.ConvDecoder(12, (8, 8), width=8)(h), Tensor)


def measured(embedder: Colours, folder: Path) -> None:
    """A causal head, and what explanations are worth."""
    photographs = [(file, file.parent.name) for file in sorted(folder.rglob("person*/*.png"))]
    head = lfs.fit_causal(
        embedder, photographs, description="noise", grid=4, epochs=1, progress=False
    )
    assert_type(head, lfs.CausalHead)
    lfs.save_head(head, folder / "head.safetensors")
    assert_type(lfs.load_head(folder / "head.safetensors"), lfs.CausalHead)
    pairs = lfs.load_pairs(str(folder / "photographs"), embedder, 4, progress=False)
    settings = lfs.Settings(embedder, ("occlusion,grid=4",), ("partner",), seeds=1)
    assert_type(lfs.evaluate(settings, pairs, progress=False), Results)


def gallery(embedder: Colours, folder: Path) -> None:
    """A gallery, and what it answers."""
    made = lfs.index_folder(folder / "photographs", embedder, progress=False)
    made.save(folder / "gallery.safetensors")
    loaded = lfs.load_gallery(folder / "gallery.safetensors")
    assert_type(loaded, lfs.Gallery)
    assert_type(loaded.labels, list[str])
    answer = lfs.Retriever(loaded, embedder)(0, top=3)
    assert_type(answer, Answer)
    assert_type(answer.nearest, list[Hit])
    assert_type(answer.nearest[0].similarity, float)


def errors(folder: Path) -> None:
    """One family."""
    kinds: list[type[lfs.LFSError]] = [lfs.ImageError, lfs.FaceError, lfs.AssetError]
    try:
        lfs.load_image(folder / "missing.png")
    except lfs.LFSError as error:
        assert any(isinstance(error, kind) for kind in kinds)


def shipped(a: Path, b: Path) -> None:
    """The networks and decoders that ship."""
    embedder = lfs.load_embedder("facenet-casia")
    assert_type(embedder, Network)
    assert_type(embedder.image_size, int)
    assert_type(embedder(torch.rand(1, 3, 160, 160)), Tensor)
    explain = lfs.ExplainLFS(embedder, lfs.load_decoder("facenet-casia"))
    assert_type(lfs.align_face(a), Image.Image)
    assert_type(explain(lfs.align_face(a), lfs.align_face(b)), lfs.PairExplanation)
    assert_type(lfs.__version__, str)


def learnt(folder: Path) -> None:
    """A network from photographs."""
    assert_type(lfs.train_network(folder, name="mine"), MetricNetwork)

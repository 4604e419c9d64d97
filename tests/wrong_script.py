"""What a type checker must complain about, at each line that says `# wrong`, and at no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

import lfs_core as lfs


def wrong(folder: Path) -> None:
    """Every line is a user's mistake; none of it is run."""
    embedder = lfs.load_embedder("facenet-casia")
    lfs.load_embedder(3)  # wrong
    lfs.load_embedder(len)  # wrong
    embedder("a.jpg")  # wrong
    decoder = lfs.load_decoder("facenet-casia")
    lfs.load_decoder(embedder)  # wrong
    decoder([0.0, 1.0])  # wrong
    lfs.save_decoder(embedder, folder)  # wrong

    explain = lfs.ExplainLFS(embedder, decoder)
    lfs.ExplainLFS("facenet-casia", decoder)  # wrong
    lfs.ExplainLFS(embedder, "facenet-casia")  # wrong
    lfs.ExplainLFS(embedder)  # wrong
    lfs.ExplainLFS(embedder, decoder, p="0.3")  # wrong
    lfs.ExplainLFS(embedder, decoder, treshold=0.3)  # wrong
    lfs.ExplainLFS(embedder, decoder, latents="scale")  # wrong
    explain("a.jpg")  # wrong
    explain("a.jpg", 3)  # wrong
    explain.batch(["a.jpg", "b.jpg"])  # wrong
    lfs.load_explainer(embedder, "gradcam")  # wrong

    e = explain("a.jpg", "b.jpg")
    e.similarity.upper()  # wrong
    e.similarity = 0.5  # wrong
    e.is_similar + "yes"  # wrong
    e.relevance.shape  # wrong
    e.maps > "0.7"  # wrong
    e.heatmaps  # wrong
    e.save(3)  # wrong
    e.plot().no_such_name  # wrong

    h = torch.rand(4)
    lfs.relevance("a.jpg", "b.jpg")  # wrong
    lfs.relevance(h)  # wrong
    lfs.relevance(h, h, "similar")  # wrong
    lfs.relevance(h, h).upper()  # wrong
    lfs.normalized_distance(h, None)  # wrong
    lfs.perturb(h, h)  # wrong
    lfs.perturb(h, h, "0.3")  # wrong
    lfs.difference_map(h, h, h)  # wrong
    lfs.LinearDecoder.fit(h, h, ridge="small")  # wrong
    lfs.LinearDecoder.fit("a.jpg", "b.jpg")  # wrong
    lfs.MLPDecoder.fit(h, h)  # wrong
    lfs.ConvDecoder(12, 40)  # wrong

    lfs.load_image(3)  # wrong
    lfs.load_image(np.zeros((8, 8))).no_such_name  # wrong
    lfs.align_face([Image.new("RGB", (8, 8))])  # wrong
    data = lfs.embed_folders(embedder, folder)  # wrong
    lfs.fit_decoder(data, embedder)  # wrong
    lfs.train_network(folder)  # wrong
    gallery = lfs.index_folder(folder, embedder)
    lfs.index_folder(embedder, folder)  # wrong
    lfs.load_gallery(gallery)  # wrong
    lfs.Retriever(embedder, gallery)  # wrong
    lfs.Retriever(gallery, embedder)("a.jpg", top="3")  # wrong
    lfs.list_explainers()["gradcam"]  # wrong
    lfs.no_such_name  # wrong

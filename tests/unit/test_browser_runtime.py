"""What runs networks in the page gives Python's numbers with the same file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from in_node import in_node
from PIL import Image

from lfs_core.book.try_it_files import _of_network
from lfs_core.browser.export import run
from lfs_core.browser.packages import RUNTIME, WASM
from lfs_core.datasets.faces import align_face
from lfs_core.datasets.images import to_tensor
from lfs_core.datasets.scenes import photographs
from lfs_core.embedders import embed, load_embedder
from lfs_core.util.assets import fetch

CODE = """
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [runtime, wasm, folder] = process.argv.slice(1);
const ort = await import(pathToFileURL(runtime).href);
Object.assign(ort.env.wasm, { numThreads: 1, wasmBinary: readFileSync(wasm) });
const session = await ort.InferenceSession.create(readFileSync(`${folder}/network.onnx`));
const floats = new Float32Array(new Uint8Array(readFileSync(`${folder}/images`)).buffer);
const side = Math.sqrt(floats.length / 6);
const given = { images: new ort.Tensor("float32", floats, [2, 3, side, side]) };
const made = await session.run(given);
for (const [name, { data }] of Object.entries(made)) writeFileSync(`${folder}/${name}`, data);
console.log(JSON.stringify(Object.keys(made)));
"""
PAIRS = {
    "facenet-casia": ("astronaut", "grace_hopper"),
    "efficientnet-lite0": ("chelsea", "coffee"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_the_browsers_numbers_are_pythons(name: str, tmp_path: Path) -> None:
    """With the same file to 1e-5; and cosines of the whole network to 0.01."""
    model = next(content for made, content in _of_network(name) if made == "network")
    (tmp_path / "network.onnx").write_bytes(model)
    network = load_embedder(name)
    read = [Image.fromarray(photographs()[of]) for of in PAIRS[name]]
    if network.framing == "face":
        read = [align_face(image) for image in read]
    images = torch.stack([to_tensor(image, network.image_size) for image in read])
    (tmp_path / "images").write_bytes(images.numpy().tobytes())
    outputs = in_node(CODE, str(fetch(RUNTIME)), str(fetch(WASM)), str(tmp_path))
    assert {"h", "places"} <= set(outputs)
    for output, expected in zip(outputs, run(model, images, outputs), strict=True):
        found = np.fromfile(tmp_path / output, np.float32)
        tolerance = 1e-5 * max(1, expected.abs().max().item())
        np.testing.assert_allclose(found, expected.flatten(), atol=tolerance, rtol=0)
    h = torch.from_numpy(np.fromfile(tmp_path / "h", np.float32)).unflatten(0, (2, -1))
    whole = embed(network, images)
    cosine = torch.nn.functional.cosine_similarity
    assert abs(cosine(h[0], h[1], dim=0) - cosine(whole[0], whole[1], dim=0)) < 0.01

"""The decoders with hidden layers that ship for the networks of birds and cars."""

from __future__ import annotations

from pathlib import Path

from lfs_core.decoder import save_decoder
from lfs_core.embedders import load_embedder
from lfs_core.training.embedding import SMALL, embed_folders
from lfs_core.training.fitting import fit_decoder

NETWORKS = {"efficientnet-lite0-cub": "cub", "efficientnet-lite0-cars": "cars"}
WIDTHS = {"conv": 64, "mlp": 192}  # of files of less than 3 MB
EPOCHS = 30


def train_decoders(data: Path, folder: Path) -> None:
    """Train these decoders on what the linear ones of the same networks were fitted to.

    All classes are learnt from, those that are evaluated too, as the paper's decoders seem to have
    been: if that favours anybody, it is the paper's method.

    Args:
        data: the folder of the local tier.
        folder: to write to, a file for each network and kind.
    """
    for network, images in NETWORKS.items():
        embedder = load_embedder(network)
        known = embed_folders(embedder, [data / images], size=SMALL, mirror=True)
        for kind, width in WIDTHS.items():
            decoder = fit_decoder(
                known, embedder, kind, description=images, epochs=EPOCHS, width=width
            )
            save_decoder(decoder, folder / f"{network}-{kind}.safetensors")

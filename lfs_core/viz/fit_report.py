"""What `lfs fit` found, as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
import os
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lfs_core.decoder import Decoder, decoder_title
from lfs_core.embedders import network_title
from lfs_core.findings.trust import doubts_about_decoder
from lfs_core.training.embedding import TrainingSet
from lfs_core.training.fitting import SHARES
from lfs_core.viz.figures import plot_curve, plot_reconstructions, plot_training
from lfs_core.viz.page import check_suffix, filled, write_page
from lfs_core.viz.report import settings_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 8  # held-out images


def write_fit_report(
    decoder: Decoder, data: TrainingSet, skipped: dict[str, str], path: str | os.PathLike
) -> None:
    """Write the page: errors, how ridge or epoch was chosen, unseen images, what was skipped.

    Args:
        decoder: as `fit_decoder` returns it.
        data: what it was fitted to.
        skipped: photographs that could not be used, and why, by path.
        path: the file, ending in .html.

    Raises:
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)
    info = decoder.info
    test = data.split(SHARES, info["seed"])[-1]
    chosen = range(0, len(test), max(1, len(test) // SHOWN))[:SHOWN]
    h, x = test.rows[chosen]
    figures = [
        {
            "png": _png(plot_reconstructions(x / 255, {"decoded": decoder(h)})),
            "alt": "Images of people or classes held out, and below each what the decoder makes "
            "of its embedding.",
            "caption": "Images that the decoder has not seen, nor any other of their people or "
            "classes.",
        },
        _choice(info),
    ]
    page = filled(
        files("lfs_core.viz") / "fit_report.html",
        info=info,
        kind=decoder_title(decoder.kind),
        network=network_title(info["embedder"]),
        doubts=doubts_about_decoder(info),
        figures=figures,
        rows=[("decoder", decoder_title(decoder.kind)), *settings_rows(info)],
        skipped=skipped,
    )
    write_page(path, page)


def _choice(info: dict[str, Any]) -> dict[str, str]:
    """The figure that shows how the ridge, or the epoch, was chosen."""
    if "history" in info:
        figure = plot_training(info["history"], {"mean image": info["loss_mean_image"]})
        return {
            "png": _png(figure),
            "alt": "Error on training images and on held-out ones against the epoch.",
            "caption": "Training. The weights of the epoch with the lowest held-out error are "
            "kept.",
        }
    errors = info["errors_when_choosing"]["ridge"]
    figure = plot_curve(
        [float(ridge) for ridge in errors],
        {"held out for choosing": list(errors.values())},
        "ridge penalty",
        "error per pixel value",
        mark=info["ridge"],
    )
    return {
        "png": _png(figure),
        "alt": "Error on people or classes held out for choosing against the ridge penalty.",
        "caption": "How the ridge penalty was chosen.",
    }


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return base64.b64encode(buffer.getvalue()).decode()

"""`lfs export`: a network in one file, for where there is no Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfs_core.commands.options import Weights, check_suffix, network, tell_left_out

if TYPE_CHECKING:
    from torch import Tensor

    from lfs_core.embedders import Embedder

LOOKED_AT = 40  # photographs


def export(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="A name, timm:NAME, torchvision:NAME, a trained file, or your own as "
            "module:object or file.py:object.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write (.onnx).")],
    weights: Weights = None,
    head: Annotated[
        str | None,
        typer.Option(
            help="Its causal head: a file, or the name of the network that it ships for. The file "
            "then also says what each window does."
        ),
    ] = None,
    int8: Annotated[
        bool,
        typer.Option(
            "--int8", help="Keep weights as 8-bit numbers: a quarter of the size, a little drift."
        ),
    ] = False,
    half: Annotated[
        bool, typer.Option("--half", help="Keep weights as 16-bit floats: half of the size.")
    ] = False,
    images: Annotated[
        Path | None,
        typer.Option(help="A folder of photographs: say how far similarities between them drift."),
    ] = None,
) -> None:
    """Write a network as ONNX, to run it in a browser or on a telephone."""
    from lfs_core.amortised import load_head
    from lfs_core.browser.export import drift
    from lfs_core.browser.export import export as write
    from lfs_core.errors import LFSError
    from lfs_core.util.files import check_outputs

    check_suffix(output, ".onnx")
    if int8 and half:
        raise LFSError("Weights are kept in one way: give --int8 or --half.")
    check_outputs([output], [name, weights, head, images])
    embed = network(name, weights)
    looked = None if images is None else _photographs(images, embed)
    write(embed, output, load_head(head) if head else None, int8, half)
    size = output.stat().st_size / 1e6
    typer.echo(f"Wrote {output} ({size:.1f} MB).")
    if looked is not None:
        found = drift(output, embed, looked)
        typer.echo(
            f"Similarities of {len(looked)} photographs change by at most "
            f"{found['similarity']:.2g}."
        )


def _photographs(folder: Path, embed: Embedder) -> Tensor:
    """Photographs (B,3,H,W) of a folder as a network reads them, at most this many."""
    import torch

    from lfs_core.datasets.folders import find_photographs
    from lfs_core.datasets.framing import frame
    from lfs_core.datasets.images import to_tensor
    from lfs_core.embedders import image_sides
    from lfs_core.errors import ImageError, LFSError

    height, width = image_sides(embed)
    found: list[Tensor] = []
    left_out: dict[Path, str] = {}
    for path, _ in find_photographs(folder):
        if len(found) == LOOKED_AT:
            break
        try:
            read = frame(path, embed).convert("RGB").resize((width, height))
        except ImageError as error:
            left_out[path] = str(error)
        else:
            found.append(to_tensor(read))
    tell_left_out(left_out)
    if len(found) < 2:
        raise LFSError(f"{folder} holds fewer than two photographs that can be read.")
    return torch.stack(found)

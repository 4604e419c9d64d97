"""The command line, `lfs`. Each command imports what it needs, so that `lfs --help` is quick."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from lfs_core.errors import LFSError

app = typer.Typer(
    help="Explain why a similarity network says that two images match or do not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EmbedderName = Annotated[str, typer.Option(help="The network, by name.")]


@app.command()
def explain(
    image_a: Annotated[Path, typer.Argument(help="A photograph of a face.")],
    image_b: Annotated[Path, typer.Argument(help="Another.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write (.html).")],
    embedder: EmbedderName = "facenet-casia",
    decoder: Annotated[
        str | None, typer.Option(help="A decoder's name or file; else the network's own.")
    ] = None,
    p: Annotated[float, typer.Option(help="Size of the perturbation, 0 to 1.")] = 0.3,
    similarity_threshold: Annotated[float, typer.Option(help="xi_1, -1 to 1.")] = 0.3,
    map_threshold: Annotated[float, typer.Option(help="xi_2, 0 to 1.")] = 0.7,
    latents: Annotated[Literal["raw", "scaled"], typer.Option(help="See the book.")] = "raw",
    aligned: Annotated[
        bool, typer.Option("--aligned", help="The images are face crops already.")
    ] = False,
) -> None:
    """Explain the network's decision about two photographs, as one self-contained page."""
    from lfs_core.datasets.faces import align_faces
    from lfs_core.datasets.images import load_image
    from lfs_core.decoder import load_decoder
    from lfs_core.embedders import load_embedder
    from lfs_core.explainer import ExplainLFS
    from lfs_core.viz.report import check_suffix, write_report

    check_suffix(output)  # now, not after the work
    images, messages = [], []
    for path in (image_a, image_b):
        faces = [load_image(path)] if aligned else align_faces(path)
        images.append(faces[0])
        if len(faces) > 1:
            messages.append(f"{path.name} shows {len(faces)} faces; the largest is explained.")
    network = load_embedder(embedder)
    explainer = ExplainLFS(
        network,
        load_decoder(decoder or embedder),
        p=p,
        similarity_threshold=similarity_threshold,
        map_threshold=map_threshold,
        latents=latents,
    )
    explanation = explainer(*images)
    write_report(explanation, output, [image_a.name, image_b.name], messages)
    decision = "similar" if explanation.is_similar else "dissimilar"
    for message in messages:
        typer.echo(message, err=True)
    typer.echo(f"cosine {explanation.similarity:+.3f}: {decision}. Wrote {output}.")


@app.command()
def fit(
    images: Annotated[
        list[Path], typer.Option(help="A folder of photographs, one sub-folder a person; repeat.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The decoder (.safetensors).")],
    embedder: EmbedderName = "facenet-casia",
    without_demo: Annotated[
        bool, typer.Option("--without-demo", help="Leave out whoever looks like the demo's people.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes that align faces.", min=0)] = 1,
    seed: Annotated[int, typer.Option(help="Of the split into people.")] = 0,
) -> None:
    """Fit the linear decoder of a network to folders of photographs, in closed form."""
    import torch

    from lfs_core.datasets.faces import load_faces
    from lfs_core.decoder import save_decoder
    from lfs_core.embedders import load_embedder
    from lfs_core.fitting import embed_faces, fit_linear, without_look_alikes

    # Threads that outnumber the cores spend their time waiting for each other.
    torch.set_num_threads(max(1, (os.cpu_count() or 1) - workers))
    network = load_embedder(embedder)
    data = embed_faces(network, images, workers=workers)
    for path, reason in data.skipped.items():
        typer.echo(f"skipped {path}: {reason}", err=True)
    if without_demo:
        data = without_look_alikes(data, network, load_faces("demo"))
    decoder = fit_linear(data, network, " + ".join(folder.name for folder in images), seed)
    save_decoder(decoder, output)
    typer.echo(
        f"error {decoder.info['loss']:.4f} on {decoder.info['identities']['test']} unseen people "
        f"(mean image {decoder.info['loss_mean_image']:.4f}). Wrote {output}."
    )


@app.command()
def book(
    store_outputs: Annotated[
        bool, typer.Option(help="Copy the text outputs of this run into notebooks/.")
    ] = False,
) -> None:
    """Run the notebooks whose inputs changed, and build the book in _build/html."""
    from lfs_core.book import build

    build(Path.cwd(), store_outputs)


def main() -> None:
    """Run the command line; an error of ours is one message and exit code 1, never a traceback."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("lfs_core").setLevel(logging.INFO)
    try:
        app()
    except LFSError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)

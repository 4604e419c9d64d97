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
        list[Path],
        typer.Option(help="A folder of photographs, one sub-folder a person or class; repeat."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The decoder (.safetensors).")],
    embedder: EmbedderName = "facenet-casia",
    decoder: Annotated[
        Literal["linear", "mlp", "conv"], typer.Option(help="In closed form, or trained.")
    ] = "linear",
    size: Annotated[int, typer.Option(help="Side of its images, in pixels.", min=4)] = 40,
    framing: Annotated[
        Literal["face", "whole"] | None,
        typer.Option(help="Cut out faces, or take whole photographs; else what the network reads."),
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Learn from every photograph's mirror image too.")
    ] = False,
    without_demo: Annotated[
        bool, typer.Option("--without-demo", help="Leave out whoever looks like the demo's people.")
    ] = False,
    epochs: Annotated[int, typer.Option(help="Of a deep decoder, at most.", min=1)] = 30,
    ssim: Annotated[
        float, typer.Option(help="Weight of 1 - SSIM in a deep decoder's loss.", min=0)
    ] = 0.0,
    precision: Annotated[
        Literal["auto", "32-true", "16-mixed", "bf16-mixed"],
        typer.Option(help="Of a deep decoder's training; else what the processor does best."),
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Of the split into people.")] = 0,
) -> None:
    """Fit a decoder to a network and folders of photographs; write it and a report beside it.

    Run again after an interruption, it goes on where it stopped. `torchrun --nproc-per-node N
    --no-python lfs fit ...` trains a deep decoder on N processors.
    """
    from lfs_core.datasets.faces import load_faces
    from lfs_core.decoder import save_decoder
    from lfs_core.embedders import load_embedder
    from lfs_core.embedding import embed_folders
    from lfs_core.fitting import fit_decoder, without_look_alikes
    from lfs_core.viz.fit_report import write_fit_report

    if output.suffix != ".safetensors":  # now, not after the work
        raise LFSError(f"A decoder is a file of tensors: {output} must end in .safetensors.")
    network = load_embedder(embedder)
    deep = {} if decoder == "linear" else {"epochs": epochs, "ssim": ssim, "precision": precision}
    try:
        data = embed_folders(network, images, size=size, framing=framing, mirror=mirror)
        kept = without_look_alikes(data, network, load_faces("demo")) if without_demo else data
        description = " + ".join(folder.name for folder in images)
        fitted = fit_decoder(kept, network, decoder, description=description, seed=seed, **deep)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What is done is kept: the same command goes on from here.")
        raise typer.Exit(130) from None
    if os.environ.get("RANK", "0") != "0":
        return
    for path, reason in data.skipped.items():
        typer.echo(f"skipped {path}: {reason}", err=True)
    save_decoder(fitted, output)
    report = output.with_suffix(".html")
    write_fit_report(fitted, kept, data.skipped, report)
    typer.echo(
        f"error {fitted.info['loss']:.4f} on {fitted.info['identities']['test']} unseen people or "
        f"classes (mean image {fitted.info['loss_mean_image']:.4f}). Wrote {output} and {report}."
    )


@app.command()
def study(
    name: Annotated[Literal["decoding", "agreement"], typer.Argument(help="What to measure.")],
    data: Annotated[
        Path, typer.Option(envvar="LFS_DATA", help="Folder with celeba, lfw, cub and cars.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The results (.json).")],
) -> None:
    """Run one of the book's studies on the local tier; interrupted, it goes on when run again."""
    from lfs_core.studies import run_study

    run_study(name, data, output)
    typer.echo(f"Wrote {output}.")


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

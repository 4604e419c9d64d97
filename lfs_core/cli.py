"""The command line, `lfs`. Each command imports what it needs, so that `lfs --help` is quick."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lfs_core.errors import LFSError

if TYPE_CHECKING:
    from lfs_core.embedders import Embedder

app = typer.Typer(
    help="Explain why a similarity network says that two images match or do not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

PROBLEMS = 5  # with maps, of which each explainer's are told in full

EmbedderName = Annotated[
    str, typer.Option(help="The network: a name, timm:NAME, torchvision:NAME, or a trained file.")
]
Weights = Annotated[
    Path | None, typer.Option(help="The file of its weights, for networks that need one.")
]


@app.command()
def explain(
    image_a: Annotated[Path, typer.Argument(help="A photograph.")],
    image_b: Annotated[Path, typer.Argument(help="Another.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write (.html).")],
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    method: Annotated[
        str, typer.Option(help="How to explain; `lfs methods` lists what there is.")
    ] = "explainlfs",
    decoder: Annotated[
        str | None,
        typer.Option(help="A decoder's name or file, mlp or conv; else the network's own."),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="A causal head's file, for method amortised; else the network's own."),
    ] = None,
    p: Annotated[
        float | None, typer.Option(help="Size of the perturbation, 0 to 1; else 0.3.")
    ] = None,
    similarity_threshold: Annotated[float, typer.Option(help="xi_1, -1 to 1.")] = 0.3,
    map_threshold: Annotated[float, typer.Option(help="xi_2, 0 to 1.")] = 0.7,
    latents: Annotated[
        Literal["raw", "scaled"] | None, typer.Option(help="See the book; else raw.")
    ] = None,
    aligned: Annotated[
        bool, typer.Option("--aligned", help="The images are face crops already.")
    ] = False,
) -> None:
    """Explain the network's decision about two photographs, as one self-contained page."""
    from lfs_core.comparators import load_explainer
    from lfs_core.datasets.faces import align_faces
    from lfs_core.datasets.framing import frame
    from lfs_core.datasets.images import load_image
    from lfs_core.viz.report import check_suffix, write_report

    check_suffix(output)  # now, not after the work
    network = _network(embedder, weights)
    given = {"decoder": decoder, "head": head, "p": p, "latents": latents}
    explainer = load_explainer(
        method,
        network,
        similarity_threshold=similarity_threshold,
        map_threshold=map_threshold,
        **{name: value for name, value in given.items() if value is not None},
    )
    images, messages = [], []
    for path in (image_a, image_b):
        if aligned:
            images.append(load_image(path))
        elif getattr(network, "framing", "whole") == "face":
            faces = align_faces(path)
            images.append(faces[0])
            if len(faces) > 1:
                messages.append(f"{path.name} shows {len(faces)} faces; the largest is explained.")
        else:
            images.append(frame(path, network))
    explanation = explainer(*images)
    write_report(explanation, output, [image_a.name, image_b.name], messages)
    decision = "similar" if explanation.is_similar else "dissimilar"
    for message in messages:
        typer.echo(message, err=True)
    typer.echo(f"cosine {explanation.similarity:+.3f}: {decision}. Wrote {output}.")


@app.command()
def methods() -> None:
    """List the methods of explanation, where they come from and what they need of a network."""
    from lfs_core.comparators import explainer_class, list_explainers

    for name in list_explainers():
        method = explainer_class(name)
        needs = ", ".join(sorted(method.needs)) or "nothing"
        typer.echo(f"{name:22} {method.source}; needs {needs}")


@app.command()
def fit(
    images: Annotated[
        list[Path],
        typer.Option(help="A folder of photographs, one sub-folder a person or class; repeat."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The decoder or head (.safetensors).")
    ],
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    kind: Annotated[
        Literal["linear", "mlp", "conv", "autoencoder", "causal"],
        typer.Option(
            "--kind",
            "--decoder",
            help="A decoder in closed form, or trained; an autoencoder's, for method utkin; or a "
            "causal head, for method amortised.",
        ),
    ] = "linear",
    size: Annotated[int, typer.Option(help="Side of its images, in pixels.", min=4)] = 40,
    framing: Annotated[
        Literal["face", "whole", "centre"] | None,
        typer.Option(help="Cut out faces, take all or the centre; else what the network reads."),
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
    variations: Annotated[
        int,
        typer.Option(
            help="Of a causal head: further views of each photograph to learn from, cropped, "
            "mirrored and lit otherwise. Each takes as long as the photographs themselves.",
            min=0,
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the split into people.")] = 0,
) -> None:
    """Fit a decoder, or a causal head, to a network and folders of photographs.

    A report is written beside a decoder.

    Run again after an interruption, it goes on where it stopped; an autoencoder begins its training
    anew. `torchrun --nproc-per-node N --no-python lfs fit ...` trains a deep decoder on N
    processors.
    """
    from lfs_core.datasets.faces import load_faces
    from lfs_core.decoder import save_decoder
    from lfs_core.training.autoencoder import fit_autoencoder_decoder
    from lfs_core.training.embedding import SMALL, embed_folders
    from lfs_core.training.fitting import fit_decoder, without_look_alikes
    from lfs_core.viz.fit_report import write_fit_report

    if output.suffix != ".safetensors":  # now, not after the work
        raise LFSError(f"A decoder is a file of tensors: {output} must end in .safetensors.")
    if kind in ("autoencoder", "causal") and (ssim or precision != "auto"):
        raise LFSError(f"--kind {kind} takes no --ssim and no --precision.")
    if kind != "causal" and variations:
        raise LFSError(f"--kind {kind} takes no --variations.")
    network = _network(embedder, weights)
    if kind == "causal":
        if size != SMALL or framing or mirror:
            raise LFSError("--kind causal takes no --size, no --framing and no --mirror.")
        _fit_head(network, images, output, without_demo, variations, epochs, seed)
        return
    deep = {} if kind == "linear" else {"epochs": epochs, "ssim": ssim, "precision": precision}
    try:
        data = embed_folders(network, images, size=size, framing=framing, mirror=mirror)
        kept = without_look_alikes(data, network, load_faces("demo")) if without_demo else data
        description = " + ".join(folder.name for folder in images)
        common = {"description": description, "seed": seed}
        if kind == "autoencoder":
            fitted = fit_autoencoder_decoder(kept, network, epochs=epochs, **common)
        else:
            fitted = fit_decoder(kept, network, kind, **common, **deep)
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


def _fit_head(
    network: Embedder,
    folders: list[Path],
    output: Path,
    without_demo: bool,
    variations: int,
    epochs: int,
    seed: int,
) -> None:
    """Train and write a causal head."""
    from lfs_core.amortised import save_head
    from lfs_core.datasets.faces import load_faces
    from lfs_core.datasets.folders import find_photographs
    from lfs_core.embedders import embed_all
    from lfs_core.training.heads import fit_causal

    try:
        head = fit_causal(
            network,
            [
                (path, f"{folder.name}/{who}")
                for folder in folders
                for path, who in find_photographs(folder)
            ],
            description=" + ".join(folder.name for folder in folders),
            guarded=embed_all(network, load_faces("demo").images) if without_demo else None,
            variations=variations,
            epochs=epochs,
            seed=seed,
        )
    except KeyboardInterrupt:
        typer.echo("Interrupted. What is done is kept: the same command goes on from here.")
        raise typer.Exit(130) from None
    for path, reason in head.info["skipped"].items():
        typer.echo(f"skipped {path}: {reason}", err=True)
    save_head(head, output)
    typer.echo(
        f"{head.info['unexplained']['partners']:.0%} of what removals do to the similarity with "
        f"others is unexplained, on {head.info['identities']['choose']} people or classes held "
        f"out. Wrote {output}."
    )


@app.command()
def train(
    folder: Annotated[Path, typer.Argument(help="Photographs, one sub-folder for each class.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The network (.safetensors).")],
    hold_out: Annotated[
        float, typer.Option(help="Share of the classes, the last by name, to measure on.")
    ] = 0.5,
    epochs: Annotated[int, typer.Option(help="Passes over the photographs.", min=1)] = 10,
    first_block: Annotated[
        int, typer.Option(help="The first of the network's 16 blocks, from 0, that is trained.")
    ] = 9,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Train a retrieval network: photographs of one class near each other, of two apart.

    It starts from EfficientNet-Lite0, trained on ImageNet, and is measured on classes it has not
    seen.
    """
    from lfs_core.embedders.efficientnet import save_network
    from lfs_core.training.metric_learning import train_network

    if output.suffix != ".safetensors":  # now, not after the work
        raise LFSError(f"A network is a file of tensors: {output} must end in .safetensors.")
    try:
        network = train_network(
            folder,
            name=output.stem,
            hold_out=hold_out,
            epochs=epochs,
            first_block=first_block,
            seed=seed,
        )
    except KeyboardInterrupt:
        typer.echo("Interrupted; nothing was written.")
        raise typer.Exit(130) from None
    save_network(network, output)
    for path, reason in network.info["skipped"].items():
        typer.echo(f"skipped {path}: {reason}", err=True)
    quality = network.info["quality"]
    if quality:
        before, after = (quality[which]["recall@1"] for which in ("frozen", "trained"))
        typer.echo(f"Recall@1 on classes not seen: {after:.3f}, before training {before:.3f}.")
    typer.echo(f"Wrote {output}.")


@app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Photographs, one sub-folder for each class.")],
    embedder: EmbedderName = "efficientnet-lite0",
    weights: Weights = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The gallery; else FOLDER.gallery, here."),
    ] = None,
) -> None:
    """Make a gallery of a folder, to search by similarity; run again, update what changed."""
    from lfs_core.search.gallery import changes, index_folder, load_gallery

    output = output or Path(f"{folder.resolve().name}.gallery")
    previous = load_gallery(output) if output.exists() else None
    if previous and previous.folder != folder.resolve():
        raise LFSError(
            f"{output} is the gallery of {previous.folder}; name another file for {folder}."
        )
    network = _network(embedder, weights)
    try:
        gallery = index_folder(folder, network, previous)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What is done is kept: the same command goes on from here.")
        raise typer.Exit(130) from None
    load_with = {"embedder": embedder} | ({"weights": str(weights.resolve())} if weights else {})
    replace(gallery, load_with=load_with).save(output)
    for file in gallery.left_out:
        typer.echo(f"left out {file.name}: {file.problem}", err=True)
    counted = ", ".join(f"{count} {what}" for what, count in changes(previous, gallery).items())
    typer.echo(
        f"{len(gallery)} photographs of {len(set(gallery.labels))} classes ({counted} files). "
        f"Wrote {output}."
    )


@app.command()
def retrieve(
    query: Annotated[Path, typer.Argument(help="A photograph.")],
    gallery: Annotated[Path, typer.Option(help="What `lfs index` wrote.")],
    top: Annotated[int, typer.Option(help="How many of the most similar.", min=1)] = 20,
    bottom: Annotated[int, typer.Option(help="How many of the least similar.", min=0)] = 5,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A page that explains them (.html).")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option(help="A decoder's name or file; else the network's own.")
    ] = None,
) -> None:
    """Find the photographs of a gallery that are most and least similar to a query, and see why."""
    from lfs_core.search.gallery import load_gallery
    from lfs_core.search.retriever import Retriever
    from lfs_core.viz.report import check_suffix

    if output:
        check_suffix(output)  # now, not after the work
    searched = load_gallery(gallery)
    network = _network(**searched.load_with)
    retriever = Retriever(searched, network)
    answer = retriever(query, top, bottom)
    for title, hits in {"most similar": answer.nearest, "least similar": answer.farthest}.items():
        typer.echo(title)
        for rank, hit in enumerate(hits, 1):
            typer.echo(f"{rank:4}  {hit.similarity:+.3f}  {hit.name}")
    if answer.average_precision is not None:
        right = sum(hit.label == answer.label for hit in answer.nearest)
        typer.echo(
            f"{right} of the {answer.relevant} others of class {answer.label} among the "
            f"{len(answer.nearest)} most similar; AP@{len(answer.nearest)} "
            f"{answer.average_precision:.3f}"
        )
    if output:
        from lfs_core.decoder import load_decoder
        from lfs_core.explainer import ExplainLFS
        from lfs_core.viz.views.explorer import RetrievalExplorer

        explain = ExplainLFS(network, load_decoder(decoder or searched.embedder))
        asked = query if answer.position is None else answer.position
        RetrievalExplorer(retriever, explain, top, bottom).save(output, [asked])
        typer.echo(f"Wrote {output}.")


def _network(embedder: str, weights: str | Path | None = None) -> Embedder:
    from lfs_core.embedders import load_embedder

    return load_embedder(embedder, **({"weights": weights} if weights else {}))


@app.command()
def evaluate(
    explainer: Annotated[
        list[str],
        typer.Option(
            help="A name of `lfs methods`, with options as in explainlfs,p=0.5; or module:object, "
            "called with the network to give an explainer; repeat."
        ),
    ],
    metric: Annotated[
        list[str], typer.Option(help="A metric, with options as in selectivity,fill=blur; repeat.")
    ],
    pairs: Annotated[
        str, typer.Option(help="demo; a folder to draw from; or a .csv of image_a, image_b, same.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The results (.json).")],
    number: Annotated[int | None, typer.Option(help="How many pairs.", min=1)] = None,
    hold_out: Annotated[
        float, typer.Option(help="Share of a folder's classes, the last by name, to draw from.")
    ] = 1.0,
    seeds: Annotated[
        int, typer.Option(help="Parts of the pairs, each with its own random seed.", min=1)
    ] = 5,
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    similarity_threshold: Annotated[float, typer.Option(help="xi_1, -1 to 1.")] = 0.3,
    jobs: Annotated[int, typer.Option(help="Processes that work at once.", min=1)] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler, tcp://..., whose workers do the work.")
    ] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder from which a run goes on; else in the cache.")
    ] = None,
) -> None:
    """Measure how good explanations are, and write the numbers and a leaderboard beside them.

    Run again after an interruption, or with more explainers or metrics, it does only what is
    missing.
    """
    from lfs_core.evaluation.evaluate import Settings
    from lfs_core.evaluation.evaluate import evaluate as run_evaluation
    from lfs_core.evaluation.pair_set import load_pairs
    from lfs_core.util.assets import cache_folder
    from lfs_core.viz.leaderboard import write_leaderboard

    if output.suffix != ".json":  # now, not after the work
        raise LFSError(f"The results are raw numbers: {output} must end in .json.")
    settings = Settings(
        embedder,
        tuple(explainer),
        tuple(metric),
        str(weights.resolve()) if weights else None,
        similarity_threshold,
        seeds,
    )
    network = _network(embedder, weights)
    folder = records or cache_folder() / "evaluation"
    try:
        pair_set = load_pairs(pairs, network, number, hold_out=hold_out)
        results = run_evaluation(settings, pair_set, folder, jobs=jobs, scheduler=scheduler)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What is done is kept: the same command goes on from here.")
        raise typer.Exit(130) from None
    for names, reason in pair_set.skipped.items():
        typer.echo(f"left out {names}: {reason}", err=True)
    for method, found in results.problems.items():
        for k, problem in islice(found.items(), PROBLEMS):
            typer.echo(f"{method}, pair {k} ({', '.join(pair_set.names[k])}): {problem}.", err=True)
        if len(found) > PROBLEMS:
            typer.echo(f"{method}: {len(found)} pairs in all; {output} lists them.", err=True)
    results.save(output)
    page, table = output.with_suffix(".html"), output.with_suffix(".csv")
    write_leaderboard(results, page)
    typer.echo(f"Wrote {output}, {table} and {page}.")


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="What to measure; a wrong name lists all.")],
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
def run(
    notebook: Annotated[
        str, typer.Argument(help="Its number, name or path; a wrong one lists all.")
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value; a wrong name lists all; repeat."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The folder; else runs/NOTEBOOK/PARAMETERS, here."),
    ] = None,
) -> None:
    """Run a notebook with other parameters; its figures and numbers come to lie in one folder."""
    from lfs_core.book.run import find_notebook, parse_values, run_notebook, short_name

    found = find_notebook(notebook)
    values = parse_values(found, parameter or [])
    folder = output or Path("runs") / found.stem / short_name(values)
    try:
        run_notebook(found, values, folder)
    except KeyboardInterrupt:
        typer.echo("Interrupted; nothing was written.")
        raise typer.Exit(130) from None
    typer.echo(f"Wrote {folder}.")


@app.command()
def sweep(
    notebook: Annotated[
        str, typer.Argument(help="Its number, name or path; a wrong one lists all.")
    ],
    grid: Annotated[
        list[str], typer.Option(help="name=value,value for each parameter that varies.")
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE,VALUE]...", help="More of the grid.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder; else runs/NOTEBOOK, here.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes that work at once.", min=1)] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler, tcp://..., whose workers do the work.")
    ] = None,
) -> None:
    """Run a notebook at every point of a grid; gather the numbers in a table and a page.

    Run again, it does what is missing or has failed.
    """
    from lfs_core.book.run import find_notebook
    from lfs_core.book.sweep import parse_axes
    from lfs_core.book.sweep import sweep as run_sweep

    found = find_notebook(notebook)
    axes = parse_axes(found, [*grid, *(more or [])])
    folder = output or Path("runs") / found.stem
    try:
        points = run_sweep(found, axes, folder, jobs, scheduler)
    except KeyboardInterrupt:
        typer.echo("Interrupted. What is done is kept: the same command goes on from here.")
        raise typer.Exit(130) from None
    failed = [point for point in points if point.failed is not None]
    table, page = folder / "table.csv", folder / "page.html"
    typer.echo(f"{len(points) - len(failed)} of {len(points)} done. Wrote {table} and {page}.")
    if failed:
        raise typer.Exit(1)


@app.command()
def book(
    store_outputs: Annotated[
        bool, typer.Option(help="Copy the text outputs of this run into notebooks/.")
    ] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print _build/book.pdf as well.")] = False,
) -> None:
    """Run the notebooks whose inputs changed, and build the book in _build/html."""
    from lfs_core.book.build import build

    build(Path.cwd(), store_outputs, pdf)


def main() -> None:
    """Run the command line; an error of ours is one message and exit code 1, never a traceback."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("lfs_core").setLevel(logging.INFO)
    try:
        app()
    except LFSError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(1)

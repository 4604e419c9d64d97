"""`lfs fit`, `fit-deep`, `fit-autoencoder`, `fit-head` and `train`: all that learns."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lfs_core.commands.options import (
    EmbedderName,
    Weights,
    check_suffix,
    network,
    tell_against,
    tell_left_out,
    tell_several,
)
from lfs_core.util.extras import needs

if TYPE_CHECKING:
    from lfs_core.decoder import Decoder

Images = Annotated[
    list[Path],
    typer.Option(help="A folder of photographs, one sub-folder a person or class; repeat."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write (.safetensors).")]
Size = Annotated[int, typer.Option(help="Side of the decoded images, in pixels.", min=4)]
Framing = Annotated[
    Literal["face", "whole", "centre"] | None,
    typer.Option(help="Cut out faces, take all or the centre; else what the network reads."),
]
Mirror = Annotated[
    bool, typer.Option("--mirror", help="Learn from every photograph's mirror image too.")
]
WithoutDemo = Annotated[
    bool,
    typer.Option("--without-demo", help="Leave out people whom the network takes for the demo's."),
]
Epochs = Annotated[int, typer.Option(help="Passes over the photographs, at most.", min=1)]
Seed = Annotated[int, typer.Option(help="Start of all random numbers.")]


def fit(
    images: Images,
    output: Output,
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    size: Size = 40,
    framing: Framing = None,
    mirror: Mirror = False,
    without_demo: WithoutDemo = False,
    seed: Seed = 0,
) -> None:
    """Fit a linear decoder, in closed form, to a network and folders of photographs.

    Writes a report, too. After an interruption, run the same command to resume.
    """
    from lfs_core.training.fitting import fit_decoder

    _fit(fit_decoder, images, output, embedder, weights, size, framing, mirror, without_demo, seed)


def fit_deep(
    images: Images,
    output: Output,
    kind: Annotated[
        Literal["mlp", "conv"], typer.Option(help="One hidden layer, or convolutions.")
    ] = "conv",
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    size: Size = 40,
    framing: Framing = None,
    mirror: Mirror = False,
    without_demo: WithoutDemo = False,
    epochs: Epochs = 30,
    ssim: Annotated[float, typer.Option(help="Weight of 1 - SSIM in the loss.", min=0)] = 0.0,
    precision: Annotated[
        Literal["auto", "32-true", "16-mixed", "bf16-mixed"],
        typer.Option(help="Of the arithmetic; else what the processor does best."),
    ] = "auto",
    seed: Seed = 0,
) -> None:
    """Train a decoder with hidden layers for a network, from folders of photographs.

    Writes a report, too. After an interruption, run the same command to resume.
    `torchrun --nproc-per-node N --no-python lfs fit-deep ...` trains on N processors.
    """
    from lfs_core.training.fitting import fit_decoder

    with needs("train", "`lfs fit-deep`"):  # now, not after the work
        import lightning_fabric  # noqa: F401
    train = partial(fit_decoder, kind=kind, epochs=epochs, ssim=ssim, precision=precision)
    _fit(train, images, output, embedder, weights, size, framing, mirror, without_demo, seed)


def fit_autoencoder(
    images: Images,
    output: Output,
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    size: Size = 40,
    framing: Framing = None,
    mirror: Mirror = False,
    without_demo: WithoutDemo = False,
    epochs: Epochs = 30,
    seed: Seed = 0,
) -> None:
    """Train the decoder of an autoencoder, for method utkin.

    Writes a report, too. Run again after an interruption, it embeds nothing twice, but its
    training starts again.
    """
    from lfs_core.training.autoencoder import fit_autoencoder_decoder

    train = partial(fit_autoencoder_decoder, epochs=epochs)
    _fit(train, images, output, embedder, weights, size, framing, mirror, without_demo, seed)


def _fit(
    fitting: Callable[..., Decoder],
    folders: list[Path],
    output: Path,
    embedder: str,
    weights: Path | None,
    size: int,
    framing: str | None,
    mirror: bool,
    without_demo: bool,
    seed: int,
) -> None:
    """Embed photographs, fit a decoder, and write it with its report."""
    from lfs_core.datasets.folders import folder_names
    from lfs_core.decoder import save_decoder
    from lfs_core.findings.trust import doubts_about_decoder
    from lfs_core.training.embedding import embed_folders
    from lfs_core.training.fitting import without_demo as leave_out_demo
    from lfs_core.util.files import check_outputs
    from lfs_core.util.kept import save_somewhere
    from lfs_core.viz.fit_report import write_fit_report

    check_suffix(output, ".safetensors")
    report = output.with_suffix(".html")
    check_outputs([output, report], [embedder, weights, *folders])
    embed = network(embedder, weights)
    options: dict[str, Any] = {"size": size, "framing": framing, "mirror": mirror}
    data = embed_folders(embed, folders, enough=True, **options)
    kept = leave_out_demo(data, embed, folders, **options) if without_demo else data
    description = " + ".join(folder_names(folders))
    decoder = fitting(kept, embed, description=description, seed=seed)
    if os.environ.get("RANK", "0") != "0":  # of several processes the first one writes
        return
    tell_left_out(data.skipped)
    tell_several(data.several)
    save_somewhere(partial(save_decoder, decoder), output)
    write_fit_report(decoder, kept, data.skipped, report)
    info = decoder.info
    typer.echo(
        f"error {info['loss']:.4f} on {info['identities']['test']} unseen people or "
        f"classes (mean image {info['loss_mean_image']:.4f}). Wrote {output} and {report}."
    )
    tell_against(doubts_about_decoder(info))


def fit_head(
    images: Images,
    output: Output,
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    variations: Annotated[
        int,
        typer.Option(
            help="Further altered copies of each photograph to learn from: cropped, mirrored, with "
            "other lighting. Each takes as long as the photographs themselves.",
            min=0,
        ),
    ] = 0,
    without_demo: WithoutDemo = False,
    epochs: Epochs = 30,
    seed: Seed = 0,
) -> None:
    """Train a causal head for a network, for method amortised.

    Run again after an interruption, it goes on where it stopped.
    """
    from lfs_core.amortised import save_head
    from lfs_core.datasets.faces import load_faces
    from lfs_core.datasets.folders import find_photographs, folder_names
    from lfs_core.embedders import embed_all
    from lfs_core.findings.trust import doubts_about_head
    from lfs_core.training.heads import fit_causal
    from lfs_core.util.files import check_outputs
    from lfs_core.util.kept import save_somewhere

    check_suffix(output, ".safetensors")
    check_outputs([output], [embedder, weights, *images])
    embed = network(embedder, weights)
    names = folder_names(images)
    head = fit_causal(
        embed,
        [
            (path, f"{name}/{who}")
            for folder, name in zip(images, names, strict=True)
            for path, who in find_photographs(folder)
        ],
        description=" + ".join(names),
        guarded=embed_all(embed, load_faces("demo").images) if without_demo else None,
        variations=variations,
        epochs=epochs,
        seed=seed,
    )
    tell_left_out(head.info["skipped"])
    tell_several(head.info["several faces"])
    save_somewhere(partial(save_head, head), output)
    typer.echo(
        f"{head.info['unexplained']['partners']:.0%} of what removals do to the similarity with "
        f"others is unexplained, on {head.info['identities']['choose']} people or classes held "
        f"out. Wrote {output}."
    )
    tell_against(doubts_about_head(head.info))


def train(
    folder: Annotated[Path, typer.Argument(help="Photographs, one sub-folder for each class.")],
    output: Output,
    hold_out: Annotated[
        float,
        typer.Option(
            help="Share of the classes, the last by name, to measure on; with 0 all are learnt "
            "from and nothing is measured."
        ),
    ] = 0.5,
    epochs: Annotated[int, typer.Option(help="Passes over the photographs.", min=1)] = 10,
    first_block: Annotated[
        int,
        typer.Option(
            help="The first block that is trained, of 1 to 15; earlier ones stay.", min=1, max=15
        ),
    ] = 9,
    mining: Annotated[
        float,
        typer.Option(
            help="Weight of a loss by which the attention is to cover all that tells classes "
            "apart (Zheng et al. 2019); 0 leaves it out.",
            min=0,
        ),
    ] = 0.0,
    seed: Seed = 0,
) -> None:
    """Train a retrieval network: photographs of one class near each other, of two apart.

    It starts from EfficientNet-Lite0, trained on ImageNet, and is measured on classes it has not
    seen.
    """
    from lfs_core.embedders.efficientnet import save_network
    from lfs_core.findings.trust import doubts_about_network
    from lfs_core.training.metric_learning import train_network
    from lfs_core.util.files import check_outputs
    from lfs_core.util.kept import save_somewhere

    check_suffix(output, ".safetensors")
    check_outputs([output], [folder])
    trained = train_network(
        folder,
        name=output.stem,
        hold_out=hold_out,
        epochs=epochs,
        first_block=first_block,
        mining=mining,
        seed=seed,
    )
    save_somewhere(partial(save_network, trained), output)
    tell_left_out(trained.info["skipped"])
    quality = trained.info["quality"]
    if quality:
        before, after = (quality[which]["recall@1"] for which in ("frozen", "trained"))
        typer.echo(f"Recall@1 on classes not seen: {after:.3f}, before training {before:.3f}.")
    typer.echo(f"Wrote {output}.")
    tell_against(doubts_about_network(trained.info))

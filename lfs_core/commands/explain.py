"""`lfs explain` and `lfs methods`: one pair of photographs, and how it can be explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lfs_core.commands.options import (
    EmbedderName,
    SimilarityThreshold,
    Weights,
    files_of,
    network,
)


def explain(
    image_a: Annotated[Path, typer.Argument(help="First photograph.")],
    image_b: Annotated[Path, typer.Argument(help="Second photograph.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write (.html).")],
    method: Annotated[
        str,
        typer.Option(
            help="A name of `lfs methods`, with options as in explainlfs,p=0.5,decoder=conv."
        ),
    ] = "explainlfs",
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    similarity_threshold: SimilarityThreshold = 0.3,
    map_threshold: Annotated[float, typer.Option(help="xi_2, 0 to 1.")] = 0.7,
    aligned: Annotated[
        bool, typer.Option("--aligned", help="The images are face crops already.")
    ] = False,
) -> None:
    """Explain the network's decision about two photographs, as one self-contained page."""
    from lfs_core.comparators import load_explainer
    from lfs_core.datasets.framing import Part, parts
    from lfs_core.datasets.images import load_image
    from lfs_core.evaluation.spec import parse
    from lfs_core.util.files import check_outputs
    from lfs_core.viz.page import check_suffix
    from lfs_core.viz.report import write_report

    check_suffix(output)  # now, not after the work
    check_outputs([output], [image_a, image_b, embedder, weights, *files_of(method)])
    name, options = parse(method)
    embed = network(embedder, weights)
    thresholds = {"similarity_threshold": similarity_threshold, "map_threshold": map_threshold}
    explainer = load_explainer(name, embed, **(thresholds | options))
    images, messages = [], []
    for path in (image_a, image_b):
        found = [Part(load_image(path))] if aligned else parts(path, embed)
        images.append(found[0].image)
        if len(found) > 1:
            messages.append(f"{path.name} shows {len(found)} faces; the largest is explained.")
    explanation = explainer(*images)
    write_report(explanation, output, [image_a.name, image_b.name], messages)
    decision = "similar" if explanation.is_similar else "dissimilar"
    for message in messages:
        typer.echo(message, err=True)
    typer.echo(f"cosine {explanation.similarity:+.3f}: {decision}. Wrote {output}.")


def methods() -> None:
    """List the methods of explanation, where they come from and what they need of a network."""
    from lfs_core.comparators import explainer_class, list_explainers

    for name in list_explainers():
        method = explainer_class(name)
        needs = ", ".join(sorted(method.needs)) or "nothing"
        mark = "" if method.role == "method" else f" [{method.role}]"
        typer.echo(f"{name:22} {method.title}: {method.source}; needs {needs}{mark}")
    typer.echo(
        "A control knows nothing of the pair or of the network; an ablation is a method with a "
        "part replaced; an oracle looks at the test."
    )

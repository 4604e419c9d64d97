"""`lfs index` and `lfs retrieve`: a folder that is searched by similarity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lfs_core.commands.options import (
    Aligned,
    EmbedderName,
    Weights,
    framing,
    network,
    tell_doubts,
    tell_several,
)
from lfs_core.errors import LFSError


def index(
    folder: Annotated[Path, typer.Argument(help="Photographs, one sub-folder for each class.")],
    embedder: EmbedderName = "efficientnet-lite0",
    weights: Weights = None,
    aligned: Aligned = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The gallery; else FOLDER.gallery, here."),
    ] = None,
) -> None:
    """Make a gallery of a folder, to search by similarity; run again, update what changed."""
    from lfs_core.search.gallery import changes, index_folder, load_gallery
    from lfs_core.util.files import check_outputs

    output = output or Path(f"{folder.resolve().name}.gallery")
    check_outputs([output], [folder, embedder, weights])
    previous = load_gallery(output) if output.exists() else None
    if previous and previous.folder != folder.resolve():
        raise LFSError(
            f"{output} is the gallery of {previous.folder}; name another file for {folder}."
        )
    if previous and previous.framing != framing(aligned):
        made = "with" if previous.framing else "without"
        raise LFSError(f"{output} was made {made} --aligned; name another file with --output.")
    embed = network(embedder, weights)
    gallery = index_folder(folder, embed, previous, framing(aligned))
    load_with = {"embedder": embedder} | ({"weights": str(weights.resolve())} if weights else {})
    replace(gallery, load_with=load_with).save(output)
    for file in gallery.left_out:
        typer.echo(f"left out {file.name}: {file.problem}", err=True)
    tell_several(sum(file.several for file in gallery.photographs))
    if aligned:
        tell_doubts([gallery.path(k) for k in range(len(gallery))], embed)
    counted = ", ".join(f"{count} {what}" for what, count in changes(previous, gallery).items())
    typer.echo(
        f"{len(gallery)} photographs of {len(set(gallery.labels))} classes ({counted} files). "
        f"Wrote {output}."
    )


def retrieve(
    query: Annotated[Path, typer.Argument(help="A photograph; /dev/stdin for one from a pipe.")],
    gallery: Annotated[Path, typer.Option(help="What `lfs index` wrote.")],
    top: Annotated[int, typer.Option(help="How many of the most similar.", min=1)] = 20,
    bottom: Annotated[int, typer.Option(help="How many of the least similar.", min=0)] = 5,
    face: Annotated[
        int | None,
        typer.Option(help="Which face of the query, from left to right, from 1; else the meant."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A page that explains them (.html).")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option(help="A decoder's name or file; else the network's own.")
    ] = None,
) -> None:
    """Find the photographs of a gallery that are most and least similar to a query, and see why."""
    from lfs_core.datasets.images import held
    from lfs_core.findings.trust import what_likeness_means
    from lfs_core.search.gallery import load_gallery
    from lfs_core.search.retriever import Retriever
    from lfs_core.util.files import check_outputs
    from lfs_core.viz.page import check_suffix

    if output:  # now, not after the work
        check_suffix(output)
        from lfs_core.viz.views.explorer import RetrievalExplorer
    searched = load_gallery(gallery)
    if output:
        check_outputs([output], [query, gallery, decoder, *searched.load_with.values()])
    embed = network(**searched.load_with)
    retriever = Retriever(searched, embed)
    source, name = held(query), query.name
    answer = retriever(source, top, bottom, face)
    for title, hits in {"most similar": answer.nearest, "least similar": answer.farthest}.items():
        typer.echo(title)
        for rank, hit in enumerate(hits, 1):
            sure = "" if hit.same is None else f"  {hit.same:6.1%}"
            typer.echo(f"{rank:4}  {hit.similarity:+.3f}{sure}  {hit.name}")
    typer.echo(what_likeness_means(getattr(embed, "spread", None), searched.embedder), err=True)
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

        explain = ExplainLFS(embed, load_decoder(decoder or searched.embedder))
        explorer = RetrievalExplorer(retriever, explain, top, bottom)
        asked = explorer.add(source, name, face) if answer.position is None else answer.position
        explorer.save(output, [asked])
        typer.echo(f"Wrote {output}.")

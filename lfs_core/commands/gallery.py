"""`lfs index` and `lfs retrieve`: a folder that is searched by similarity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfs_core.commands.options import (
    Aligned,
    Weights,
    files_of,
    framing,
    network,
    tell_against,
    tell_doubts,
    tell_left_out,
    tell_several,
)
from lfs_core.errors import LFSError
from lfs_core.util.own_code import absolute

if TYPE_CHECKING:
    from lfs_core.search.gallery import Gallery

NETWORK = "efficientnet-lite0"  # of a new gallery, if none is named
METHOD = "explainlfs"  # of a page, if none is named


def loads(gallery: Gallery) -> dict[str, str]:
    """What gives a gallery's network again, as arguments of `network`."""
    return gallery.load_with or {"embedder": gallery.embedder}


def index(
    folder: Annotated[Path, typer.Argument(help="Photographs, one sub-folder for each class.")],
    embedder: Annotated[
        str | None,
        typer.Option(
            help="The network, as for other commands; else the gallery's, or efficientnet-lite0."
        ),
    ] = None,
    weights: Weights = None,
    aligned: Aligned = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The gallery; else FOLDER.gallery, here."),
    ] = None,
) -> None:
    """Make a gallery of a folder, to search by similarity; run again, update what changed.

    A gallery keeps its network.
    """
    from lfs_core.datasets.folders import folder_name
    from lfs_core.embedders import fingerprint
    from lfs_core.search.gallery import changes, index_folder, load_gallery
    from lfs_core.util.files import check_outputs

    output = output or Path(f"{folder_name(folder)}.gallery")
    check_outputs([output], [folder, embedder, weights])
    previous = load_gallery(output) if output.exists() else None
    if previous and previous.folder != folder.resolve():
        raise LFSError(
            f"{output} is the gallery of {previous.folder}; name another file for {folder}."
        )
    if previous and previous.framing != framing(aligned):
        made = "with" if previous.framing else "without"
        raise LFSError(f"{output} was made {made} --aligned; name another file with --output.")
    load_with = {"embedder": absolute(embedder or NETWORK)}
    load_with |= {"weights": str(weights.resolve())} if weights else {}
    if previous and not embedder and not weights:
        load_with = loads(previous)
    embed = network(**load_with)
    if previous and fingerprint(embed) != previous.fingerprint:
        if load_with != loads(previous):
            raise LFSError(
                f"{output} is a gallery of {previous.embedder!r}, not of {embedder or NETWORK!r}. "
                "Name another file with --output, or leave out --embedder and --weights to keep "
                "its network. To make it again with the other network, delete it first."
            )
        typer.echo("The network has changed since: everything is embedded again.", err=True)
    gallery = index_folder(folder, embed, previous, framing(aligned))
    replace(gallery, load_with=load_with).save(output)
    tell_left_out({file.name: file.problem for file in gallery.left_out})
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
        typer.Option(
            help="Which face of the query, from left to right, from 1; left out, one that is large "
            "and near the middle."
        ),
    ] = None,
    cases: Annotated[
        bool,
        typer.Option(
            "--cases",
            help="Also show the nearest photographs of the answer's class, and, as evidence "
            "against it, those of the next class. How they differ from the query is compared with "
            "how the mean embeddings of both classes differ.",
        ),
    ] = False,
    learnt: Annotated[
        bool,
        typer.Option(
            "--learnt",
            help="With --cases: a small network learns from the gallery how classes differ, in "
            "place of their means; up to 100 classes.",
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A page that explains them (.html).")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option(help="A decoder's name or file; else the network's own.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="What explains a pair in the page: a name of `lfs methods`, with options as for "
            "`lfs explain`; else explainlfs. amortised also shows which part of the query a result "
            "matched."
        ),
    ] = None,
) -> None:
    """Find the photographs of a gallery that are most and least similar to a query, and see why."""
    from lfs_core.comparators import explainer_class, load_explainer
    from lfs_core.datasets.images import held
    from lfs_core.evaluation.spec import parse
    from lfs_core.findings.trust import doubts_about_learnt, what_likeness_means
    from lfs_core.search.cases import cases_in_words, find_cases
    from lfs_core.search.gallery import load_gallery
    from lfs_core.search.retriever import Retriever
    from lfs_core.util.confidence import spread_of
    from lfs_core.util.files import check_outputs
    from lfs_core.util.progress import progress
    from lfs_core.viz.page import check_suffix

    if not output and (method or decoder):
        said = "--method" if method else "--decoder"
        raise LFSError(f"{said} is for the page; name it with --output, or leave {said} out.")
    if learnt and not cases:
        raise LFSError("--learnt is for cases; give --cases, too, or leave it out.")
    method = method or METHOD
    if output:  # now, not after the work
        check_suffix(output)
        explainer_class(parse(method)[0])
        from lfs_core.viz.views.explorer import RetrievalExplorer
    searched = load_gallery(gallery)
    if output:
        inputs = [query, gallery, decoder, *files_of(method), *loads(searched).values()]
        check_outputs([output], inputs)
    embed = network(**loads(searched))
    retriever = Retriever(searched, embed)
    explain = None
    if output:
        by, options = parse(method)
        explain = load_explainer(by, embed, **(options | ({"decoder": decoder} if decoder else {})))
    source, name = held(query), query.name
    answer = retriever(source, top, bottom, face)
    against = None
    if cases:  # now: what has none is refused before anything is said
        h, place = answer.embedding, answer.position
        with progress("Learning how classes differ"):
            against = find_cases(searched, h, query=place, learnt=learnt)
    for title, hits in {"most similar": answer.nearest, "least similar": answer.farthest}.items():
        if hits:
            typer.echo(title)
        for rank, hit in enumerate(hits, 1):
            sure = "" if hit.same is None else f"  same: {hit.same:6.1%}"
            typer.echo(f"{rank:4}  {hit.similarity:+.3f}{sure}  {hit.name}")
    # A photograph may be in both lists.
    hits = [*answer.nearest, *answer.farthest]
    tell_against(dict.fromkeys(hit.problem for hit in hits if hit.problem))
    others = len(searched) - (answer.position is not None)
    if others < top + bottom:
        typer.echo(
            f"Besides the query the gallery holds {others}, fewer than --top {top} and --bottom "
            f"{bottom} together, so no list holds more than all and some may be in both.",
            err=True,
        )
    typer.echo(what_likeness_means(spread_of(embed), searched.embedder), err=True)
    if answer.average_precision is not None:
        right = sum(hit.label == answer.label for hit in answer.nearest)
        typer.echo(
            f"{right} of the {answer.relevant} others of class {answer.label} among the "
            f"{len(answer.nearest)} most similar; AP@{len(answer.nearest)} "
            f"{answer.average_precision:.3f}"
        )
    if against:
        typer.echo(cases_in_words(against))
    tell_against(doubts_about_learnt(embed, None))
    if output and explain:
        explorer = RetrievalExplorer(retriever, explain, top, bottom)
        place = answer.position
        if place is None or searched.problem(place):  # from outside, or of a file that is gone
            place = explorer.queries.add(source, name, face)
        explorer.save(output, [place])
        typer.echo(f"Wrote {output}.")
        tell_against(explorer.doubts)

"""`lfs evaluate` and `lfs study`: numbers about explanations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfs_core.commands.options import (
    Aligned,
    EmbedderName,
    Jobs,
    Scheduler,
    SimilarityThreshold,
    Weights,
    check_suffix,
    files_of,
    framing,
    network,
    tell_against,
    tell_doubts,
    tell_left_out,
    tell_several,
)
from lfs_core.errors import LFSError

if TYPE_CHECKING:
    from lfs_core.embedders import Embedder

PROBLEMS = 5  # with maps, of which each explainer's are told in full


def evaluate(
    explainer: Annotated[
        list[str],
        typer.Option(
            help="A name of `lfs methods`, with options as in explainlfs,p=0.5; or module:object "
            "or file.py:object, called with the network to give an explainer; repeat."
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
        float | None,
        typer.Option(
            help="Share of a folder's classes, the last by name, to draw from; else all of them."
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Parts of the pairs, each with its own random seed.", min=1)
    ] = 5,
    embedder: EmbedderName = "facenet-casia",
    weights: Weights = None,
    similarity_threshold: SimilarityThreshold = None,
    aligned: Aligned = False,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder from which a run goes on; else in the cache.")
    ] = None,
) -> None:
    """Measure how good explanations are, and write the numbers and a leaderboard.

    Run again after an interruption, or with more explainers or metrics, it does only what is
    missing.
    """
    from lfs_core.comparators import explainer_class
    from lfs_core.embedders import threshold_of
    from lfs_core.evaluation.evaluate import Settings
    from lfs_core.evaluation.evaluate import evaluate as run_evaluation
    from lfs_core.evaluation.pair_set import load_pairs
    from lfs_core.evaluation.spec import make_metric, parse
    from lfs_core.findings.standings import doubts_about_methods
    from lfs_core.util.files import check_outputs
    from lfs_core.viz.leaderboard import write_leaderboard

    check_suffix(output, ".json")
    if hold_out is not None and (pairs == "demo" or pairs.endswith(".csv")):
        raise LFSError(f"--hold-out is for a folder; leave it out with {pairs}.")
    page, table = output.with_suffix(".html"), output.with_suffix(".csv")
    read = [pairs, embedder, weights, *(file for spec in explainer for file in files_of(spec))]
    check_outputs([output, table, page], read)
    for one in metric:  # now, not after the pairs are loaded
        make_metric(one)
    for name in (parse(one)[0] for one in explainer):
        if ":" not in name:
            explainer_class(name)
    embed = network(embedder, weights)
    settings = Settings(
        embedder,
        tuple(explainer),
        tuple(metric),
        str(weights.resolve()) if weights else None,
        threshold_of(embed) if similarity_threshold is None else similarity_threshold,
        seeds,
    )
    share = 1.0 if hold_out is None else hold_out
    if number is None and Path(pairs).is_dir():
        raise LFSError(f"Give --number: how many pairs are to be drawn from {pairs}.")
    pair_set = load_pairs(pairs, embed, number, hold_out=share, framing=framing(aligned))
    tell_several(len(pair_set.several))
    if aligned and pairs != "demo":
        tell_doubts(_files(Path(pairs), pair_set.names), embed)
    results = run_evaluation(settings, pair_set, records, jobs=jobs, scheduler=scheduler)
    tell_left_out(pair_set.skipped)
    left_out = {"left_out": pair_set.skipped} if pair_set.skipped else {}
    results = replace(results, names=pair_set.names, manifest=results.manifest | left_out)
    for method, found in results.problems.items():
        for k, problem in islice(found.items(), PROBLEMS):
            typer.echo(f"{method}, pair {k} ({', '.join(pair_set.names[k])}): {problem}.", err=True)
        if len(found) > PROBLEMS:
            typer.echo(f"{method}: {len(found)} pairs in all; {output} lists them.", err=True)
    learn_spread(embed, results.similarity.tolist(), results.same.tolist(), pair_set.description)
    results.save(output)
    write_leaderboard(results, page)
    typer.echo(f"Wrote {output}, {table} and {page}.")
    tell_against(doubts_about_methods(results))


def _files(source: Path, names: Sequence[tuple[str, str]]) -> list[Path]:
    """The images of pairs, of a folder or a table."""
    folder = source.parent if source.suffix == ".csv" else source
    return [folder / name for name in sorted({name for both in names for name in both})]


def learn_spread(
    embed: Embedder, similarities: Sequence[float], same: Sequence[bool], pairs: str
) -> None:
    """Remember how a network's similarities are spread, if that is not known yet."""
    from lfs_core.embedders.spreads import keep_spread
    from lfs_core.util.confidence import Spread, spread_of
    from lfs_core.util.distances import distance_name, distance_of

    if spread_of(embed):
        return
    try:
        keep_spread(embed, Spread.of(similarities, same, pairs, distance_name(distance_of(embed))))
    except LFSError as error:
        typer.echo(f"How sure the network is stays unknown: {error}", err=True)
    else:
        typer.echo(
            "How sure the network is has been measured; `lfs explain` says it from now on.",
            err=True,
        )


def study(
    name: Annotated[
        str,
        typer.Argument(
            help="What to measure, or to train; a wrong one, with --data and -o, lists all."
        ),
    ],
    data: Annotated[
        Path, typer.Option(envvar="LFS_DATA", help="Folder with celeba, lfw, cub and cars.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The results (.json), or a folder for trained files."),
    ],
    embedder: Annotated[
        str | None, typer.Option(help="A network to explain instead of the study's own.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="The file of that network's weights.")
    ] = None,
) -> None:
    """Run one of the book's studies on the local tier.

    Run again after an interruption, it goes on where it stopped.
    """
    from lfs_core.studies import run_study
    from lfs_core.util.files import check_outputs

    check_outputs([output], [data, embedder, weights])
    run_study(name, data, output, embedder, str(weights.resolve()) if weights else None)
    typer.echo(f"Wrote {output}.")

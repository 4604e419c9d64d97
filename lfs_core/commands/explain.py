"""`lfs explain` and `lfs methods`: one pair of photographs, and how it can be explained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfs_core.commands.explain_parts import explain_parts
from lfs_core.commands.kinds import PHOTOGRAPH, RECORDING, one_kind
from lfs_core.commands.options import (
    Aligned,
    Weights,
    files_of,
    framing,
    network,
    tell_against,
)
from lfs_core.commands.sounds import explain_sounds
from lfs_core.errors import LFSError

if TYPE_CHECKING:
    from lfs_core.datasets.framing import Part, Parts

# What explains photographs, where nothing is given; other things have defaults of their own.
METHOD, EMBEDDER = "explainlfs", "facenet-casia"


def explain(
    image_a: Annotated[
        Path,
        typer.Argument(
            help="First photograph; or recording (.wav .flac .mp3), text (.txt .md), graph (.gml)."
        ),
    ],
    image_b: Annotated[Path, typer.Argument(help="Second one, of the same kind.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write (.html).")],
    method: Annotated[
        str | None,
        typer.Option(
            help="A name of `lfs methods`, with options as in explainlfs,p=0.5,decoder=conv; else "
            f"{METHOD}, and causal for what is no photograph."
        ),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(
            help="The network: a name, timm:NAME, torchvision:NAME, a trained file, or your own as "
            f"module:object or file.py:object; else {EMBEDDER}. Of recordings: efficientword-net, "
            "if none is given, or resemblyzer, which knows voices."
        ),
    ] = None,
    weights: Weights = None,
    similarity_threshold: Annotated[
        float | None,
        typer.Option(
            help="The cosine above which two are called similar (xi_1), -1 to 1; else "
            "the network's own, 0.3 where none is known."
        ),
    ] = None,
    map_threshold: Annotated[
        float | None,
        typer.Option(
            help="How strong a place of a map must be to be shown (xi_2), 0 to 1; else 0.7. "
            "For photographs."
        ),
    ] = None,
    face: Annotated[
        str | None,
        typer.Option(
            help="Which face, from left to right: 2 for the first photograph, 2,1 for both, ,1 for "
            "the second. Left out, one that is large and near the middle."
        ),
    ] = None,
    matches: Annotated[
        bool,
        typer.Option(
            "--matches",
            help="Say as well which place matches which; only some methods can, as amortised does.",
        ),
    ] = False,
    aligned: Aligned = False,
) -> None:
    """Explain the network's decision about two photographs, as one self-contained page.

    Two texts (.txt, .md), graphs (.gml) or recordings can be explained, too, by their words, nodes
    or moments. For them there are fewer methods, which `lfs methods` names last.

    For methods that find matching places, the page shows the ten most confident matches as lines,
    and the match of any place that you point at.

    A photograph may come by a pipe (/dev/stdin); the command says when it waits for one.
    """
    from lfs_core.comparators import load_explainer
    from lfs_core.datasets.framing import doubt_about_crop, parts
    from lfs_core.evaluation.spec import parse
    from lfs_core.findings.trust import (
        confidence_in_words,
        confidence_means,
        doubts,
        doubts_about_learnt,
    )
    from lfs_core.util.distances import measured
    from lfs_core.util.files import check_outputs
    from lfs_core.viz.matches import said_of_matches, tells_none
    from lfs_core.viz.page import check_suffix
    from lfs_core.viz.report import write_report

    check_suffix(output)  # now, not after the work
    check_outputs([output], [image_a, image_b, embedder, weights, *files_of(method or METHOD)])
    of_images = {
        "face": face is not None,
        "aligned": aligned,
        "weights": weights is not None,
        "map-threshold": map_threshold is not None,
    }
    kind = one_kind(image_a, image_b)
    if kind == RECORDING:
        both = image_a, image_b
        explain_sounds(*both, output, method, similarity_threshold, embedder, matches, of_images)
        return
    if kind != PHOTOGRAPH:
        of_images["embedder"] = embedder is not None
        explain_parts((image_a, image_b), output, method, similarity_threshold, matches, of_images)
        return
    faces = face_numbers(face)
    method, embedder = method or METHOD, embedder or EMBEDDER
    name, options = parse(method)
    embed = network(embedder, weights)
    given = {"similarity_threshold": similarity_threshold, "map_threshold": map_threshold}
    thresholds = {name: value for name, value in given.items() if value is not None}
    explainer = load_explainer(name, embed, **(thresholds | options))
    if matches and not getattr(explainer, "matches_places", False):
        raise LFSError(tells_none(name))
    shown, images, messages = [], [], []
    for path, number in zip((image_a, image_b), faces, strict=True):
        seen = parts(path, embed, framing(aligned))
        part = seen.part(number, path.name)
        shown.append((seen, part.number))
        images.append(part.image)
        doubt = doubt_about_crop(seen.photograph, embed, path.name) if aligned else None
        messages += [doubt] if doubt else remarks(seen, part, path.name, number is not None)
    explanation = explainer(*images)
    messages += doubts_about_learnt(embed, explainer)
    write_report(explanation, output, [image_a.name, image_b.name], messages, shown)
    decision = "similar" if explanation.is_similar else "dissimilar"
    sure = confidence_in_words(explanation)
    said = measured(explanation.similarity, explanation.settings)
    typer.echo(f"{said}: {decision}, {sure}. Wrote {output}.")
    if matches:
        typer.echo(said_of_matches(explanation))
    typer.echo(confidence_means(explanation), err=True)
    tell_against([*messages, *doubts(explanation)])


def face_numbers(text: str | None) -> tuple[int | None, int | None]:
    """The face of each photograph that `--face` names.

    Raises:
        LFSError: it is not N, N,M or ,M.
    """
    numbers = [*(text or "").split(","), ""]
    try:
        first, second = (int(of) if of.strip() else None for of in numbers[:2])
    except ValueError:
        first = second = 0
    if len(numbers) > 3 or 0 in (first, second):
        raise LFSError(f"--face {text}: write 2 for a face of the first photograph, 2,1 or ,1.")
    return first, second


def remarks(seen: Parts, part: Part, name: str, asked: bool) -> list[str]:
    """What is to be said about the part of a photograph that is explained."""
    from lfs_core.findings.trust import UNSURE_FACE

    said = []
    if len(seen.all) > 1 and not asked:
        said.append(
            f"{name} shows {len(seen.all)} faces; face {part.number} from the left is explained, "
            "as it is large and near the middle. --face chooses another one."
        )
    if not part.sure:
        said.append(UNSURE_FACE.format(name=name))
    return said


def methods() -> None:
    """List the methods of explanation, their sources, and what they need from a network."""
    from lfs_core.comparators import explainer_class, list_explainers
    from lfs_core.sound.decoding import NAME
    from lfs_core.things.explain import TITLES
    from lfs_core.viz.accounts import CONTROLS

    for name in list_explainers():
        method = explainer_class(name)
        needs = ", ".join(sorted(method.needs)) or "nothing"
        mark = "" if method.role == "method" else f" [{method.role}]"
        typer.echo(f"{name:22} {method.title}: {method.source}; needs {needs}{mark}")
    typer.echo("For texts, graphs and recordings:")
    for name, title in TITLES.items():
        typer.echo(f"{name:22} {title}{' [control]' if name in CONTROLS else ''}")
    typer.echo(f"{NAME:22} ExplainLFS, for recordings only")
    typer.echo(
        "A control ignores the pair or the network; an ablation is a method with a part replaced; "
        "an oracle looks at the test."
    )

"""How alike maps of different pairs are: every comparison of the book, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lfs_core.embedders import network_title
from lfs_core.evaluation.names import reader_name
from lfs_core.evaluation.results import KINDS
from lfs_core.findings.intervals import Interval, interval
from lfs_core.findings.map_readings import STUDY, of_the_shipped_decoder
from lfs_core.findings.stored import images_title, stored_evaluation, stored_run

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

METHOD = "explainlfs"
DECODERS = ("linear", "MLP, seed 0", "convolutional, seed 0")  # of the study of agreement
DRAWS = 2000


def alike_table() -> pd.DataFrame:
    """Rank correlations of ExplainLFS's maps of two different pairs, by what is compared.

    Index: the page that quotes the number, the images, the decoder, and what the two pairs have in
    common. Columns: the kind of both pairs; "mixed" where it is not looked at.
    """
    import pandas as pd

    lines: dict[tuple[str, str, str, str], dict[str, str]] = {}

    def add(page: str, images: str, decoder: str, what: str, **found: Interval | ArrayLike) -> None:
        lines[page, images, decoder, what] = {
            kind: _shown(of if isinstance(of, Interval) else interval(of, DRAWS))
            for kind, of in found.items()
        }

    agreement = stored_run("agreement")
    rows = {row["decoder"]: row for row in agreement["rows"]}
    for decoder in DECODERS:
        add(
            "Decoders",
            images_title("demo"),
            decoder,
            "neighbours by cosine, may share a photograph",
            **{kind: rows[decoder][kind]["with_another_pair"] for kind in KINDS},
        )
    for run in (STUDY, f"{STUDY}-mobilenet"):  # of the face networks with a decoder that ships
        network = stored_run(run)["manifest"]["images"][0]["network"]
        add(
            "The ledger",
            f"{images_title('lfw')}, {network_title(network)}",
            "linear, shipped",
            "all others of the same decision",
            **{kind: of_the_shipped_decoder("other pairs", kind, run) for kind in KINDS},
        )
    behaviour = stored_evaluation("behaviour")
    for explainer in (METHOD, f"{METHOD},decoder=conv"):
        place = behaviour.explainers.index(explainer)
        add(
            "This page, partner swap",
            images_title(behaviour.manifest["pairs"]),
            reader_name(explainer).partition(", ")[2] or "linear, shipped",
            "one image with two partners, same decision",
            **{kind: behaviour.scores("partner", kind)[:, place] for kind in KINDS},
        )
    judged = stored_run("judgement")
    next_pair = judged["with_next_pair"][judged["methods"].index(METHOD)]
    lines[
        "This page, between methods",
        images_title(judged["manifest"]["pairs"]),
        "linear, shipped",
        "the next pair, of any decision",
    ] = {"mixed": f"{next_pair:.2f} (n = {judged['pairs_between_methods']})"}
    return (
        pd.DataFrame(lines).T.fillna("").rename_axis(["page", "images", "decoder", "the two pairs"])
    )


def _shown(found: Interval) -> str:
    return f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}] (n = {found.pairs})"

"""Is what is known about sentences and graphs found? Exchanged words, answering words, motifs."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from lfs_core.things.held_out_pairs import HELD_OUT
from lfs_core.things.minilm import all_minilm
from lfs_core.things.motifs import MOTIFS, learn_motifs, motif_network, save_motif_network
from lfs_core.things.sentence_pairs import EXCHANGED, PARAPHRASES
from lfs_core.things.truths import Scores, answering_words, exchanged_words, motif_parts

METHODS = ("causal", "corrrise", "distance-explainer", "random")
EACH = 8  # pairs of each motif
SEEDS = range(1, 6)  # of more networks of graphs; the one that ships has 0
SETS = 100  # of parts, for methods that draw them
FIRST, OTHERS = "first list", "held-out list"
LISTS = {FIRST: EXCHANGED, OTHERS: HELD_OUT}
"""On the first list about ten ways to read the maps were tried; on the other one none."""


def sentences_study(data: Path) -> dict[str, object]:
    """The score of each method for each pair, by what is to be found.

    The folder of the data is not used: sentences and graphs are written or made.
    """
    texts, graphs = all_minilm(), motif_network()
    exchanged = {
        name: _rounded(exchanged_words(texts, METHODS, tqdm(lines, name), SETS))
        for name, lines in LISTS.items()
    }
    motifs = {
        parts: _rounded(motif_parts(graphs, METHODS, EACH, parts, count=SETS))
        for parts in tqdm(("nodes", "edges"), "Graphs")
    }
    others = [
        {
            parts: _rounded(motif_parts(network, ["causal"], EACH, parts, count=SETS))
            for parts in motifs
        }
        for network in map(learn_motifs, tqdm(SEEDS, "Other networks of graphs"))
    ]
    return {
        "manifest": {
            "pairs": "sentences and graphs of which we know what is shared",
            "number": len(EXCHANGED) + len(HELD_OUT) + len(PARAPHRASES) + EACH * len(MOTIFS),
            "embedder": texts.name,
            "seed": 0,
            "sets": SETS,
        },
        "exchanged": exchanged,
        "answering": _rounded(answering_words(texts, ["causal"])),
        "motifs": motifs,
        "motifs of other networks": others,
    }


def train_motifs(data: Path, folder: Path) -> None:
    """Train the network of graphs that ships with the package, and write it.

    The folder of the data is not used.
    """
    save_motif_network(learn_motifs(), folder / "motifs.safetensors")


def _rounded(scores: Scores) -> Scores:
    return {name: [round(value, 4) for value in values] for name, values in scores.items()}

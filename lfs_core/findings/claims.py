"""The paper's claims, in its order, and how each is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lfs_core.evaluation.names import listed
from lfs_core.findings import draws, judges, map_readings, multiverse
from lfs_core.findings.intervals import ALIKE, COMMON, Verdict
from lfs_core.findings.judges import CHANCE, FEW_FLIPS, FLIPS, RIVALS
from lfs_core.findings.readings import Reading
from lfs_core.findings.stored import is_stored, stored_run
from lfs_core.studies import STUDIES


@dataclass(frozen=True)
class Claim:
    """One line of the ledger.

    Attributes:
        section: of the paper.
        statement: what it says, in our words.
        test: what must be observed if the claim is true.
        study: `lfs study` by this name repeats the numbers.
        judge: finds the result, in words and numbers, and the verdict.
        readings: gives the result under every reading of the claim. This decides the verdict,
            unless the judge's is that a number of the paper is not reproduced here. None if there
            is one reading, the judge's.
        read_from: `lfs study` by this name repeats the readings, or most of them.
    """

    section: str
    statement: str
    test: str
    study: str
    judge: Callable[[], tuple[str, Verdict]]
    readings: Callable[[], list[Reading]] | None = None
    read_from: str = "multiverse"

    @property
    def command(self) -> str:
        """What repeats the numbers."""
        return f"lfs study {self.study} --data DATA -o {self.study}.json"

    @property
    def again(self) -> str:
        """What repeats the readings: commands of the stored runs, in Markdown."""
        first = stored_run(self.read_from)["manifest"]["command"]
        beside = [name for name in STUDIES if name.startswith(f"{self.read_from}-")]
        others = [f"`{name}`" for name in beside if is_stored(name)]
        return f"`{first}`" + (f", and {listed(others)} in the same way" if others else "")


CLAIMS = (
    Claim(
        "3",
        "The method applies to any network that gives embeddings.",
        "Maps stay exactly the same when the network is a plain function without gradients or "
        "layers, on every pair that was tried. This is checked, not estimated.",
        map_readings.STUDY,
        map_readings.any_network,
        map_readings.black_box,
        map_readings.STUDY,
    ),
    Claim(
        "3.2",
        "Latents matter by their relevance R (Eq. 2).",
        "With R its maps find more of what moves the similarity than with random numbers for R.",
        draws.STORED,
        draws.relevance,
        lambda: multiverse.ahead(["relevance"]),
    ),
    Claim(
        "3",
        "The map explains the decision about this pair.",
        f"Maps of other pairs, and for other partners, differ: rank correlation below {COMMON}. "
        "This is needed, but not enough: random maps differ, too.",
        "map-readings",
        judges.partner,
        map_readings.about_this_pair,
        map_readings.STUDY,
    ),
    Claim(
        "1",
        "The map shows what in the images decides, so what the network has learnt.",
        "It changes when the network's weights are shuffled: the rank correlation is below "
        f"{COMMON}. This is needed, but not enough: random maps change, too.",
        "judgement",
        judges.forgotten,
        map_readings.learnt,
        map_readings.STUDY,
    ),
    Claim(
        "4.1",
        "A cosine of 0.3 separates the same person from another.",
        "More than 0.9 of the pairs are decided right.",
        "faces",
        judges.similarity_threshold,
        map_readings.decided,
        map_readings.STUDY,
    ),
    Claim(
        "4.1",
        "Faces are decoded with an error of 0.02.",
        "The lowest held-out error on aligned faces rounds to it. How the paper cropped its faces "
        "is not said; whole images are another reading.",
        "decoding",
        lambda: judges.decoding(("CelebA, aligned faces",), (0.02,), "decoding"),
        lambda: map_readings.decoded(
            ("CelebA, aligned faces", "CelebA, whole images"), (0.02, 0.02)
        ),
        "decoding",
    ),
    Claim(
        "4.1",
        "The method is not sensitive to p.",
        "Maps for p = 0.1 and 0.6, which are not close to 0 or 1 (Sec. 3.3), agree with those for "
        f"0.3: their rank correlation is above {ALIKE}.",
        "hyperparameters",
        lambda: judges.p(map_readings.USUAL_P),
        map_readings.p,
        map_readings.STUDY,
    ),
    Claim(
        "4.1",
        "The method is not sensitive to the threshold of the map, which is for display.",
        "The map is finished before the threshold is applied to it.",
        "hyperparameters",
        judges.threshold_of_display,
        map_readings.threshold_of_display,
        map_readings.STUDY,
    ),
    Claim(
        "4.1",
        "The network looks at mouth, eyes and nose, in this order.",
        "Each part has more of the map than of the area, and they come in this order.",
        "behaviour",
        judges.parts,
        map_readings.parts,
        map_readings.STUDY,
    ),
    Claim(
        "4.1",
        "The less similar a similar pair, the more pixels are shown.",
        "Similarity and share of pixels above 0.7 are negatively correlated.",
        "behaviour",
        judges.more_pixels,
        map_readings.more_pixels,
        map_readings.STUDY,
    ),
    Claim(
        "4.2",
        "Birds and cars are decoded with errors of 0.03 and 0.05.",
        "The lowest held-out errors round to them, or are lower.",
        "decoding",
        lambda: judges.decoding(("CUB-200 birds", "Cars-196"), (0.03, 0.05), "decoding"),
        lambda: map_readings.decoded(("CUB-200 birds", "Cars-196"), (0.03, 0.05)),
        "decoding",
    ),
    Claim(
        "4.2",
        "The decoder's error does not affect the method's performance.",
        "Within a kind of decoder, the score of pixel flipping changes by less than "
        f"{map_readings.TOLERANCE} of the cosine from the largest error to the smallest.",
        map_readings.STUDY,
        map_readings.error_matters,
        map_readings.error,
        map_readings.STUDY,
    ),
    Claim(
        "4.2",
        "The most similar image of a query has a cosine of 0.94 to 0.98.",
        "The paper says so of four examples. With other networks and galleries, the means are "
        f"above {map_readings.NEAR}.",
        "retrieval",
        judges.nearest,
        map_readings.nearest,
        "retrieval",
    ),
    Claim(
        "4.3.1",
        "Similar pairs become less similar as the most relevant superpixels are perturbed.",
        "The cosine falls. Noise in any place makes it fall, so this says little about a map.",
        "faces",
        lambda: judges.moves("similar"),
        lambda: multiverse.moves("similar"),
    ),
    Claim(
        "4.3.1",
        "Dissimilar pairs become more similar as those of both images are perturbed.",
        "The cosine rises.",
        "faces",
        lambda: judges.moves("dissimilar"),
        lambda: multiverse.moves("dissimilar"),
    ),
    Claim(
        "4.3.1",
        "It moves because the superpixels are the most relevant ones.",
        "It moves more than when superpixels are perturbed in random order.",
        "faces",
        lambda: judges.compared(["faces"], FLIPS, [CHANCE]),
        lambda: multiverse.ahead(["order"]),
    ),
    Claim(
        "4.3.2",
        "The further an image is displaced, the more its explanation changes.",
        "Size of displacement and change of the map are positively correlated.",
        "continuity",
        judges.continuous,
        map_readings.continuous,
        map_readings.STUDY,
    ),
    Claim(
        "4.3.3",
        "ExplainLFS is closer to SIMExpert than the methods of Utkin and Tummala.",
        "Its rank correlation with SIMExpert, beyond that with other pairs, is higher.",
        "judgement",
        judges.expert,
        map_readings.expert,
        map_readings.STUDY,
    ),
    Claim(
        "4.4",
        "ExplainLFS finds relevant pixels better than Tummala, Utkin and SIMExpert.",
        "The similarity moves further than under each of the three.",
        "faces",
        lambda: judges.compared(["faces"], FLIPS, RIVALS),
        lambda: multiverse.ahead(RIVALS, images=("faces",)),
    ),
    Claim(
        "4.4",
        "The similarity drops sharply at the six most relevant superpixels.",
        "It drops further than at six superpixels in random order.",
        "faces",
        judges.six,
        multiverse.ahead_at_six,
    ),
    Claim(
        "4.2, 4.4",
        "ExplainLFS beats its three rivals on birds and cars, too.",
        "The similarity moves further than under each of the three. The paper draws curves of "
        "faces only; that its conclusion is about retrieval, too, is our reading.",
        "birds",
        lambda: judges.compared(["birds", "cars"], FEW_FLIPS, RIVALS),
        lambda: multiverse.ahead(RIVALS, images=("birds", "cars")),
    ),
)
"""In the order of the paper; each is judged alone."""

ADDED = (
    Claim(
        "3.3",
        "The method is not sensitive to p, down to 0.01 and up to 1.",
        f"Maps for p = 0.01 and 1 agree with those for 0.3: rank correlation above {ALIKE}.",
        "hyperparameters",
        lambda: judges.p(("0.01", "1.0")),
    ),
    Claim(
        "4.2",
        "The map does not depend on the decoder.",
        f"Maps of other decoders agree: their mean rank correlation is above {ALIKE}.",
        "agreement",
        judges.decoder_matters,
    ),
    Claim(
        "3.3",
        "Which pixels are shown does not depend on the threshold of the map.",
        "Of the pixels shown at 0.6, more than 0.8 are shown at 0.8.",
        "hyperparameters",
        judges.map_threshold,
    ),
    Claim(
        "4.4",
        "ExplainLFS finds relevant pixels better than a map of the middle of the image.",
        "The similarity moves further than under the centre map.",
        "faces",
        lambda: judges.compared(["faces"], FLIPS, ["centre"]),
        lambda: multiverse.ahead(["centre"]),
    ),
)
"""Claims that the paper does not make, and that a reader would ask about next."""

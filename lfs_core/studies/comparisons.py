"""Evaluations of many methods on the same hundreds of pairs: which methods, metrics and images.

Runs share their records: the pairs of a smaller run are the first pairs of a larger one. A method
with a trained head is put to pairs of people or classes that the head has not learnt from.
"""

from __future__ import annotations

from dataclasses import replace

from lfs_core.studies.run import Run

PAPER = ("explainlfs", "simexpert", "utkin", "tummala")
CONTROLS = ("random", "centre", "edges", "mean-map")
RELEVANCES = tuple(f"explainlfs,relevance={name}" for name in ("random", "constant", "inverted"))
DECODERS = ("explainlfs,decoder=mlp", "explainlfs,decoder=conv")
CHEAP = ("gradcam", "xssab", "gradient-x-input")
LEADING = (*PAPER, "gradcam", "occlusion", "explainlfs,relevance=random", "centre", "random")
COSTLY = ("smoothgrad", "corrrise")
COSTLIER = (  # judged on few pairs only
    "fggb",
    "integrated-gradients",
    "integrated-jacobians",
    "distance-explainer",
    "kernel-shap",
    "lime",
)
LAYERS = ("similarity-attention", "lrp", "pairx", "activation-decomposition")
VARIANTS = (
    "explainlfs,relevance=shuffled",
    "explainlfs,relevance=contribution",
    "explainlfs,perturbation=multiply",
    "simexpert,form=raw",
    "tummala,variant=gradient",
)
EVERYBODY = (*PAPER, *CHEAP, "occlusion", *DECODERS, *RELEVANCES, *CONTROLS)
OURS = ("amortised", "amortised,own=0,contrast=0", "own-likeness")  # the book's own, in parts
RETRIEVAL = (*PAPER, *CHEAP, "explainlfs,relevance=random", *CONTROLS)
DEEP = tuple(f"{of}{relevance}" for of in DECODERS for relevance in ("", ",relevance=random"))


FACES = Run((*EVERYBODY, *LAYERS), ("selectivity,every=2",))
FILLS = Run(
    (*PAPER, "occlusion", "lrp", "amortised", "centre", "random"),
    (
        "selectivity,every=10,order=least",
        *(f"selectivity,every=10,fill={fill}" for fill in ("mean", "black", "grey", "blur")),
    ),
    people="test",
)
VERIFICATION = Run(
    (*LEADING, *LAYERS, *OURS),
    ("verification", "verification,mode=insertion"),
    number=300,
    seeds=3,
    people="test",
)
ROAD = replace(VERIFICATION, metrics=("road,blurred=true",))
ALL_METHODS = Run(
    (*EVERYBODY, *LAYERS, *COSTLY, *COSTLIER, *VARIANTS),
    ("selectivity,every=2",),
    number=25,
    seeds=1,
)
BEHAVIOUR = Run(
    (
        *PAPER,
        *CHEAP,
        *LAYERS,
        "explainlfs,decoder=conv",
        "explainlfs,relevance=random",
        *CONTROLS,
        *OURS,
    ),
    ("partner", "patch", "parts", "shown"),
    people="test",
)
BY_PIXELS = replace(BEHAVIOUR, explainers=("difference", "centre"), metrics=("patch",))
CONTINUITY = Run(
    (*PAPER, *CHEAP, *LAYERS, *DECODERS, "explainlfs,relevance=random", *CONTROLS, *OURS),
    ("continuity", "continuity,moved=true", "lipschitz"),
    number=100,
    seeds=3,
    people="test",
)
BIRDS = Run(
    (*RETRIEVAL, *LAYERS, *DEEP, "own-likeness"),
    ("selectivity,every=5",),
    folder="cub",
    network="efficientnet-lite0-cub",
    hold_out=0.5,
)
CARS = replace(BIRDS, folder="cars", network="efficientnet-lite0-cars")
MOSAICS = replace(BIRDS, explainers=(*RETRIEVAL, *LAYERS, *OURS), metrics=("mosaic", "patch"))
SHUFFLED = ("", ",seed=1", ",seed=2")
RANDOMISED = Run(
    (
        "explainlfs",
        *(f"randomised,shuffled=network{seed}" for seed in SHUFFLED),
        "randomised,shuffled=network,refitted=true",
        *(f"randomised,shuffled=decoder{seed}" for seed in SHUFFLED),
        "amortised",
        *(f"randomised-causal,shuffled=network{seed}" for seed in SHUFFLED),
        *(f"randomised-causal,shuffled=head{seed}" for seed in SHUFFLED),
    ),
    ("selectivity,every=5",),
    number=100,
    seeds=1,
    people="test",
)
BOTH_WAYS = ("selectivity,every=10", "insertion,every=10")
RIVALS = ("gradcam", "simexpert", "xssab", "occlusion", "lrp")  # that are given the book's own term
BEYOND = Run(
    (
        "amortised",
        "amortised,contrast=0",
        "amortised,own=0,contrast=0",
        "occlusion",
        "explainlfs",
        "explainlfs,relevance=random",
        "simexpert",
        "utkin",
        "tummala",
        *CHEAP,
        *LAYERS,
        *CONTROLS,
        "own-likeness",
        *(f"with-own-likeness,of={rival}" for rival in RIVALS),
    ),
    BOTH_WAYS,
    people="test",
)
FRESH = replace(
    BEYOND,
    explainers=(
        "amortised",
        "amortised,contrast=0",
        "amortised,own=0,contrast=0",
        "own-likeness",
        "with-own-likeness,of=gradcam",
        "with-own-likeness,of=simexpert",
        "with-own-likeness,of=lrp",
        "gradcam",
        "simexpert",
        *LAYERS,
        "explainlfs",
        "centre",
        "mean-map",
        "random",
    ),
    people="fresh",
    number=390,  # as many as there are
)
BEYOND_BIRDS = replace(
    BEYOND, folder="cub", network="efficientnet-lite0-cub", people=None, hold_out=0.5
)
BEYOND_CARS = replace(BEYOND_BIRDS, folder="cars", network="efficientnet-lite0-cars")
OWN_NOISE = Run(
    ("amortised", "occlusion", "lrp", "centre", "random"),
    tuple(f"{metric},fill=own-noise" for metric in BOTH_WAYS),
    people="test",
)
BEYOND_PATCH = Run(
    (
        "amortised",
        "amortised,own=0,contrast=1",
        "occlusion",
        "causal,scales=1,shifted=false,contrast=1",
        "causal,contrast=1",
        "gradcam",
        "lrp",
        *CONTROLS,
    ),
    ("patch",),
    number=40,
    people="test",
)
EXPENSIVE = Run(
    (
        "amortised",
        "occlusion",
        "causal",
        "causal,sets=512,own=1",
        *COSTLY,
        "lrp",
        "centre",
        "greedy",
    ),
    BOTH_WAYS,
    number=50,
    seeds=1,
    people="test",
)
WORKING_PARTS = ("paper", "contribution", "arguing", "constant", "random")
TWO_BY_TWO = Run(
    tuple(
        f"{under},relevance={relevance}"
        for under in ("explainlfs", "amortised,own=0,contrast=0")
        for relevance in WORKING_PARTS
    ),
    BOTH_WAYS,
    number=100,
    people="test",
)
RESOLUTION = replace(
    EXPENSIVE,
    explainers=(
        *(f"causal,grid={grid},scales=1,shifted=false,own=1" for grid in (4, 8, 16, 40)),
        "centre",
    ),
    number=20,
)
PATTERNS = replace(
    TWO_BY_TWO,
    explainers=(
        *(
            f"{under},relevance={relevance}"
            for under in (
                *(f"explainlfs,decoder={d}" for d in ("linear", "mlp", "conv")),
                "recognised",
                "filters",
            )
            for relevance in ("paper", "random")
        ),
        "centre",
        "random",
    ),
)

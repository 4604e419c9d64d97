"""How every method stands in every stored test: a small table, which ships with the package.

Stored evaluations are the book's; an installed package has none. So the table of which methods can
be trusted is computed from them once. `python -m lfs_core.findings.standings` does it again, after
a stored evaluation has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from lfs_core.comparators import EXPLAINERS, explainer_class
from lfs_core.evaluation.results import KINDS, SIGNIFICANT, Results, is_control
from lfs_core.evaluation.spec import make_metric, parse
from lfs_core.evaluation.statistics import holm, paired_test
from lfs_core.findings.beyond import OURS, OWN_LIKENESS
from lfs_core.findings.sentences import corrrise_before
from lfs_core.findings.stored import results_folder, stored_evaluation
from lfs_core.findings.trust import FILE, Stands, in_words

# Tests in which a map that knows more than its controls scores better than they. Not here: what a
# map that knows nothing passes, as continuity, or what describes maps, as facial parts.
TESTS = ("selectivity", "insertion", "verification", "road", "patch", "mosaic")
# Studies that replace parts of several methods: their controls are not those of each method.
OF_PARTS = ("patterns", "two-by-two", "all-methods")


def stand(results: Results) -> Iterator[Stands]:
    """How the methods of an evaluation stand; the rule is that of `Results.beats_controls`."""
    controls = [name for name in results.explainers if is_control(name)]
    methods = [
        name
        for name in results.explainers
        if name not in controls
        and (name.split(",")[0] not in EXPLAINERS or _role(name) in ("method", "ablation"))
    ]
    if not controls:
        return
    for metric in results.metrics:
        if parse(metric)[0] not in TESTS:
            continue
        sign = 1 if make_metric(metric).better == "higher" else -1
        for kind in KINDS:
            scores = sign * results.scores(metric, kind)
            of = dict(zip(results.explainers, scores.T, strict=True))
            methods_scored = [name for name in methods if np.isfinite(of[name]).any()]
            if not methods_scored:
                continue
            leads = np.stack([of[m] - of[c] for m in methods_scored for c in controls], axis=1)
            p = np.asarray(paired_test(leads, results.classes_of(metric, kind)))
            for name, lead, of_each in zip(
                methods_scored,
                np.nanmean(leads, axis=0).reshape(-1, len(controls)),
                p.reshape(-1, len(controls)),
                strict=True,
            ):
                sure = holm(of_each) < SIGNIFICANT
                untrained = [k for k, c in enumerate(controls) if parse(c)[0] != OWN_LIKENESS]
                ahead = (holm(of_each[untrained]) < SIGNIFICANT) & (lead[untrained] > 0)
                # Own-likeness is a trained term of the book's map: no other is held against it.
                counted = slice(None) if parse(name)[0] == OURS else untrained
                yield Stands(
                    network=results.manifest["embedder"],
                    explainer=name,
                    test=metric,
                    kind=kind,
                    images=results.manifest["pairs"],
                    pairs=int(np.isfinite(of[name]).sum()),
                    better=int((sure & (lead > 0)).sum()),
                    worse=int((sure & (lead < 0))[counted].sum()),
                    controls=len(controls),
                    beats_untrained=bool(ahead.all()),
                )


def doubts_about_methods(results: Results) -> list[str]:
    """What an evaluation says against the methods in it: a sentence for each and kind of pairs."""
    if not any(map(is_control, results.explainers)):
        return [
            "Not known whether to be trusted: no control was measured with these methods, so a map "
            "that ignores the pair might do as well. Add "
            "--explainer centre --explainer random."
        ]
    tests: dict[tuple[str, str], list[Stands]] = {}
    for one in stand(results):
        tests.setdefault((one.explainer, one.kind), []).append(one)
    return [told for of in tests.values() if (told := in_words(of))]


def measured() -> list[Stands]:
    """How all methods stand in all stored evaluations; of one test the run of most pairs counts.

    Left out is what the book says not to rank a method by.
    """
    largest: dict[tuple[str, ...], Stands] = {}
    for path in evaluations():
        results = stored_evaluation(path.stem)
        for one in stand(results):
            if one.explainer == "corrrise" and corrrise_before(results.manifest):
                continue
            name, options = parse(one.test)
            kept = sorted(f"{k}={v}" for k, v in options.items() if k != "every")
            key = (one.network, one.explainer, one.kind, one.images, name, *kept)
            if key not in largest or one.pairs > largest[key].pairs:
                largest[key] = one
    return sorted(largest.values(), key=lambda one: tuple(map(str, asdict(one).values())))


def evaluations() -> list[Path]:
    """The files of the stored evaluations that say how methods stand."""
    found = []
    for path in sorted(results_folder().glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        if "measured" in content and path.stem not in OF_PARTS:
            found.append(path)
    return found


def digests() -> dict[str, str]:
    """What `measured` was computed from: a hash of each file, and of the classes of the pairs."""
    files = [*evaluations(), results_folder() / "classes.json"]
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def similarities() -> dict[str, tuple[str, int, float, float]]:
    """Of every network the images of its first stored run, how many pairs, and their cosines."""
    found: dict[str, tuple[str, int, float, float]] = {}
    for name in ("faces", "birds", "cars"):
        results = stored_evaluation(name)
        low, high = (of.item() for of in results.similarity.aminmax())
        found[results.manifest["embedder"]] = (
            results.manifest["pairs"],
            len(results.same),
            low,
            high,
        )
    return found


def _role(name: str) -> str:
    return explainer_class(name.split(",")[0]).role


def main() -> None:
    """Write the table again."""
    rows = [list(asdict(one).values()) for one in measured()]
    lines = ",\n".join(json.dumps(row) for row in rows)
    FILE.write_text(
        f'{{"of": {json.dumps(digests(), indent=1)},\n"similarities": '
        f'{json.dumps(similarities(), indent=1)},\n"standings": [\n{lines}\n]}}\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()

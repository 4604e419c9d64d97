"""Two things and their parts, as one self-contained page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from torch import Tensor

from lfs_core.things.explain import TITLES, ThingsExplanation
from lfs_core.things.files import Kind
from lfs_core.viz.accounts import CONTROLS, account
from lfs_core.viz.page import check_suffix, filled, write_page

STEPS = 4  # of strength
LEAST = 0.1  # of the strongest evidence, below which a part is not marked


def write_parts_report(
    explanation: ThingsExplanation,
    path: str | os.PathLike,
    kind: Kind,
    names: Sequence[str] = ("First", "Second"),
    *,
    given_threshold: bool = False,
    messages: Sequence[str] = (),
) -> None:
    """Write the page; it needs no other file.

    Args:
        explanation: what to show.
        path: the file, ending in .html.
        kind: of both things.
        names: what to call the two.
        given_threshold: whether the threshold is not the network's own, of which the page tells.
        messages: remarks to show above the parts.

    Raises:
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)
    write_page(path, render_parts_report(explanation, kind, names, given_threshold, messages))


def render_parts_report(
    explanation: ThingsExplanation,
    kind: Kind,
    names: Sequence[str],
    given_threshold: bool = False,
    messages: Sequence[str] = (),
) -> str:
    """The page's HTML; see `write_parts_report`."""
    e = explanation
    pairs = [(m.k, m.l) for m in e.matched]
    numbers = [{pair[side]: n for n, pair in enumerate(pairs, 1)} for side in (0, 1)]
    unlike = e.unmatched
    sides = [
        {
            "name": name,
            "parts": marked(
                e.parts[side],
                e.signed[side],
                numbers[side],
                None if unlike is None else unlike[side],
            ),
        }
        for side, name in enumerate(names)
    ]
    return filled(
        files("lfs_core.viz") / "parts_report.html",
        kind=kind,
        names=names,
        sides=sides,
        decision="similar" if e.is_similar else "dissimilar",
        similarity=e.similarity,
        threshold=f"{e.threshold:.4g}",
        calibrated="" if given_threshold else kind.calibrated,
        above=e.is_similar,
        messages=messages,
        method=TITLES[e.method],
        account=account(e.method, kind.part),
        control=e.method in CONTROLS,
        matches=[
            {"a": e.parts[0][m.k], "b": e.parts[1][m.l], "confidence": m.confidence}
            for m in e.matched
        ],
        tells_matches=e.likeness is not None,
        data=e.to_dict(),
    )


def marked(
    parts: Sequence[str], signed: Tensor, numbers: dict[int, int], unlike: Tensor | None
) -> list[dict[str, Any]]:
    """Each part with how it is marked: "for" or "against" a match, and how strongly, 1 to 4.

    Args:
        parts: (K,) names.
        signed: (K,), above 0 for a match.
        numbers: of the match that a part is in.
        unlike: (K,), how unlike a part is to all of the other thing.
    """
    largest = signed.abs().max().clamp_min(1e-12)
    rows = []
    for k, (part, value) in enumerate(zip(parts, signed.tolist(), strict=True)):
        share = abs(value) / largest.item()
        rows.append(
            {
                "name": part,
                "value": round(value, 3) + 0.0,  # and no "-0.000"
                "way": "none" if share < LEAST else "for" if value > 0 else "against",
                "step": min(STEPS, 1 + int(share * STEPS)),
                "match": numbers.get(k),
                "unlike": None if unlike is None else unlike[k].item(),
            }
        )
    return rows


def said_of_parts(explanation: ThingsExplanation, most: int = 10) -> str:
    """The most confident matches in words, one a line."""
    found, (of_a, of_b) = explanation.matched, explanation.parts
    if not found:
        return "No part has a match."
    return "\n".join(
        f"{n}. {of_a[m.k]} \u2192 {of_b[m.l]}, confidence {m.confidence:.2f}"
        for n, m in enumerate(found[:most], 1)
    )

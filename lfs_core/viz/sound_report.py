"""Why two recordings are called similar or not, as one self-contained page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files

from lfs_core.sound.decoding import NAME as THROUGH_DECODER
from lfs_core.sound.ears import ear_title
from lfs_core.sound.thing import Sound
from lfs_core.things.explain import ThingsExplanation
from lfs_core.viz.accounts import CONTROLS, account
from lfs_core.viz.page import check_suffix, filled, write_page
from lfs_core.viz.sounds import one_by_one, render_sounds


def write_sound_report(
    explanation: ThingsExplanation,
    sounds: tuple[Sound, Sound],
    path: str | os.PathLike,
    names: Sequence[str] = ("First recording", "Second recording"),
    messages: Sequence[str] = (),
) -> None:
    """Write the page; it holds its sounds, pictures and numbers, and runs nothing.

    Args:
        explanation: what to show.
        sounds: whose parts are explained.
        path: the file, ending in .html.
        names: what to call the recordings.
        messages: remarks to show above the maps.

    Raises:
        LFSError: the path does not end in .html or cannot be written.
    """
    check_suffix(path)
    first = sounds[0]
    rows = [
        ("network", ear_title(first.ear.name)),
        ("method", explanation.method),
        ("similarity threshold", f"{explanation.threshold:.4g}"),
    ]
    if explanation.method not in (*CONTROLS, THROUGH_DECODER):  # which take nothing away
        rows.append(("what replaces a moment", first.fill))
    page = filled(
        files("lfs_core.viz") / "sound_report.html",
        decision="similar" if explanation.is_similar else "dissimilar",
        similar=explanation.is_similar,
        similarity=explanation.similarity,
        threshold=f"{explanation.threshold:.4g}",
        account=account(explanation.method, "moment"),
        control=explanation.method in CONTROLS,
        one_by_one=one_by_one(explanation),
        tells_matches=explanation.matches is not None,
        names=names,
        messages=messages,
        shown=render_sounds(explanation, sounds, names),
        rows=rows,
        data=explanation.to_dict(),
    )
    write_page(path, page)

"""The plotly.js that the pages of the book share."""

from __future__ import annotations

import logging

from plotly.offline import get_plotlyjs

from lfs_core.browser.packages import PLOTLY, PLOTLY_VERSION
from lfs_core.errors import AssetError
from lfs_core.util.assets import fetch

log = logging.getLogger(__name__)
HEAD = 200  # characters, in which a script names its version


def plotly_script() -> str:
    """The part of plotly.js that draws points, lines and bars; else, if it is missing, the whole.

    Charts are made by the plotly that is installed. Of another version than its own plotly.js no
    part is taken.
    """
    whole = get_plotlyjs()
    if f"plotly.js v{PLOTLY_VERSION}\n" not in whole[:HEAD]:
        return whole
    try:
        return fetch(PLOTLY).read_text(encoding="utf-8")
    except AssetError as error:
        log.warning("Pages load the whole plotly.js, 5 MB: %s", str(error).splitlines()[0])
        return whole

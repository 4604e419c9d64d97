"""The report of two recordings: from disk, with the network cut, for eyes, ears and keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from opened import opened, violations
from playwright.sync_api import Browser, Page, expect
from torch import Tensor

from lfs_core.sound.making import tone
from lfs_core.sound.mel import log_mel, word_bands
from lfs_core.sound.thing import Sound
from lfs_core.things.explain import explain_things
from lfs_core.viz.sound_report import write_sound_report

EVIL = "x</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>.wav"
LASTS = "audio => audio.duration"


class Coarse:
    """An ear whose latents are how loud bands of pitch are, above the hiss."""

    name, seconds, similarity_threshold = "coarse", 1.5, 0.5
    bands = word_bands()

    def spectrogram(self, waves: Tensor) -> Tensor:
        return log_mel(waves)

    def of_spectrogram(self, spectrograms: Tensor) -> Tensor:
        return (spectrograms + 8).clamp_min(0).mean(dim=1).unflatten(1, (16, 4)).mean(dim=2)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two recordings that share a tone of 1 kHz, early in one and late in the other."""
    shared = tone(1000, 0.5)
    sounds = (
        Sound(Coarse(), torch.cat([shared, tone(5000, 0.8)])),
        Sound(Coarse(), torch.cat([tone(200, 0.8), shared])),
    )
    page = tmp_path_factory.mktemp("sounds") / "page.html"
    found = explain_things(*sounds)
    write_sound_report(found, sounds, page, [EVIL, "b.wav"], [f"Remark on {EVIL}."])
    return page


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    yield from opened(browser, path, "main h1", viewport={"width": 1100, "height": 1400})


def test_every_recording_and_match_can_be_played(page: Page) -> None:
    recordings = page.locator("figure audio")
    expect(recordings).to_have_count(2)
    for audio in recordings.all():
        page.wait_for_function("audio => audio.readyState > 0", arg=audio.element_handle())
        assert abs(audio.evaluate(LASTS) - 1.3) < 0.05
    matches = page.locator("li audio")
    assert matches.count() >= 2
    for audio in matches.all():
        page.wait_for_function("audio => audio.readyState > 0", arg=audio.element_handle())
        assert abs(audio.evaluate(LASTS) - 0.1) < 0.02


def test_bars_stand_over_their_moments_and_tables_open(page: Page) -> None:
    for figure in page.locator("figure").all():
        assert figure.locator("rect").count() == 13
        picture = figure.locator("image").bounding_box()
        bars = [bar.bounding_box() for bar in figure.locator("rect").all()]
        assert abs(bars[0]["x"] - picture["x"]) < 3
        assert abs(bars[-1]["x"] + bars[-1]["width"] - picture["x"] - picture["width"]) < 3
        figure.locator("summary").click()
        expect(figure.locator("tbody tr")).to_have_count(13)
        expect(figure.locator("tbody tr").first).to_be_visible()


def test_a_strange_name_is_only_a_name(page: Page) -> None:
    assert page.evaluate("window.hacked") is None
    expect(page.get_by_text(f"Remark on {EVIL}.")).to_be_visible()
    assert page.title().startswith(("Similar", "Dissimilar"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_telephone_by_day_and_night(browser: Browser, path: Path, scheme: str) -> None:
    small = {"width": 390, "height": 844}
    for page in opened(browser, path, "main h1", viewport=small, color_scheme=scheme):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert not violations(page)

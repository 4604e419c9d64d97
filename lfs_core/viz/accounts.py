"""What the evidence of each method says, for pages about texts, graphs and recordings."""

from __future__ import annotations

from lfs_core.sound.decoding import NAME as THROUGH_DECODER

ACCOUNTS = {
    "causal": "One {part} at a time was taken away. The evidence is how far the cosine falls "
    "without it.",
    "occlusion": "One {part} at a time was taken away. The evidence is how far the cosine falls "
    "without it.",
    "shared": "Random sets of {part}s were taken away. The evidence is each one's share in how far "
    "the cosine falls.",
    "corrrise": "Random sets of {part}s were taken away. The evidence is the correlation, from -1 "
    "to 1, of a {part}'s being kept with the cosine that is left.",
    "distance-explainer": "Random sets of {part}s were taken away. The evidence, from -1 to 1, is "
    "how much more often a {part} is kept where the cosine stays high than where it falls low.",
    "sinex": "Random sets of {part}s were taken away. The evidence is the mean of what was lost "
    "with a {part}; small sets weigh more.",
    THROUGH_DECODER: "The relevant latents were moved, and a decoder shows where the spectrogram "
    "changes. Nothing was taken away.",
    "random": "These are random numbers, a control. They ignore the pair and the network, so "
    "they are not to be trusted.",
}
CONTROLS = ("random",)


def account(method: str, part: str) -> str:
    """How a method's evidence was made, of things whose parts have this name."""
    return ACCOUNTS[method].format(part=part)

"""A sentence as a thing: its parts are words, which are left out or masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lfs_core.errors import LFSError

WORD = re.compile(r"\w+(?:[-'\N{RIGHT SINGLE QUOTATION MARK}.&]\w+)*")
WAYS = ("omission", "mask")

TextEmbedder = Callable[[Sequence[str]], Any]
"""Texts -> (B,D), a tensor or an array.

May have `mask`, the token that stands for an unknown word; and `most` and `tokens`, how many tokens
it reads, and how many a text has.
"""


class Sentence:
    """A text as a thing. What stands between words stays when a word is taken away.

    Args:
        embed: the network, as `all_minilm` returns it.
        text: two words or more.
        by: how a word is taken away: "omission" leaves it out; "mask" puts the network's mask in.

    Raises:
        LFSError: the text has fewer than two words or more than the network reads, or the network
            has no mask.
    """

    def __init__(self, embed: TextEmbedder, text: str, by: str = "omission") -> None:
        if by not in WAYS:
            raise LFSError(f"by is {by!r}; it must be {' or '.join(WAYS)}.")
        if by == "mask" and not hasattr(embed, "mask"):
            raise LFSError("This network of texts has no mask; take words away by omission.")
        self.embed, self.text = embed, text
        self.parts = tuple(words(text))
        if len(self.parts) < 2:
            said = "is empty" if not self.parts else f"has one word, {self.parts[0]!r}"
            raise LFSError(f"The text {said}; give two words or more, as each is left out once.")
        most = getattr(embed, "most", None)
        count = embed.tokens(text) if most is not None else 0  # type: ignore[attr-defined]
        if most is not None and count > most:
            raise LFSError(
                f"The text has {len(self.parts)} words, or {count} tokens; the network reads "
                f"{most} tokens, so give a shorter one."
            )
        self.between = WORD.split(text)  # one more than there are words
        self.instead = str(getattr(embed, "mask", "")) if by == "mask" else ""

    def without(self, sets: Tensor) -> Tensor:
        """Embeddings (S,D) of the text without the words of each set (S,K) bool."""
        texts, place = sets.unique(dim=0, return_inverse=True)
        return torch.as_tensor(self.embed([self.left(gone) for gone in texts]))[place]

    def left(self, gone: Tensor) -> str:
        """The text without some words (K,) bool."""
        pairs = zip(self.parts, gone.tolist(), strict=True)
        kept = [self.instead if away else word for word, away in pairs]
        return "".join(map("".join, zip(self.between, [*kept, ""], strict=True)))


def words(text: str) -> list[str]:
    """The words of a text, in order; hyphens, apostrophes and points within a word are its part."""
    return WORD.findall(text)

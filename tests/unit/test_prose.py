"""The project's sentences are short, and in usual words; `tests/prose.py` lists what to avoid."""

from __future__ import annotations

import functools

import prose
import pytest
from prose import LONGEST, Sentence

# How a sentence begins that may be longer, or say a word to avoid, and why.
EXCEPTIONS = {
    "The matrix A of integrated Jacobians, summed": "a formula, with its terms",
    "For the maps of X it is exactly the second difference": "a formula, with its terms",
    "its maps go down to X; evidence for the decision": "an edit would outdate stored runs",
    "share of the map on them, beside": "an edit would outdate stored runs",
}


@functools.cache
def sentences() -> list[Sentence]:
    found = prose.sentences()
    assert len(found) > 8000
    return [one for one in found if not one.text.startswith(tuple(EXCEPTIONS))]


def test_sentences_are_short() -> None:
    """A longer one says two things: write two sentences, or a list."""
    found = [
        f"{one.place}: {one.words} words, at most {LONGEST}: {one.text}"
        for one in sentences()
        if one.words > LONGEST
    ]
    assert not found, "\n".join(found)


def test_words_are_usual() -> None:
    found = [
        f"{one.place}: {', '.join(avoided)}: {one.text}"
        for one in sentences()
        if (avoided := one.avoided())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two, as Bello et al. say, is (Eq. 2) there! Three?", 3),
        ("A first.\n\n- one item\n\n- another", 3),
        ("It has e.g. 0.5 of p. 3 is next.", 2),
    ],
)
def test_sentences_are_told_apart(text: str, expected: int) -> None:
    assert len([one for one in prose.split(text) if one]) == expected


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("It is surely better.", "significantly"),
        ("As soon as it is done, it lies next to them.", None),
        ("This is dear.", "expensive"),
        ("The result hangs on the decoder.", "depends"),
        ("What is known of pairs.", "what we know about"),
        ("The option `beside` is code.", None),
    ],
)
def test_avoided_words_come_with_better_ones(text: str, instead: str | None) -> None:
    found = Sentence("here", prose.plain(text)).avoided()
    assert (instead in found[0]) if instead else not found


def test_code_and_formulas_are_no_words() -> None:
    page = "# Title\n\n```python\nsurely = 1\n```\n\nThe $x$ of {glue:text}`a` and [this](b.md).\n"
    assert [one for one in prose.split(prose.plain(page)) if one] == [
        "Title",
        "The X of X and this.",
    ]
    source = '"""Says it."""\nx = 1  # one\nname = f"The file {x} is not here."\n'
    assert [text for _, text in prose.of_python(source) if text] == [
        "The file X is not here.",
        "Says it.",
        "one",
    ]


def test_comments_and_texts_of_javascript_are_read() -> None:
    source = (
        "// It is said\n// in two lines.\n"
        "/**\n * Draws it.\n *\n * @param {Size} size of it\n */\n"
        'const words = "A text that " +\n  `${name} tells.`;\n'
    )
    texts = [" ".join(text.split()) for _, text in prose.of_javascript(source)]
    assert texts == ["It is said in two lines.", "Draws it. of it", "A text that tells."]

"""Sentences: which words are left, what the network says, and what is known about the pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.parts import causal, left
from lfs_core.things.explain import explain_things
from lfs_core.things.judged import auroc
from lfs_core.things.minilm import HEADS, LAYERS, WIDTH, MiniLM, all_minilm, own_names
from lfs_core.things.sentence_pairs import EXCHANGED, PARAPHRASES, exchanged, paraphrase
from lfs_core.things.sentences import Sentence, words


def lengths(texts: Sequence[str]) -> torch.Tensor:
    """A network that counts letters: (B,26)."""
    return torch.tensor([[1.0 * of.lower().count(chr(97 + k)) for k in range(26)] for of in texts])


def test_words_are_left_out_and_nothing_else() -> None:
    sentence = Sentence(lengths, "The dog's  owner, a well-known man (50), left.")
    assert sentence.parts == ("The", "dog's", "owner", "a", "well-known", "man", "50", "left")
    gone = torch.tensor([word in ("owner", "50") for word in sentence.parts])
    assert sentence.left(gone) == "The dog's  , a well-known man (), left."
    lengths.mask = "[MASK]"  # type: ignore[attr-defined]
    masked = Sentence(lengths, "The dog barks.", by="mask")
    assert masked.left(torch.tensor([False, True, False])) == "The [MASK] barks."
    del lengths.mask  # type: ignore[attr-defined]
    with pytest.raises(lfs.LFSError, match="has no mask"):
        Sentence(lengths, "The dog barks.", by="mask")
    with pytest.raises(lfs.LFSError, match="must be omission or mask"):
        Sentence(lengths, "The dog barks.", by="magic")


@given(st.text())
def test_nothing_taken_away_is_the_text_itself(text: str) -> None:
    if len(words(text)) > 1:
        sentence = Sentence(lengths, text)
        assert sentence.left(torch.zeros(len(sentence.parts), dtype=torch.bool)) == text
        assert not words(sentence.left(torch.ones(len(sentence.parts), dtype=torch.bool)))


def test_each_text_is_embedded_once() -> None:
    seen: list[str] = []

    def network(texts: Sequence[str]) -> torch.Tensor:
        seen.extend(texts)
        return lengths(texts)

    sets = torch.tensor([[True, False], [False, True], [True, False]])
    h = left(Sentence(network, "one two"), sets)
    assert sorted(seen) == [" two", "one "] and torch.equal(h[0], h[2])


def test_letters_by_hand() -> None:
    C = causal(Sentence(lengths, "aa b"))
    whole = torch.tensor([2.0, 1]) / 5**0.5
    expected = torch.stack([whole - torch.tensor([0.0, 1]), whole - torch.tensor([1.0, 0])])
    torch.testing.assert_close(C[:, :2], expected)


@pytest.mark.parametrize("text", ["", " ... ", "word", "word!"])
def test_a_text_of_fewer_than_two_words_is_refused(text: str) -> None:
    with pytest.raises(lfs.LFSError, match=r"is empty|one word, 'word'"):
        Sentence(lengths, text)


def test_the_layers_are_those_of_bert() -> None:
    """The same sums as in the paper, written out, on weights that are drawn."""
    torch.manual_seed(0)
    theirs = {
        "embeddings.word_embeddings.weight": torch.randn(30522, WIDTH),
        "embeddings.position_embeddings.weight": torch.randn(512, WIDTH),
        "embeddings.token_type_embeddings.weight": torch.randn(2, WIDTH),
    }
    shapes = {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (1536, WIDTH)}
    shapes |= {f"attention.self.{of}": (WIDTH, WIDTH) for of in ("query", "key", "value")}
    shapes |= {"output.dense": (WIDTH, 1536)}
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        for name, shape in shapes.items():
            theirs[f"encoder.layer.{layer}.{name}.weight"] = torch.randn(shape) / 20
            theirs[f"encoder.layer.{layer}.{name}.bias"] = torch.randn(shape[0])
        norms += [f"encoder.layer.{layer}.{of}.LayerNorm" for of in ("attention.output", "output")]
    for name in norms:
        theirs |= {f"{name}.{kind}": torch.randn(WIDTH) for kind in ("weight", "bias")}
    network = MiniLM()
    network.load_state_dict(own_names(theirs))
    tokens = torch.tensor([[101, 7, 8, 102], [101, 9, 102, 0]])
    found = network(tokens, torch.tensor([[True] * 4, [True] * 3 + [False]]))
    expected = torch.stack([_bert(theirs, tokens[0]), _bert(theirs, tokens[1, :3])])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def _bert(w: dict[str, torch.Tensor], tokens: torch.Tensor) -> torch.Tensor:
    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        centred = x - x.mean(dim=-1, keepdim=True)
        scaled = centred / centred.square().mean(dim=-1, keepdim=True).sqrt()
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    def dense(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    h = w["embeddings.word_embeddings.weight"][tokens]
    h = h + w["embeddings.position_embeddings.weight"][: len(tokens)]
    h = norm(h + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    size = WIDTH // HEADS
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        q, k, v = (dense(h, f"{at}.attention.self.{of}") for of in ("query", "key", "value"))
        heads = []
        for head in range(HEADS):
            of = slice(head * size, (head + 1) * size)
            heads.append((q[:, of] @ k[:, of].T / size**0.5).softmax(dim=-1) @ v[:, of])
        read = dense(torch.cat(heads, dim=1), f"{at}.attention.output.dense")
        h = norm(h + read, f"{at}.attention.output.LayerNorm")
        inner = torch.nn.functional.gelu(dense(h, f"{at}.intermediate.dense"))
        h = norm(h + dense(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean = h.mean(dim=0)
    return mean / mean.norm()


def test_the_lists_say_which_words() -> None:
    assert len(EXCHANGED) == 24 and len(PARAPHRASES) == 22
    for line in EXCHANGED:
        pair = exchanged(line)
        for text, truth in zip(pair.texts, pair.truth, strict=True):
            assert len(words(text)) == len(truth) and 0 < truth.sum() < len(truth)
            runs = sum(one != other for one, other in pairwise(truth.tolist()))
            assert runs <= 2  # one clause
        kept = [
            [w for w, changed in zip(words(text), truth, strict=True) if not changed]
            for text, truth in zip(pair.texts, pair.truth, strict=True)
        ]
        assert kept[0] == kept[1]
    for entry in PARAPHRASES:
        pairs = paraphrase(*entry).pairs
        assert len({k for k, _ in pairs}) == len({place for _, place in pairs}) == len(pairs) > 1


@pytest.mark.slow
def test_the_network_answers_as_its_makers_say() -> None:
    """The similarities that the documentation of Sentence Transformers prints."""
    network = all_minilm()
    h = network(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    expected = torch.tensor([[1, 0.6660, 0.1046], [0.6660, 1, 0.1411], [0.1046, 0.1411, 1]])
    torch.testing.assert_close(h @ h.T, expected, atol=1e-4, rtol=0)
    with pytest.raises(lfs.LFSError, match="10000 words, or 10002 tokens; the network reads 256"):
        Sentence(network, "dog " * 10000)


@pytest.mark.slow
def test_what_was_exchanged_has_no_match() -> None:
    network = all_minilm()
    pair = exchanged(EXCHANGED[0])
    e = explain_things(*(Sentence(network, text) for text in pair.texts))
    assert e.unmatched is not None
    assert min(map(auroc, e.unmatched, pair.truth)) > 0.9

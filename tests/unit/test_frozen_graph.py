"""The reader of frozen graphs, against the parser that TensorBoard generates from the schema."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.util.tensor_util import make_ndarray, make_tensor_proto

from lfs_core.embedders.frozen_graph import read_weights
from lfs_core.util.assets import FACENET_CASIA, fetch


def test_facenets_weights_are_those_of_the_generated_parser() -> None:
    path = fetch(FACENET_CASIA)
    found = read_weights(path)
    expected = {
        node.name: make_ndarray(node.attr["value"].tensor)
        for node in GraphDef.FromString(path.read_bytes()).node
        if node.op == "Const" and node.attr["value"].tensor.tensor_content
    }
    expected = {name: of for name, of in expected.items() if of.dtype == np.float32}
    assert list(found) == list(expected)
    assert len(found) == 268  # of 133 layers; 132 offsets; and the last batch norm's three
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor.numpy(), expected[name], strict=True)


def test_every_wire_type_is_read_past(tmp_path: Path) -> None:
    """Varints of one and of several bytes, 4 and 8 bytes, nested messages; other constants."""
    graph = GraphDef()
    graph.versions.producer = 1_000_000
    values = np.arange(600, dtype=np.float32).reshape(2, 300)
    for name, of in {"a": values, "integers": np.arange(3), "b/c": values[:1]}.items():
        node = graph.node.add(name=name, op="Const", input=["x" * 200], device="cpu")
        node.attr["scale"].f = 0.5  # 4 bytes
        node.attr["many"].i = 2**40
        node.attr["value"].tensor.CopyFrom(make_tensor_proto(of))
    graph.node.add(name="sum", op="Add", input=["a", "b/c"])
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.SerializeToString() + bytes([15 << 3 | 1, *range(8)]))  # 8 bytes
    found = read_weights(path)
    assert list(found) == ["a", "b/c"]
    assert torch.equal(found["a"], torch.from_numpy(values))
    assert torch.equal(found["b/c"], torch.from_numpy(values[:1]))

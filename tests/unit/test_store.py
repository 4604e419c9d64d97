"""The embedding store: what goes in comes out, or is known to be damaged."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.training import store as store_module
from lfs_core.training.store import EmbeddingStore

SIZE = (4, 5)


def record(seed: int, latents: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(latents, generator=generator)
    return h, torch.randint(0, 256, (3, *SIZE), generator=generator).byte()


@settings(max_examples=20, deadline=None)
@given(
    usable=st.dictionaries(st.binary(min_size=1, max_size=40), st.integers(0, 2**31)),
    unusable=st.dictionaries(st.binary(min_size=1, max_size=40), st.text(min_size=1)),
)
def test_what_is_written_is_read(
    usable: dict[bytes, int], unusable: dict[bytes, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = EmbeddingStore(tmp_path_factory.mktemp("store"), SIZE)
    store.write({key: record(seed) for key, seed in usable.items()})
    store.write({key: reason for key, reason in unusable.items() if key not in usable})
    assert set(store.keys()) == set(usable) | set(unusable)
    for key in usable:
        assert store.reason(key) is None
    for key, reason in unusable.items():
        if key not in usable:
            assert store.reason(key) == reason
    if usable:
        h, x = store.read(usable)
        for k, seed in enumerate(usable.values()):
            expected = record(seed)
            assert torch.equal(h[k], expected[0]) and torch.equal(x[k], expected[1])


def test_rows_are_read_in_any_order_and_survive_reopening(tmp_path: Path) -> None:
    keys = [bytes([k]) for k in range(10)]
    EmbeddingStore(tmp_path, SIZE).write({key: record(key[0]) for key in keys})
    rows = EmbeddingStore(tmp_path, SIZE).rows(keys)
    h, x = rows.subset([7, 2, 2])[[0, 2]]
    assert torch.equal(h[0], record(7)[0]) and torch.equal(x[1], record(2)[1])
    assert [len(h) for h, _ in rows.batches(4)] == [4, 4, 2]


def test_a_damaged_record_is_noticed(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, SIZE)
    store.write({b"a": record(1), b"b": record(2), b"c": "no face"})
    with store._database.begin(write=True) as transaction:
        for key, place in ((b"a", 20), (b"c", 10)):
            value = bytearray(transaction.get(key))
            value[place] ^= 1
            transaction.put(key, bytes(value))
        transaction.put(b"b", transaction.get(b"b")[:5])
    assert list(store.keys()) == []
    for key in (b"a", b"b"):
        with pytest.raises(lfs.LFSError, match="damaged"):
            store.read([key])
    with pytest.raises(lfs.LFSError, match="damaged"):
        store.reason(b"c")


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="missing"):
        EmbeddingStore(tmp_path, SIZE).read([b"never written"])


def test_a_batch_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, SIZE)
    with pytest.raises(lfs.LFSError, match="Cannot write"):
        store.write({b"a": record(1), b"": record(2)})  # LMDB takes no empty key
    assert list(store.keys()) == []


def test_a_full_store_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LIMIT", 1 << 16)
    store = EmbeddingStore(tmp_path, SIZE)
    with pytest.raises(lfs.LFSError, match="MDB_MAP_FULL"):
        store.write({bytes([k]): record(k, latents=1000) for k in range(100)})


@pytest.mark.parametrize("content", ["file", "not LMDB"])
def test_a_folder_that_is_no_store(content: str, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    if content == "file":
        folder.write_text("")
    else:
        folder.mkdir()
        (folder / "data.mdb").write_bytes(b"something else" * 1000)
    with pytest.raises(lfs.LFSError, match="Cannot open the embedding store"):
        EmbeddingStore(folder, SIZE)


def _write_many(folder: Path, first: int) -> None:
    store = EmbeddingStore(folder, SIZE)
    for k in range(first, first + 100):
        store.write({k.to_bytes(2, "big"): record(k)})


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    # They overlap in half of their keys, and write the same there, as two runs on one folder do.
    processes = [context.Process(target=_write_many, args=(tmp_path, k)) for k in (0, 50)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    store = EmbeddingStore(tmp_path, SIZE)
    keys = [k.to_bytes(2, "big") for k in range(150)]
    assert sorted(store.keys()) == keys
    h, _ = store.read(keys)
    assert torch.equal(h, torch.stack([record(k)[0] for k in range(150)]))


def test_the_file_holds_little_more_than_the_records(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, SIZE)
    store.write({k.to_bytes(4, "big"): record(k, latents=512) for k in range(1000)})
    written = 1000 * (8 + 4 * 512 + 60)
    assert (tmp_path / "data.mdb").stat().st_blocks * 512 < 2.2 * written  # a page each

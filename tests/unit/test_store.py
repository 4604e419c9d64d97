"""The embedding store: what goes in comes out, or is known to be damaged."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lfs_core as lfs
from lfs_core.training.store import FILE, EmbeddingStore

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
    assert store.keys() == set(usable) | set(unusable)
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


def test_a_damaged_record_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = EmbeddingStore(tmp_path, SIZE)
    store.write({b"a": record(1), b"b": record(2), b"c": "no face", b"d": record(4)})
    for key, place in ((b"a", 20), (b"c", 10)):
        (value,) = store._database.execute(
            "SELECT value FROM records WHERE key = ?", (key,)
        ).fetchone()
        changed = bytearray(value)
        changed[place] ^= 1
        store._database.execute("UPDATE records SET value = ? WHERE key = ?", (changed, key))
    store._database.execute("UPDATE records SET value = substr(value, 1, 5) WHERE key = ?", (b"b",))
    assert store.keys() == {b"d"}
    (said,) = caplog.messages
    assert "3 images are damaged; they are embedded again" in said
    for key in (b"a", b"b"):
        with pytest.raises(lfs.LFSError, match="damaged"):
            store.read([key])
    with pytest.raises(lfs.LFSError, match="damaged"):
        store.reason(b"c")
    assert torch.equal(store.read([b"d"])[0][0], record(4)[0])


def test_a_record_of_another_key_is_not_taken_for_this_one(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, SIZE)
    store.write({b"a": record(1)})
    store._database.execute("UPDATE records SET key = ?", (b"b",))
    assert store.keys() == set()
    with pytest.raises(lfs.LFSError, match="damaged"):
        store.read([b"b"])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store of 60 records, as a file."""
    folder = tmp_path_factory.mktemp("whole")
    EmbeddingStore(folder, SIZE).write({bytes([k, k]): record(k, latents=100) for k in range(60)})
    return (folder / FILE).read_bytes()


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_damage_loses_records_and_changes_none(
    data: st.DataObject, database: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes changed anywhere, or an end cut off: what is read is what was written."""
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(database)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 5))):
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] ^= data.draw(st.integers(1, 255))
    (folder / FILE).write_bytes(content)
    wanted = [bytes([k, k]) for k in range(60)]
    store = EmbeddingStore(folder, SIZE)
    lost = {*wanted} - store.keys()
    store.write({key: record(key[0], latents=100) for key in lost})
    h, x = store.read(wanted)
    for k in range(60):
        expected = record(k, latents=100)
        assert torch.equal(h[k], expected[0]) and torch.equal(x[k], expected[1])


@pytest.mark.parametrize("part", [0.66, 0.01, 0])
def test_a_store_that_was_cut_off_says_so_and_is_made_again(
    part: float, database: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(database[: int(part * len(database))])
    store = EmbeddingStore(tmp_path, SIZE)
    assert store.keys() == set()
    assert [("is damaged" in said) for said in caplog.messages] == [True] * (part > 0)
    store.write({b"a": record(1)})
    assert torch.equal(EmbeddingStore(tmp_path, SIZE).read([b"a"])[0][0], record(1)[0])


def test_what_can_be_reached_of_a_damaged_store_is_kept(
    database: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray(database)
    page = len(content) // 2 // 4096 * 4096
    content[page : page + 4096] = bytes(4096)  # a page in the middle is lost
    (tmp_path / FILE).write_bytes(content)
    kept = EmbeddingStore(tmp_path, SIZE).keys()
    assert 40 < len(kept) < 60
    said = caplog.messages[0]
    assert f"{len(kept)} images are kept, the others are embedded again" in said


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match="missing"):
        EmbeddingStore(tmp_path, SIZE).read([b"never written"])


def test_a_full_disk_is_said_and_a_batch_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, SIZE)
    store.write({b"a": record(1)})
    store._database.execute("PRAGMA max_page_count = 5")  # SQLite says the same as of a full disk
    with pytest.raises(lfs.LFSError, match=r"full.*Make room.*LFS_CACHE"):
        store.write({bytes([k]): record(k, latents=1000) for k in range(100)})
    assert store.keys() == {b"a"}


def test_a_folder_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match="Cannot use the embedding store"):
        EmbeddingStore(tmp_path / "store", SIZE)


def test_a_file_that_is_no_database_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(b"something else" * 1000)
    store = EmbeddingStore(tmp_path, SIZE)
    assert store.keys() == set() and "is damaged: 0 images" in caplog.text
    store.write({b"a": record(1)})
    assert torch.equal(EmbeddingStore(tmp_path, SIZE).read([b"a"])[0][0], record(1)[0])


def _write_many(folder: Path, first: int) -> None:
    store = EmbeddingStore(folder, SIZE)
    for k in range(first, first + 20):
        store.write({k.to_bytes(2, "big"): record(k)})


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    # They overlap in half of their keys, and write the same there, as two runs on one folder do.
    processes = [context.Process(target=_write_many, args=(tmp_path, k)) for k in (0, 10)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    store = EmbeddingStore(tmp_path, SIZE)
    keys = [k.to_bytes(2, "big") for k in range(30)]
    assert sorted(store.keys()) == keys
    h, _ = store.read(keys)
    assert torch.equal(h, torch.stack([record(k)[0] for k in range(30)]))


def test_the_file_holds_little_more_than_the_records(tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path, SIZE)
    store.write({k.to_bytes(4, "big"): record(k, latents=512) for k in range(1000)})
    written = 1000 * (8 + 4 * 512 + 60)
    assert (tmp_path / FILE).stat().st_size < 2.2 * written  # a page each

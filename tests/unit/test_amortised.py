"""The causal head: what it learns of removals, and what becomes of it as a method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

import lfs_core as lfs
from lfs_core import cli
from lfs_core.amortised import CausalHead, load_head, save_head
from lfs_core.causal import causal_map
from lfs_core.comparators.amortised import Amortised
from lfs_core.comparators.causal import draw_sets, shared_map
from lfs_core.datasets.framing import FRAMINGS
from lfs_core.evaluation.cost import counted
from lfs_core.training.heads import fit_causal, fit_head, losses, unexplained, what_windows_do
from lfs_core.training.removals import LIGHT, SMALLEST, Removals, gather_removals, varied, without
from lfs_core.util.digests import fingerprint
from lfs_core.util.windows import tiles

SIDE, GRID, CELLS, D = 8, 2, 4, 5


def black_box(images: torch.Tensor) -> torch.Tensor:
    """(B,3,8,8) -> (B,5): the brightness of four quarters, and a constant that keeps h long."""
    quarters = torch.nn.functional.avg_pool2d(images.mean(dim=1, keepdim=True), SIDE // 2)
    return torch.nn.functional.pad(quarters.flatten(1), (0, 1), value=3.0)


black_box.name = "quarters"
black_box.image_size = SIDE
IMAGES = torch.rand(6, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def a_head(seed: int = 0, **options: object) -> CausalHead:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = CausalHead(D, GRID, [], [3], hidden=16, **options)
        torch.nn.init.normal_(head.write.weight)
    return head.eval()


def removals(count: int = 30, sets: int = 8) -> Removals:
    """What the black box makes of random images."""
    images = torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    images = images * torch.rand(count, 1, 1, 1, generator=torch.Generator().manual_seed(4))
    chosen = torch.stack([draw_sets(CELLS, sets, seed) for seed in range(count)])
    grey = torch.zeros_like(images)
    left = without(images, grey, chosen, tiles((SIDE, SIDE), [GRID]))
    unit = torch.nn.functional.normalize
    after = unit(black_box(left.flatten(0, 1))).unflatten(0, (count, sets))
    return Removals(
        unit(black_box(images)), [images.half()], chosen, after.half(), list(range(count)), {}
    )


def test_sets_are_of_the_promised_sizes() -> None:
    sets = draw_sets(64, 600, seed=1)
    sizes = sets.sum(dim=1)
    assert (sizes[::6] == 1).all()
    few = torch.cat([sizes[2::6], sizes[4::6]])
    many = torch.cat([sizes[1::6], sizes[3::6], sizes[5::6]])
    assert few.min() == 2 and few.max() == 20
    assert many.min() <= 4 and many.max() == 63
    assert torch.equal(sets, draw_sets(64, 600, seed=1))
    assert not torch.equal(sets, draw_sets(64, 600, seed=2))
    assert 0.2 < sets.float().mean(dim=0).min() < sets.float().mean(dim=0).max() < 0.5


def test_images_lose_their_windows_and_nothing_else() -> None:
    sets = torch.tensor([[[True, False, False, True]]]).expand(6, 1, 4)
    left = without(IMAGES, torch.zeros_like(IMAGES), sets, tiles((SIDE, SIDE), [2]))
    expected = IMAGES.clone()
    expected[:, :, :4, :4] = 0
    expected[:, :, 4:, 4:] = 0
    assert torch.equal(left[:, 0], expected)


def test_shared_maps_solve_the_normal_equations() -> None:
    windows, grey = tiles((SIDE, SIDE), [GRID]), torch.full_like(IMAGES, 0.5)
    sets = draw_sets(CELLS, 12, seed=0)
    C = shared_map(black_box, IMAGES, windows, grey, sets, ridge=0.5)
    left = without(IMAGES, grey, sets.expand(6, -1, -1), windows)
    h, after = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (
        black_box(IMAGES).numpy(), black_box(left.flatten(0, 1)).unflatten(0, (6, 12)).numpy()
    ))  # fmt: skip
    A = np.vstack([sets.numpy(), np.sqrt(0.5) * np.eye(CELLS)])
    for k in range(6):
        b = np.vstack([h[k] - after[k], np.zeros((CELLS, D))])
        np.testing.assert_allclose(C[k], np.linalg.lstsq(A, b, rcond=None)[0], atol=1e-5)


def test_one_window_at_a_time_shares_nothing() -> None:
    windows, grey = tiles((SIDE, SIDE), [GRID]), torch.full_like(IMAGES, 0.5)
    alone = shared_map(black_box, IMAGES, windows, grey, torch.eye(CELLS).bool(), ridge=1e-9)
    torch.testing.assert_close(alone, causal_map(black_box, IMAGES, windows, grey))


def test_an_untrained_head_finds_nothing_and_explains_nothing() -> None:
    data = removals()
    head = CausalHead(D, GRID, [], [3]).eval()
    C, doubt = head(data.h, [data.maps[0].float()])
    assert C.shape == (30, CELLS, D) and (C == 0).all()
    assert doubt.shape == (30, CELLS) and (doubt > 0).all()
    torch.testing.assert_close(unexplained(head, data), torch.ones(2))


def test_losses_are_those_of_a_loop() -> None:
    data, head = removals(count=4), a_head()
    generator = torch.Generator().manual_seed(2)
    partners = torch.nn.functional.normalize(torch.randn(7, D, generator=generator))
    shares, likelihood = losses(head, data, partners)
    C, doubt = (x.detach().numpy() for x in head(data.h, [data.maps[0].float()]))
    left, total, logs = np.zeros(2), np.zeros(2), []
    for i in range(4):
        for some, after in zip(data.sets[i].numpy(), data.after[i].float().numpy(), strict=True):
            change = data.h[i].numpy() - after
            error = C[i][some].sum(axis=0) - change
            weight = 2.0 if some.sum() == 1 else 1 / some.sum()  # single windows count twice
            for beside, directions in enumerate((partners.numpy(), data.h[i : i + 1].numpy())):
                left[beside] += weight * np.mean((directions @ error) ** 2)
                total[beside] += weight * np.mean((directions @ change) ** 2)
            if some.sum() == 1:
                sigma = doubt[i][some][0]
                squared = np.mean((partners.numpy() @ error) ** 2)
                logs.append(np.log(sigma) + squared / (2 * sigma**2))
    np.testing.assert_allclose(shares.detach(), left / total, rtol=1e-3)
    np.testing.assert_allclose(likelihood.detach(), np.mean(logs), rtol=1e-3)


def test_what_can_be_learnt_is_learnt_and_again_the_same() -> None:
    data = removals(count=300)
    train, choose = data[list(range(250))], data[list(range(250, 300))]
    heads = [fit_head(train, choose, (), epochs=20, hidden=32, progress=False) for _ in range(2)]
    assert unexplained(heads[0], choose).max() < 0.15
    for one, two in zip(*(head.state_dict().values() for head in heads), strict=True):
        assert torch.equal(one, two)
    history = heads[0].info["history"]
    assert len(history) == 20
    best = min(error for _, error in history)
    assert unexplained(heads[0], choose).mean().item() == pytest.approx(best, rel=1e-4)


def test_a_head_is_saved_and_loaded(tmp_path: Path) -> None:
    head, data = a_head(), removals()
    head.info["name"] = "quarters"
    save_head(head, tmp_path / "head.safetensors")
    again = load_head(tmp_path / "head.safetensors")
    assert (again.grid, again.layers, again.channels) == (head.grid, head.layers, head.channels)
    assert again.state_dict().keys() == head.state_dict().keys()
    assert again.info["name"] == "quarters"
    maps = [data.maps[0].float()]
    for one, two in zip(head(data.h, maps), again(data.h, maps), strict=True):
        torch.testing.assert_close(one, two, atol=2e-2, rtol=2e-2)


def test_what_is_no_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lfs.LFSError, match=r"no causal head .nothing.*lfs fit-head"):
        load_head("nothing")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(lfs.LFSError, match="not a causal head"):
        load_head(tmp_path / "other.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors", encoding="utf-8")
    with pytest.raises(lfs.LFSError, match="not a causal head"):
        load_head(tmp_path / "text.safetensors")


def test_a_pair_costs_two_passes_and_evidence_is_of_the_partner_and_of_itself() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        linear = torch.nn.Linear(12, D)
    network = torch.nn.Sequential(torch.nn.AvgPool2d(4), torch.nn.Flatten(), linear)
    head = a_head()
    explain = Amortised(network, head, own=0.5, contrast=0, similarity_threshold=-1)
    explain(IMAGES[0], IMAGES[1])  # the first time, the network is tried out
    with counted(network) as passes:
        found = explain(IMAGES[0], IMAGES[1])
    assert passes.forward == 2 and passes.backward == 0
    with torch.no_grad():
        h = torch.nn.functional.normalize(network(IMAGES[:2]))
        C, _ = head(h, [IMAGES[:2]])
    expected = C[0] @ (h[1] + 0.5 * h[0])
    assert found.signed_maps.sum(dim=(1, 2))[0] == pytest.approx(expected.sum().item(), abs=1e-5)
    of_windows = explain.evidence(explain.see(IMAGES[:2][None])).values
    torch.testing.assert_close(of_windows.flatten(2)[0, 0], expected)
    against = Amortised(network, head, own=0.5, contrast=0, similarity_threshold=1)
    pairs = against.see(IMAGES[:2][None])
    torch.testing.assert_close(
        against.evidence(pairs).values.flatten(2)[0, 0], C[0] @ (h[1] - 0.5 * h[0])
    )


def test_contrast_finds_the_windows_that_carry_something_else() -> None:
    head = a_head()
    pair = IMAGES[:2].clone()
    pair[1, :, :, : SIDE // 2] = pair[0, :, :, : SIDE // 2]  # the left half is the same
    explain = Amortised(black_box, head, own=0.0, contrast=2.0)
    pairs = explain.see(pair[None])
    C = pairs.C[0]
    apart = np.linalg.norm((C[0] - C[1]).numpy(), axis=-1)
    for side in range(2):
        expected = C[side] @ pairs.partners[0, side] / pairs.partners[0, side].norm()
        found = explain.evidence(pairs).values[0, side].flatten()
        np.testing.assert_allclose(found, expected - 2 * (apart - apart.mean()), atol=1e-6)
    same = explain.see(IMAGES[:1].repeat(2, 1, 1, 1)[None])
    plain = Amortised(black_box, head, own=0.0, contrast=0.0)
    torch.testing.assert_close(explain.evidence(same).values, plain.evidence(same).values)


def test_records_of_another_head_are_not_taken_for_this_ones() -> None:
    codes = {fingerprint(Amortised(black_box, a_head(seed))) for seed in (0, 1)}
    assert len(codes) == 2
    assert fingerprint(Amortised(black_box, a_head(0))) in codes


@pytest.mark.parametrize("options", [{"own": -1.0}, {"contrast": -1.0}, {"relevance": "truth"}])
def test_what_cannot_be_is_refused(options: dict) -> None:
    with pytest.raises(lfs.LFSError):
        Amortised(black_box, a_head(), **options)


def test_a_head_of_another_network_is_refused() -> None:
    def four(images: torch.Tensor) -> torch.Tensor:
        return black_box(images)[:, :4]

    head = a_head()
    head.info["name"] = "quarters"
    with pytest.raises(lfs.LFSError, match="head was fitted to 'quarters', not to 'four'"):
        Amortised(four, head)(IMAGES[0], IMAGES[1])


def folder_of_squares(folder: Path, people: int = 12) -> list[tuple[Path, str]]:
    """Two photographs of each of some people: a bright quarter on noise."""
    generator = np.random.default_rng(0)
    found = []
    for who in range(people):
        for number in range(2):
            pixels = generator.integers(0, 60, (SIDE, SIDE, 3), np.uint8)
            row, column = divmod(who % 4, 2)
            pixels[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 150
            path = folder / f"{who:02}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
            found.append((path, f"{who:02}"))
    return found


def test_gathering_goes_on_and_says_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("lfs_core.training.removals.BATCH", 8)
    photographs = folder_of_squares(tmp_path / "people")
    broken = tmp_path / "people" / "00" / "broken.png"
    broken.write_text("no image", encoding="utf-8")
    photographs.insert(1, (broken, "00"))
    calls = []

    def watched(images: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return black_box(images)

    watched.name, watched.image_size = "quarters", SIDE
    first = gather_removals(watched, photographs, [], grid=GRID, count=6, progress=False)
    assert list(first.skipped) == [str(broken)] and len(first) == 24
    assert first.identities == [who for path, who in photographs if path != broken]
    assert sum(calls) >= 24 * 7
    calls.clear()
    again = gather_removals(watched, photographs, [], grid=GRID, count=6, progress=False)
    assert sum(calls) == 2  # two images of noise, which tell networks apart
    assert torch.equal(first.after, again.after) and torch.equal(first.sets, again.sets)
    # The embeddings are those of the images without the windows.
    image = torch.from_numpy(np.array(Image.open(photographs[0][0]))).permute(2, 0, 1)[None] / 255
    mean = image.mean(dim=(2, 3), keepdim=True).expand_as(image)
    left = without(image, mean, first.sets[:1], tiles((SIDE, SIDE), [GRID]))[0]
    expected = torch.nn.functional.normalize(black_box(left))
    torch.testing.assert_close(first.after[0].float(), expected, atol=1e-3, rtol=1e-3)


def test_photographs_of_several_faces_are_counted_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("lfs_core.training.removals.BATCH", 8)
    photographs = folder_of_squares(tmp_path / "people")
    crowded = {str(path) for path, _ in photographs[3::7]}
    asked = []

    def frame(path: Path) -> Image.Image:
        """As one does that looks for faces: the crop says how many there were."""
        asked.append(path)
        crop = Image.open(path).convert("RGB")
        crop.info["faces"] = 2 if str(path) in crowded else 1
        return crop

    monkeypatch.setitem(FRAMINGS, "whole", frame)
    for asks in (True, False):
        asked.clear()
        data = what_windows_do(black_box, photographs, [], grid=GRID, progress=False)
        assert data.several == crowded and len(data) == len(photographs)
        assert bool(asked) == asks
    command = ["fit-head", "--images", str(tmp_path / "people"), "--epochs", "1"]
    command += ["--embedder", f"{__file__}:black_box", "-o", str(tmp_path / "head.safetensors")]
    done = CliRunner().invoke(cli.app, command)
    assert done.exit_code == 0, done.output
    assert f"{len(crowded)} photographs show several faces; the one that" in done.stderr


def test_varied_images_are_crops_of_other_light() -> None:
    """A ramp stays a ramp: flatter by the crop, steeper or flatter by contrast, or mirrored."""
    ramp = torch.linspace(0.4, 0.6, 32).expand(200, 3, 32, 32)
    seen = varied(ramp, list(range(200)))
    assert torch.equal(seen[7:8], varied(ramp[:1], [7]))  # its seed alone decides
    steps = seen[:, :, :, 4:-4].diff(dim=-1)
    slope = steps.mean(dim=(1, 2, 3)) / (0.2 / 31)
    assert steps.std(dim=(1, 2, 3)).max() < 1e-4
    assert (slope.abs() > SMALLEST / LIGHT - 0.01).all() and (slope.abs() < LIGHT + 0.01).all()
    assert slope.abs().max() > 1.1  # which no crop does
    assert 60 < (slope < 0).sum() < 140
    light = seen.mean(dim=(1, 2, 3)) / 0.5
    assert light.min() < 0.85 and light.max() > 1.15
    assert seen.min() >= 0 and seen.max() <= 1


def test_variations_are_more_images_of_the_same_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    photographs = folder_of_squares(tmp_path / "people")
    plain, varied = (
        what_windows_do(black_box, photographs, [], grid=GRID, variations=n, progress=False)
        for n in (0, 2)
    )
    assert len(varied) == 3 * len(plain)
    assert varied.identities == 3 * plain.identities
    first, second, third = varied.h.chunk(3)
    assert torch.equal(first, plain.h) and torch.equal(varied.sets[: len(plain)], plain.sets)
    assert (first - second).norm(dim=1).min() > 1e-3 and (second - third).norm(dim=1).min() > 1e-3
    # What is learnt of a variation is what the network makes of that very image.
    seen = varied.maps[0][len(plain)].float()[None]
    left = without(
        seen,
        seen.mean(dim=(2, 3), keepdim=True).expand_as(seen),
        varied.sets[len(plain)][None],
        tiles((SIDE, SIDE), [GRID]),
    )[0]
    expected = torch.nn.functional.normalize(black_box(left))
    torch.testing.assert_close(varied.after[len(plain)].float(), expected, atol=2e-3, rtol=2e-3)
    common = {"description": "squares", "grid": GRID, "epochs": 1, "progress": False}
    heads = [fit_causal(black_box, photographs, variations=n, **common) for n in (0, 2)]
    once, thrice = (head.info["images"] for head in heads)
    assert thrice["train"] == 3 * once["train"] and thrice["choose"] == once["choose"]


def test_a_head_from_photographs_leaves_out_look_alikes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFS_CACHE", str(tmp_path / "cache"))
    photographs = folder_of_squares(tmp_path / "people", people=16)
    seen = torch.from_numpy(np.array(Image.open(photographs[0][0]))).permute(2, 0, 1)[None] / 255

    def centred(images: torch.Tensor) -> torch.Tensor:
        quarters = black_box(images)[:, :4]
        return quarters - quarters.mean(dim=1, keepdim=True) + 1e-3

    centred.name, centred.image_size = "centred", SIDE
    common = {"description": "squares", "grid": GRID, "epochs": 2, "progress": False}
    head = fit_causal(centred, photographs, guarded=centred(seen), **common)
    assert head.info["left out for their likeness"] == 4  # whose bright quarter is the same
    assert sum(head.info["identities"].values()) == 12
    assert set(head.info["unexplained"]) == {"partners", "itself"}
    with pytest.raises(lfs.LFSError, match="9 people"):
        fit_causal(centred, photographs[:18], **common)

"""Training a deep decoder: Eq. 1 by AdamW, on whatever processors there are.

Several processes, as `torchrun` starts them, share the work through Lightning Fabric.
"""

from __future__ import annotations

import io
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import torch
from torch import Tensor, nn

from lfs_core.decoder import Decoder
from lfs_core.errors import LFSError
from lfs_core.training.epochs import Epochs
from lfs_core.training.rows import Rows
from lfs_core.util.extras import needs
from lfs_core.util.kept import keep, kept
from lfs_core.util.similarity import WINDOW, structural_similarity

if TYPE_CHECKING:
    from lightning_fabric import Fabric

log = logging.getLogger(__name__)

Precision = Literal["auto", "32-true", "16-mixed", "bf16-mixed"]
PRECISIONS = get_args(Precision)


def train(
    decoder: Decoder,
    rows: Rows,
    held_out: Rows,
    *,
    epochs: int = 30,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.01,
    patience: int = 5,
    ssim: float = 0.0,
    precision: Precision = "auto",
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: bool = True,
) -> list[tuple[float, float]]:
    """Train in place; leave the weights of the epoch with the lowest held-out error.

    Args:
        decoder: a `DeepDecoder`, its means and ranges set.
        rows: what to learn.
        held_out: what to judge each epoch by.
        epochs: passes over the data at most; the learning rate falls to 0 along a cosine.
        batch_size: images a step, over all processes.
        learning_rate: AdamW's, at the start.
        weight_decay: AdamW's.
        patience: how many epochs without a new best are allowed.
        ssim: weight of 1 - SSIM (Wang et al. 2004) relative to Eq. 1 in the loss.
        precision: one of `PRECISIONS`; "auto" is "bf16-mixed" on a GPU that has it, else
            "32-true".
        seed: of the order of the images.
        checkpoint: file to which every epoch is written and from which an interrupted run goes
            on, to the same weights; it is deleted at the end. A damaged one is no help.
        progress: show a progress bar.

    Returns:
        (loss on the training data, held-out squared error per pixel value) by epoch.

    Raises:
        LFSError: there is nothing to train on or to judge by, or an option is out of range.
    """
    if min(len(rows), len(held_out), epochs, batch_size, patience) < 1:
        raise LFSError(
            f"Cannot train on {len(rows)} images and {len(held_out)} held out with {epochs=}, "
            f"{batch_size=}, {patience=}; all must be at least 1."
        )
    if ssim and min(decoder.image_size) < WINDOW:
        raise LFSError(f"SSIM compares windows of {WINDOW} pixels; the images are smaller.")
    fabric = _fabric(precision)
    optimizer = torch.optim.AdamW(decoder.parameters(), learning_rate, weight_decay=weight_decay)
    model, optimizer = fabric.setup(decoder, optimizer)
    model.mark_forward_method("pixels")
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    shown = progress and fabric.is_global_zero
    done = Epochs(decoder, epochs, patience=patience, title=type(decoder).__name__, progress=shown)
    if checkpoint and (state := _load(checkpoint, fabric.device)):
        decoder.load_state_dict(state["weights"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        done.history, done.best = state["history"], state["best"]

    for epoch in done:
        # Order and dropout depend on seed and epoch alone, so that an interrupted run can go on.
        with torch.random.fork_rng():
            torch.manual_seed(seed * 100_003 + epoch)
            total = 0.0
            model.train()
            for batch in torch.randperm(len(rows)).split(batch_size):
                # Fewer images than processes: the last ones repeat the first image.
                share = (
                    batch[fabric.global_rank :: fabric.world_size].tolist() or batch[:1].tolist()
                )
                total += _step(fabric, model, optimizer, rows[share], ssim) * len(batch)
            model.eval()
        schedule.step()
        done.judge(total / len(rows), _error(fabric, model, held_out))
        if checkpoint and fabric.is_global_zero:
            _save(checkpoint, decoder, optimizer, schedule, done)
    history = done.restore()
    decoder.cpu()
    fabric.barrier()
    if checkpoint and fabric.is_global_zero:
        with suppress(OSError):
            checkpoint.unlink()
    return history


def _fabric(precision: Precision) -> Fabric:
    """One process, or as many as `torchrun` has started."""
    if precision not in PRECISIONS:
        raise LFSError(f"precision is {precision!r}; choose one of {list(PRECISIONS)}.")
    with needs("train", "Training a deep decoder"):
        from lightning_fabric import Fabric  # takes more than a second

    if precision == "auto":
        half = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        precision = "bf16-mixed" if half else "32-true"
    fabric = Fabric(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", 1)),
        num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", 1)),
        precision=precision,
    )
    fabric.launch()
    return fabric


def _step(
    fabric: Fabric,
    model: Decoder,
    optimizer: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor],
    ssim: float,
) -> float:
    """One step of AdamW; the loss before it."""
    h, x = (tensor.to(fabric.device) for tensor in _floats(batch))
    with fabric.autocast():
        images = model.pixels(h).float()
    loss = nn.functional.mse_loss(images, x)
    if ssim:
        loss = loss + ssim * (1 - structural_similarity(images, x).mean())
    optimizer.zero_grad()
    fabric.backward(loss)
    optimizer.step()
    return loss.item()


def _floats(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    h, x = batch
    return h.float(), x.float() / (255 if x.dtype == torch.uint8 else 1)


def _error(fabric: Fabric, model: Decoder, held_out: Rows) -> float:
    """Held-out squared error per pixel value; each process sees its share."""
    sums = torch.zeros(2, dtype=torch.float64, device=fabric.device)
    share = held_out.subset(range(fabric.global_rank, len(held_out), fabric.world_size))
    with torch.no_grad():
        for batch in share.batches():
            h, x = (t.to(fabric.device) for t in _floats(batch))
            with fabric.autocast():
                images = model.pixels(h).float()
            sums += sums.new_tensor([(images - x).square().sum().item(), x.numel()])
    squares, values = cast("Tensor", fabric.all_reduce(sums, reduce_op="sum")).tolist()
    return squares / values


def _load(checkpoint: Path, device: torch.device) -> dict[str, Any] | None:
    content = kept(checkpoint)
    if content is None:
        return None
    # weights_only: tensors and numbers are read, no code is run.
    return torch.load(io.BytesIO(content), map_location=device, weights_only=True)


def _save(
    checkpoint: Path,
    decoder: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    done: Epochs,
) -> None:
    state = {
        "weights": decoder.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "history": done.history,
        "best": done.best,
    }
    content = io.BytesIO()
    torch.save(state, content)
    try:
        keep(checkpoint, content.getvalue())
    except LFSError as error:  # no reason to lose what is trained
        log.warning("%s The training goes on, but cannot be taken up from here.", error)

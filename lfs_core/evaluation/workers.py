"""Run tasks in this process, in several of this machine, or on the workers of a Dask scheduler."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

import torch

from lfs_core.errors import LFSError

if TYPE_CHECKING:
    from distributed import Client

Task, Result = TypeVar("Task"), TypeVar("Result")

AHEAD = 2  # tasks a worker has waiting; their images are in memory


def run(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int = 1,
    scheduler: str | None = None,
) -> Iterator[tuple[Task, Result]]:
    """Results of tasks as they come.

    Args:
        work: what is done for each; it and the tasks travel to the workers.
        tasks: of any number.
        jobs: how many processes of this machine work at once; 1 for this one.
        scheduler: address of a Dask scheduler, whose workers do the work instead.

    Raises:
        LFSError: `jobs` is below 1, Dask is not installed, or the scheduler cannot be reached.
    """
    if jobs < 1:
        raise LFSError(f"jobs is {jobs}; at least one process is needed.")
    if jobs == 1 and scheduler is None:
        for task in tasks:
            yield task, work(task)
        return
    with ExitStack() as stack:
        client = _client(jobs, scheduler, stack)
        yield from _stream(client, work, tasks)


def _stream(
    client: Client, work: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[tuple[Task, Result]]:
    """Few tasks travel ahead of those that are done, so that memory does not grow with them."""
    from distributed import as_completed

    waiting = iter(tasks)
    of: dict[str, Task] = {}
    done = as_completed()

    def submit() -> None:
        for task in waiting:
            future = client.submit(work, task, pure=False)
            of[future.key] = task
            done.add(future)
            return

    for _ in range(AHEAD * max(1, len(client.ncores()))):
        submit()
    for future in done:
        yield of.pop(future.key), future.result()
        submit()


def _client(jobs: int, scheduler: str | None, stack: ExitStack) -> Client:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise LFSError(
            "Several processes need Dask: pip install 'lfs-core[evaluate]'; or set jobs to 1."
        ) from None
    if scheduler is not None:
        try:
            return stack.enter_context(Client(scheduler, timeout=10))
        except (OSError, TimeoutError, ValueError) as error:
            raise LFSError(f"No Dask scheduler answers at {scheduler} ({error}).") from error
    cluster = LocalCluster(
        n_workers=jobs, threads_per_worker=1, dashboard_address=None, memory_limit=0
    )
    client = stack.enter_context(Client(stack.enter_context(cluster)))
    client.run(torch.set_num_threads, max(1, (os.cpu_count() or 1) // jobs))
    return client

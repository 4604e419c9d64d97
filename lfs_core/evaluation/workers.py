"""Run tasks in this process, in several of this machine, or on the workers of a Dask scheduler."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from lfs_core.errors import LFSError
from lfs_core.util.extras import needs

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 2  # tasks a worker has at a time; their images are in memory


def run(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int = 1,
    scheduler: str | None = None,
    lost: Callable[[Task], Result] | None = None,
    ahead: int = AHEAD,
) -> Iterator[tuple[Task, Result]]:
    """Results of tasks as they come.

    Args:
        work: what is done for each; it and the tasks travel to the workers.
        tasks: of any number.
        jobs: how many processes of this machine work at once; 1 for this one.
        scheduler: address of a Dask scheduler, whose workers do the work instead.
        lost: the result of a task during which one worker after another died; an error if left out.
        ahead: how many tasks a worker has at a time; with 1, none waits while another worker rests.

    Raises:
        LFSError: `jobs` is below 1, Dask is not installed, the scheduler cannot be reached or
            goes away, or workers died.
    """
    if jobs < 1:
        raise LFSError(f"jobs is {jobs}; at least one process is needed.")
    if jobs == 1 and scheduler is None:
        for task in tasks:
            yield task, work(task)
        return
    with ExitStack() as stack:
        client = _client(jobs, scheduler, stack)
        # What closing cuts off, where the user has interrupted us, is logged as an error.
        stack.callback(logging.getLogger("distributed").setLevel, logging.CRITICAL)
        yield from _stream(client, work, tasks, lost, ahead)


def _stream(
    client: Client,
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    lost: Callable[[Task], Result] | None,
    ahead: int,
) -> Iterator[tuple[Task, Result]]:
    """Submit few tasks ahead of those that are done, which bounds the memory that they take."""
    from distributed import KilledWorker, as_completed

    waiting = iter(tasks)
    of: dict[Any, Task] = {}
    done = as_completed()

    def submit() -> None:
        for task in waiting:
            future = client.submit(work, task, pure=False)
            of[future.key] = task
            done.add(future)
            return

    for _ in range(ahead * max(1, len(client.ncores()))):
        submit()
    for future in done:
        task = of.pop(future.key)
        try:
            result = future.result()
        except CancelledError as error:
            raise LFSError(f"The Dask scheduler went away ({error}).") from error
        except KilledWorker as error:
            if lost is None:
                raise LFSError(f"Workers died; memory may have run out ({error}).") from error
            result = lost(task)
        yield task, result
        submit()


def _client(jobs: int, scheduler: str | None, stack: ExitStack) -> Client:
    with needs("evaluate", "More than one process"):
        from distributed import Client
    logging.getLogger("distributed").setLevel(logging.ERROR)  # of its coming and going
    if scheduler is not None:
        try:
            return stack.enter_context(Client(scheduler, timeout=10))
        except (OSError, TimeoutError, ValueError) as error:
            raise LFSError(f"No Dask scheduler answers at {scheduler} ({error}).") from error
    return stack.enter_context(Client(stack.enter_context(local_cluster(jobs))))


def local_cluster(jobs: int) -> LocalCluster:
    """Worker processes on this machine, each with its share of the cores."""
    import dask
    from distributed import LocalCluster

    threads = max(1, (os.cpu_count() or 1) // jobs)
    # By default Dask limits the threads in this process's environment, and leaves it so.
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}):
        return LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            # Its server of HTTP cannot be left out: a free port, which no other cluster has.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            silence_logs=logging.ERROR,  # of the workers' coming and going
            env={"OMP_NUM_THREADS": threads},
        )

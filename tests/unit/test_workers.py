"""Clusters of processes on this machine."""

from __future__ import annotations

import psutil
from distributed import Client

from lfs_core.evaluation.workers import local_cluster


def test_two_clusters_at_once_take_no_port_of_each_other_and_nobody_else_reaches_them() -> None:
    """A port that is taken would be a warning, which is an error here."""
    with local_cluster(1) as one, local_cluster(1) as other:
        ports = {cluster.scheduler.http_server.port for cluster in (one, other)}
        assert len(ports) == 2 and 8787 not in ports  # Dask's own, which others may have taken
        for cluster in (one, other):
            with Client(cluster) as client:
                assert client.submit(sum, [1, 2]).result() == 3
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        assert len(processes) >= 3
        opened = [port for each in processes for port in each.net_connections("inet")]
        listening = {port.laddr.ip for port in opened if port.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}

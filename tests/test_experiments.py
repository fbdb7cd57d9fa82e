"""The Dask example on a cluster of its own: a scheduler and two workers, each a process, met over the network."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "experiments" / "sweep_dask.py"
QUIET = {**os.environ, "TQDM_DISABLE": "1"}


def table(*more):
    command = [sys.executable, str(SCRIPT), "--seeds", "2", "--steps", "20", "--width", "4", *more]
    done = subprocess.run(command, capture_output=True, text=True, env=QUIET, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cluster_gives_the_same_numbers_as_this_machine(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        address,
        "--dashboard-address",
        "127.0.0.1:0",
    ]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    options = dict(cwd=tmp_path, env=QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    processes = [subprocess.Popen(command, **options) for command in (dask, worker, worker)]
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=1):
                    break
            except OSError:
                assert time.monotonic() < deadline, "no scheduler"
                time.sleep(0.1)
        cluster = table("--scheduler", address)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    here = table("--workers", "1")
    assert "failed" not in cluster
    assert re.search(r"12 runs on [12] workers", cluster)
    assert cluster.splitlines()[1:] == here.splitlines()[1:]

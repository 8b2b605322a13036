"""A process that forks while its threads denoise: the children denoise as well."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
import warnings

import numpy as np

from sw_model import denoise, trace
from sw_model.spec import configuration
from tests import ROOT
from tests.random_deployment import random_deployment

CHILDREN = 16
CHILDREN_SECONDS = 200
"""Time for all of them on a busy machine; those that hang never end."""


def fork_while_denoising() -> int:
    """How many children do not end well, forked while code is loaded and while it runs."""
    tiny = random_deployment(configuration("tiny"), 1)
    pixels = np.arange(42, dtype=np.uint8).reshape(6, 7)
    ended = threading.Event()

    def work() -> None:
        denoise(pixels, tiny)
        trace(pixels, tiny, membranes=True)

    def keep_working() -> None:
        while not ended.is_set():
            work()

    threads = [threading.Thread(target=keep_working) for _ in range(3)]
    for thread in threads:
        thread.start()
    children = []
    for _ in range(CHILDREN):
        time.sleep(0.1)
        children.append(multiprocessing.get_context("fork").Process(target=work))
        children[-1].start()
    deadline = time.monotonic() + CHILDREN_SECONDS
    for child in children:
        child.join(max(0.0, deadline - time.monotonic()))
    ended.set()
    for thread in threads:
        thread.join()
    failed = [child for child in children if child.exitcode != 0]
    for child in failed:
        child.kill()
    return len(failed)


def test_children_of_a_process_whose_threads_denoise_do_not_hang():
    # In a fresh interpreter, which has loaded none of the compiled code yet.
    done = subprocess.run(
        [sys.executable, "-m", __name__], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"0 of {CHILDREN} children failed\n", done.stderr


if __name__ == "__main__":
    # Python 3.12 warns of what is tested here.
    warnings.simplefilter("ignore", DeprecationWarning)
    print(f"{fork_while_denoising()} of {CHILDREN} children failed")

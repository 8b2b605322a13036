"""Several processes that train one network, each on its part of every batch.

``torchrun --nproc-per-node N -m -- sw_model train ...`` starts them. A step draws the same patches
for any number of processes, and the gradients of all parts are averaged. Batch norm uses the
statistics of each process's own part; the running statistics are those of the first process.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import distributed, nn

from sw_model.support.errors import Field, OptionsError


@dataclass(frozen=True)
class Workers:
    """One process among those that train together.

    Attributes
    ----------
    rank, size
        Index of this process, from 0, and the number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files, evaluates and prints."""
        return self.rank == 0

    def part(self, batch: int) -> slice:
        """Part of a batch for this process.

        Raises
        ------
        UsageError
            The batch cannot be divided evenly.
        """
        if batch % self.size:
            raise OptionsError(
                Field("batch", batch),
                f" cannot be shared by {self.size} processes; give a multiple of {self.size}",
            )
        share = batch // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def wrap(self, module: nn.Module, *, unused: bool) -> nn.Module:
        """``module`` with gradients averaged over all processes.

        Parameters
        ----------
        unused
            Whether some steps do not use all of its parameters.
        """
        if self.size == 1:
            return module
        return nn.parallel.DistributedDataParallel(module, find_unused_parameters=unused)

    def mean(self, value: float) -> float:
        """Mean of a number over all processes."""
        return (
            value if self.size == 1 else self._reduce(value, distributed.ReduceOp.SUM) / self.size
        )

    def any(self, flag: bool) -> bool:
        """Whether a flag is set in any process."""
        return flag if self.size == 1 else self._reduce(flag, distributed.ReduceOp.MAX) > 0

    def wait(self) -> None:
        """Waits for all processes: torchrun ends all of them when one returns an error code."""
        self.any(False)

    @staticmethod
    def _reduce(value: float, operation: distributed.ReduceOp.RedOpType) -> float:
        tensor = torch.tensor(float(value), dtype=torch.float64)
        if distributed.get_backend() == "nccl":
            tensor = tensor.float().cuda()
        distributed.all_reduce(tensor, operation)
        return tensor.item()


@contextlib.contextmanager
def workers(device: str) -> Iterator[Workers]:
    """The processes that torchrun started, or this process alone without torchrun.

    Parameters
    ----------
    device
        ``"cpu"`` or ``"cuda"``; each process uses the CUDA device of its local rank.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Workers()
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield Workers(distributed.get_rank(), size)
    finally:
        # A wrapped module that still exists keeps the group's threads alive until the interpreter
        # exits, and with such threads the exit sometimes aborts.
        gc.collect()
        distributed.destroy_process_group()

"""Block RAM budget of the accelerator with AXI ports, by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from amaranth.back import rtlil

from rtl.axi.accelerator import System
from rtl.core.loading import CHUNK_BITS
from sw_model.spec import Deployment

from .block_ram import BLOCKS, MemoryShape, memories

DEVICE = "LFE5U-85F"
_PARTS = (
    # Substring of the hierarchical name, and the part; the first match counts.
    ("weights_", "hidden weights, for all engines"),
    ("weight_memory", "hidden weights"),
    ("output_scatter", "line buffers of the output layer"),
    ("scatter", "line buffers"),
    ("reader.", "queue of the burst reader"),
    ("writer.", "queue of the burst writer"),
    ("pixel_queue", "queue of pixels"),
    ("output_weights", "output layer's weights"),
    ("layer_constants", "neurons' constants"),
    ("", "other memories"),
)


@dataclass(frozen=True)
class RamBudget:
    """Block RAM of one configuration.

    Attributes
    ----------
    memories
        All memories of the accelerator.
    engines, columns
        Number of engines of the accelerator; input columns of its widest strip.
    """

    memories: Sequence[MemoryShape]
    engines: int
    columns: int

    @property
    def parts(self) -> Counter[tuple[str, int | None]]:
        """Blocks by purpose and engine; the engine is None for shared memories."""
        parts: Counter[tuple[str, int | None]] = Counter()
        for memory in self.memories:
            if memory.blocks:
                parts[_part(memory.name)] += memory.blocks
        return parts

    @property
    def blocks(self) -> int:
        """Total number of blocks."""
        return self.parts.total()

    def alternatives(self) -> dict[str, int]:
        """Total number of blocks for each design alternative that has not been built."""
        return {
            what: sum(change(memory).blocks for memory in self.memories)
            for what, change in _ALTERNATIVES.items()
        }

    def text(self, device: str = DEVICE) -> str:
        """The budget as a text table."""
        lines = []
        for engine in (None, *range(self.engines)):
            parts = {name: count for (name, owner), count in self.parts.items() if owner == engine}
            if parts:
                lines.append("shared" if engine is None else f"engine {engine}")
                lines += [f"  {name:34}{count:5}" for name, count in parts.items()]
        share = f"{self.blocks / BLOCKS[device]:.1%}"
        lines.append(f"{'total':36}{self.blocks:5} of {BLOCKS[device]} of {device}, {share}")
        lines.append("total for alternatives that are not built:")
        lines += [f"  {what:50}{blocks:6}" for what, blocks in self.alternatives().items()]
        return "\n".join(lines)


def ram_budget(deployment: Deployment, engines: int = 1, columns: int | None = None) -> RamBudget:
    """Block RAM of `System`, from its netlist and the rules of `rtl.flow.block_ram`."""
    system = System(deployment=deployment, columns=columns, engines=engines)
    text = rtlil.convert(system, name="system", ports=system.ports, emit_src=False)
    return RamBudget(memories(text), engines, system.columns)


def _part(name: str) -> tuple[str, int | None]:
    """Purpose of a memory, and the engine that it belongs to."""
    what = next(what for part, what in _PARTS if part in name)
    for component in name.split("."):
        if component.startswith("engine"):
            return what, int(component.partition("_")[2] or 0)
    return what, None


def _in_two_cycles(memory: MemoryShape) -> MemoryShape:
    """A line buffer for half the columns, with each word in two rows."""
    if "line buffers" not in _part(memory.name)[0]:
        return memory
    half = -(-memory.width // 2)
    return replace(memory, width=half, enables=(half,))


def _written_whole(memory: MemoryShape) -> MemoryShape:
    """Hidden weights whose rows are written as a whole, with a single write enable."""
    return replace(memory, enables=(memory.width,)) if _is_hidden(memory) else memory


def _three_quarters(memory: MemoryShape) -> MemoryShape:
    """Hidden weights with three bits instead of four."""
    if not _is_hidden(memory):
        return memory
    width = 3 * memory.width // 4
    chunks, rest = divmod(width, CHUNK_BITS)
    return replace(memory, width=width, enables=(CHUNK_BITS,) * chunks + (rest,) * (rest > 0))


def _both(memory: MemoryShape) -> MemoryShape:
    return _written_whole(_in_two_cycles(memory))


def _is_hidden(memory: MemoryShape) -> bool:
    return _part(memory.name)[0].startswith("hidden weights")


_ALTERNATIVES: dict[str, Callable[[MemoryShape], MemoryShape]] = {
    "scatter in two cycles, strips of half the columns": _in_two_cycles,
    "weights of 3 bits instead of 4": _three_quarters,
    "rows of weights written as a whole": _written_whole,
    "the first and the third of these": _both,
}

"""The rules by which block RAM is counted, beside what Yosys maps."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from amaranth.back import rtlil

from rtl.__main__ import main
from rtl.axi.accelerator import System
from rtl.core.loading import LoadPlace
from rtl.core.shared_weight_memory import SharedWeightMemory
from rtl.core.weight_memory import WeightMemory
from rtl.flow.block_ram import BLOCKS, MemoryShape, memories
from rtl.flow.wrapper import RegisteredPins
from rtl.flow.yosys import LINE_BUFFERS, TOP, design_text, run_yosys
from sw_model.spec import uniform_network
from tests.random_deployment import random_deployment

SMALL = random_deployment(
    uniform_network("two channels", depth=4, channels=2, timesteps=(4,), weight_bits=4), 1
)


def mapped_blocks(text, cache):
    """Blocks that Yosys makes of each memory of a design, by the memory's name."""
    script = "\n".join(
        (
            "read_rtlil design.il",
            f"hierarchy -check -top {TOP}",
            "proc",
            LINE_BUFFERS,
            "flatten -noscopeinfo",
            f"synth_ecp5 -top {TOP} -run begin:map_ffs",
            "tee -q -o blocks.txt select -list t:DP16KD t:PDPW16KD",
        )
    )
    folder = run_yosys(text, script, cache, kind="memories")
    blocks = (folder / "blocks.txt").read_text().split()
    # Copy and part of the memory stand behind its name.
    return Counter(re.sub(r"\.\d+\.\d+$", "", name.replace("/", ".", 1)) for name in blocks)


def counted_blocks(text):
    return Counter({memory.name: memory.blocks for memory in memories(text) if memory.blocks})


def random_rows(rows, lanes):
    rng = random.Random(rows * lanes)
    return [[rng.randrange(-8, 8) for _ in range(lanes)] for _ in range(rows)]


# A second copy of the weights for the second engine.
def test_weights_of_two_engines_are_kept_once(tmp_path):
    weights = random_rows(70, 18)
    load = LoadPlace("hidden")
    shared = SharedWeightMemory(rows=weights, weight_bits=4, load=load, readers=2)
    alone = WeightMemory(rows=weights, weight_bits=4, load=load)
    totals = []
    for name, memory in (("shared", shared), ("alone", alone)):
        text = design_text(RegisteredPins({name: memory}))
        found = mapped_blocks(text, tmp_path)
        assert found == counted_blocks(text)
        totals.append(found.total())
    # Of 72 bits two chunks of 32 take 36 each, and what is left takes 9.
    assert totals[0] == 5
    assert totals[0] < 2 * totals[1]


def test_budget_is_what_yosys_maps(tmp_path, capsys):
    system = System(deployment=SMALL, engines=2)
    text = rtlil.convert(system, name=TOP, ports=system.ports, emit_src=False)
    found = mapped_blocks(text, tmp_path)
    assert found == counted_blocks(text)
    SMALL.save(tmp_path / "small.safetensors")
    arguments = ["--deployment", str(tmp_path / "small.safetensors"), "--engines", "2"]
    assert main(["system", *arguments, "--budget"]) == 0
    printed = capsys.readouterr().out
    assert f" {found.total()} of {BLOCKS['LFE5U-85F']} of LFE5U-85F" in printed
    for part in ("hidden weights, for all engines", "engine 1", "scatter in two cycles"):
        assert part in printed


@pytest.mark.parametrize(
    ("shape", "blocks"),
    [
        # A line buffer: 36 bits of 512 rows a block.
        (MemoryShape("", 160, 512, 1, True, (160,), ""), 5),
        # Constant weights: 18 bits of 1024 rows a block.
        (MemoryShape("", 576, 960, 1, True, (), ""), 32),
        # As three times 512 rows of 36 bits.
        (MemoryShape("", 576, 1025, 1, True, (), ""), 48),
        # Those that can be loaded: each chunk of 32 bits fills up 36.
        (MemoryShape("", 576, 960, 1, True, (32,) * 18, ""), 36),
        (MemoryShape("", 576, 960, 2, False, (32,) * 18, "block"), 36),
        # Few rows, or no register behind: tables of LUTs.
        (MemoryShape("", 64, 16, 1, True, (64,), ""), 0),
        (MemoryShape("", 64, 512, 1, False, (64,), ""), 0),
    ],
)
def test_blocks_of_a_memory(shape, blocks):
    assert shape.blocks == blocks

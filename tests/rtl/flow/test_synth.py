"""`python -m rtl synth`: a tiny network placed and routed, and what must stop it."""

import json
import re

import pytest
from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.__main__ import main
from rtl.core.layer_constants import LayerConstants
from rtl.core.scatter import Scatter
from rtl.core.weight_memory import WeightMemory
from rtl.flow.area import CONSTANT_LUTS, Area, ecp5_area, kept_area, measure_area, xc7_area
from rtl.flow.errors import SynthesisFailure
from rtl.flow.nextpnr import amaranth_name, critical_path, trim_carries
from rtl.flow.wrapper import RegisteredPins
from rtl.flow.yosys import LINE_BUFFERS, design_text, synthesise
from rtl.stream.vectors import gathered
from sim.simulators.bench import component_verilog
from sw_model.spec import configuration
from tests.random_deployment import random_deployment

MODULE = """\
module \\top
  wire input 1 \\a
  wire output 2 \\y
{cells}end
"""
LATCH = """\
  cell $dlatch $1
    parameter \\WIDTH 1
    parameter \\EN_POLARITY 1
    connect \\EN \\a
    connect \\D \\a
    connect \\Q \\y
  end
"""
LOOP = """\
  cell $xor $1
    parameter \\A_SIGNED 0
    parameter \\B_SIGNED 0
    parameter \\A_WIDTH 1
    parameter \\B_WIDTH 1
    parameter \\Y_WIDTH 1
    connect \\A \\a
    connect \\B \\y
    connect \\Y \\y
  end
"""


@pytest.mark.long
def test_tiny_network_is_placed_and_routed(tmp_path, capsys, monkeypatch):
    deployment = random_deployment(configuration("tiny"), seed=1)
    deployment.save(tmp_path / "tiny.safetensors")
    monkeypatch.chdir(tmp_path)
    frame = {
        "deployment": deployment.hash,
        "picture": "x.png",
        "height": 16,
        "width": 8,
        "timesteps": 4,
        "engines": 1,
        "cases": [{"name": "a", "theta": 0.5, "cycles": 4000, "useful_operations": 36000}],
    }
    (tmp_path / "frame.json").write_text(json.dumps(frame))
    arguments = ["synth", "--deployment", "tiny.safetensors", "--device", "LFE5U-25F"]
    arguments += ["--frame", "frame.json"]
    assert main([*arguments, "--busy", "0.5", "-o", "report.json"]) == 0
    text = capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["deployment"] == deployment.hash
    assert report["device"] == "LFE5U-25F"
    assert report["lanes"] == 36
    area = report["area"]
    # An adder and two registers a lane at least: what is fed and folded is not optimised away.
    lane_bits = max(layer.lane for layer in deployment.widths.layers[1:-1])
    assert area["LUT4"]["used"] > 36 * lane_bits
    assert area["flip-flops"]["used"] > 2 * 36 * lane_bits
    assert area["block RAM"]["used"] >= 1
    assert area["DSP"]["used"] <= 4
    assert report["lut4_per_useful_sop"] == pytest.approx(area["LUT4"]["used"] / 18, abs=0.01)
    # Yosys' netlist alone tells what nextpnr will count.
    (netlist,) = tmp_path.glob("build/synth/netlist-*/netlist.json")
    counted = ecp5_area(json.loads(netlist.read_text())["modules"]["top"])
    for name, count in (
        ("LUT4", counted.lut4 + CONSTANT_LUTS),
        ("flip-flops", counted.flip_flops),
        ("block RAM", counted.block_ram),
        ("DSP", counted.dsp),
    ):
        assert area[name]["used"] == count
    (placement,) = report["placements"]
    assert placement["fmax_mhz"] == report["fmax_mhz"] > 20
    (case,) = report["frame"]["cases"]
    assert case["frames_per_second"] == pytest.approx(report["fmax_mhz"] * 250, abs=0.001)
    # Three spiking layers of four channels.
    assert case["share_of_event_bound"] == pytest.approx(128 * (10 + 12 * 0.5) / 4000, abs=0.0001)
    assert case["lut4_per_useful_sop"] == pytest.approx(area["LUT4"]["used"] / 9, abs=0.01)
    path = placement["path"]
    assert 0 < path["routing"] < path["nanoseconds"] < 1000 / 20
    assert path["from"].startswith(("system.", "in_", "out_", "folded", "reset"))
    for expected in (f"{report['fmax_mhz']}", path["from"], path["to"], "CABGA381", "no latches"):
        assert expected in text
    # A damaged report of the placement is made again, from a netlist that is not damaged.
    (kept,) = netlist.parent.glob("LFE5U*.json")
    whole = kept.read_text()
    kept.write_text(whole[: len(whole) // 2])
    assert main([*arguments, "--busy", "0.5"]) == 0
    assert kept.read_text() == whole
    kept.write_text("[]")
    netlist.with_name("netlist-trimmed.json").unlink()
    netlist.write_bytes(b"\xff")
    capsys.readouterr()
    assert main([*arguments, "--busy", "0.5"]) == 1
    assert "netlist.json is damaged; delete" in capsys.readouterr().err


def test_seeds_are_placed_side_by_side(tmp_path, capsys, monkeypatch):
    random_deployment(configuration("tiny"), seed=1).save(tmp_path / "tiny.safetensors")
    monkeypatch.chdir(tmp_path)
    arguments = ["synth", "--deployment", "tiny.safetensors", "--device", "LFE5U-25F"]
    arguments += ["--component", "pixel_window", "--json"]
    reports = []
    for seeds in ("3,1,2", "1"):
        assert main([*arguments, "--seeds", seeds, "--jobs", "2"]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    placements = reports[0]["placements"]
    assert [placement["seed"] for placement in placements] == [3, 1, 2]
    reached = [placement["fmax_mhz"] for placement in placements]
    assert reports[0]["fmax_mhz"] == sorted(reached)[1]
    assert reports[1]["placements"] == placements[1:2]


@pytest.mark.parametrize("family", ["ecp5", "xc7"])
@pytest.mark.parametrize(
    ("cells", "found"), [(LATCH, "assert"), (LOOP, "check")], ids=["latch", "loop"]
)
def test_latch_or_loop_stops_it(cells, found, family, tmp_path):
    with pytest.raises(SynthesisFailure, match=f"(?i){found}"):
        synthesise(MODULE.format(cells=cells), device_family=family, cache=tmp_path)


# The same component on another family: area by its own cells, and no word on speed.
def test_area_on_amds_7_series(tmp_path, capsys, monkeypatch):
    random_deployment(configuration("tiny"), seed=1).save(tmp_path / "tiny.safetensors")
    monkeypatch.chdir(tmp_path)
    arguments = ["synth", "--deployment", "tiny.safetensors", "--device", "xc7"]
    assert main([*arguments, "--component", "pixel_window", "-o", "report.json"]) == 0
    text = capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    area = {name: cells["used"] for name, cells in report["area"].items()}
    assert area["LUTs"] == sum(area[f"LUT{inputs}"] for inputs in range(1, 7)) > 0
    assert area["flip-flops"] > report["wrapper_bits"]
    assert area["CARRY4"] > 0
    assert area["other cells"] == 0
    assert report["fmax_mhz"] is None
    assert "timing      not available" in text
    assert "MHz" not in text
    for name in ("LUT6", "RAMB18", "RAMB36", "DSP48"):
        assert name in text


def test_cells_of_the_7_series_are_counted_by_resource():
    area = xc7_area({"INV": 2, "LUT1": 1, "LUT6": 4, "RAM64M": 2, "SRL16E": 1, "FDSE": 5, "ODD": 1})
    assert (area["LUT1"], area["LUTs"], area["LUTs as RAM or shift register"]) == (3, 7, 9)
    assert (area["flip-flops"], area["other cells"]) == (5, 1)


def test_wrapper_feeds_and_folds_every_bit():
    memory = WeightMemory(rows=[[1, 2], [3, -4]], weight_bits=4)
    wrapper = RegisteredPins({"memory": memory})
    # Row, present, last, valid; two weights, take, last.
    assert wrapper.bits == 1 + 1 + 1 + 1 + 8 + 1 + 1
    text = design_text(wrapper)  # which Amaranth wants of whatever was made
    assert "\\feed" in text
    assert "\\folded" in text


class _Gathering(wiring.Component):
    """Three numbers side by side."""

    numbers: In(data.ArrayLayout(4, 3))
    choice: In(1)
    vector: Out(12)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.vector.eq(gathered([*self.numbers], self.choice))
        return m


# Written as a continuous assignment it would cost Icarus most of its time, and as logic, area.
def test_gathering_is_a_process_and_no_logic(tmp_path):
    (text,) = component_verilog(_Gathering(), "gathering").values()
    assert "assign vector" not in text
    assert text.count("always @*") == 1
    text = design_text(_Gathering())
    assert measure_area(text, cache=tmp_path) == Area()
    # A cached result is used, and made again if it is damaged.
    (kept,) = tmp_path.glob("area-*/area.json")
    whole = kept.read_text()
    kept.write_text(json.dumps(json.loads(whole) | {"lut4": 7}))
    assert measure_area(text, cache=tmp_path) == Area(lut4=7)
    for damaged in (whole[:9], "[" * 9999, "[]", '{"lut4": "7"}', '{"lut4": NaN}', '{"x": 1}'):
        kept.write_text(damaged)
        assert kept_area(kept.parent) is None
    kept.write_bytes(b"\xff")
    assert measure_area(text, cache=tmp_path) == Area()
    assert kept.read_text() == whole


def test_parts_of_an_array_are_not_named_as_bits_of_a_wire():
    deployment = random_deployment(configuration("tiny"), seed=1)
    text = design_text(LayerConstants(deployment=deployment))
    assert "<0>" in text
    assert not re.search(r"\\\S*\[", text)


def test_line_buffers_have_the_names_that_synthesis_knows_them_by():
    scatter = Scatter(channels=1, lane_bits=4, sum_bits=8, max_width=4, max_timesteps=2)
    read = re.findall(r"cell \$memrd_v2 .*\n +parameter \\MEMID \"(.*)\"", design_text(scatter))
    clocked = [name for name in read if "line_" in name]
    assert "*line_*" in LINE_BUFFERS
    assert len(read) == 4
    assert len(clocked) == 2


def test_names_of_cells_become_names_of_signals():
    assert amaranth_name("datapath_0.group_1.scatter.rows_TRELLIS_FF_Q_12") == (
        "datapath_0.group_1.scatter.rows"
    )
    assert amaranth_name("array.lane_3.sum_CCU2C_S0_2_COUT") == "array.lane_3.sum"


def test_only_carries_that_nothing_takes_are_left_open():
    def carry(taken_from, given_to):
        return {"type": "CCU2C", "connections": {"CIN": [taken_from], "COUT": [given_to]}}

    cells = {"a": carry("0", 2), "b": carry(2, 3), "c": carry("0", 4)}
    trim_carries({"cells": cells, "ports": {"y": {"bits": [4]}}})
    assert [cell["connections"]["COUT"] for cell in cells.values()] == [[2], ["x"], [4]]


def test_critical_path_is_the_slowest_between_registers():
    def path(begin, end, delay):
        step = {
            "delay": delay,
            "type": "routing",
            "net": "a.b",
            "from": {"cell": "x.q_TRELLIS_FF_Q"},
            "to": {"cell": "x.d_TRELLIS_FF_Q_1"},
        }
        return {"from": begin, "to": end, "path": [step]}

    paths = [path("<async>", "posedge clk", 9), path("posedge clk", "posedge clk", 3)]
    assert critical_path(paths) == {
        "from": "x.q",
        "to": "x.d",
        "nanoseconds": 3,
        "routing": 3,
        "through": ["a.b"],
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--device", "XC7A100T"], "--device 'XC7A100T' is none of LFE5U-25F"),
        (["--speed", "9"], "--speed 9 is none of 6, 7, 8"),
        (["--engines", "0"], "--engines 0 is not 1 to 2"),
        (["--engines", "3"], "--engines 3 is not 1 to 2"),
        (["--engines", "17", "--max-size", "8,8"], "--engines 17 is not 1 to 16"),
        (["--device", "xc7", "--frame", "x.json"], "--device xc7 has no clock frequency"),
        (["--seeds", "1,1"], "--seeds '1,1' is not a list of different integers"),
        (["--seeds", "0,-1"], "--seeds '0,-1' is not a list of different integers"),
        (["--seed", "-1"], "--seed -1 is not 0 to 2147483647"),
        (["--seed", "2147483648"], "--seed 2147483648 is not 0 to 2147483647"),
        (["--jobs", "0"], "--jobs 0 is not 1 to 256"),
        (["--seeds", "1", "--seed", "2"], "--seed and --seeds exclude each other"),
        (["--component", "event_encoder", "--engines", "2"], "--component goes with neither"),
        (["--device", "xc7", "--speed", "8"], "--device xc7 is not placed"),
        (["--device", "xc7", "--seed", "0"], "--device xc7 is not placed"),
        (["--component", "nothing"], "invalid choice: 'nothing'"),
        (["--busy", "2"], "--busy 2.0 is not a share above 0 and up to 1"),
        (["--max-size", "0,1"], "--max-size '0,1' is not a size H,W"),
        (["--frame", "x.json", "--max-size", "8,8"], "--frame goes with neither --component nor"),
        (["--frame", "nowhere.json"], "nowhere.json does not exist; give a file that"),
        (["-o", "nowhere/report.json"], "cannot write nowhere/report.json"),
    ],
)
def test_mistakes_get_one_sentence(arguments, sentence, capsys):
    assert main(["synth", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


CASE = {"name": "a", "theta": 1.0, "cycles": 1, "useful_operations": 1}
FRAME = {
    **dict.fromkeys(["height", "width", "timesteps", "engines"], 1),
    "deployment": "0" * 64,
    "picture": "x.png",
    "cases": [CASE],
}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[]", "(it holds other content)"),
        ("{", "frame.json cannot be read as figures of a frame (Expecting property name"),
        ("[" * 99_999, "frame.json cannot be read as figures of a frame (its lists and objects"),
        ('{"cases": []}', "(it holds other content)"),
        *(
            (json.dumps(FRAME | {"cases": cases}), "cannot be read as figures of a frame")
            for cases in (
                1,
                [],
                [1],
                [CASE | {"cycles": 0}],
                [CASE | {"cycles": float("inf")}],
                [CASE | {"cycles": 1.5}],
                [CASE | {"cycles": 10**400}],
                [CASE | {"theta": "1"}],
                [CASE | {"theta": float("nan")}],
                [CASE | {"useful_operations": float("inf")}],
                [CASE | {"name": 1}],
            )
        ),
        *(
            (json.dumps(FRAME | entry), "(it holds other content)")
            for entry in (
                {"deployment": 1},
                {"height": "a"},
                {"height": None},
                {"height": -3},
                {"width": 0},
                {"width": True},
                {"timesteps": 1.5},
                {"engines": "1"},
            )
        ),
        (json.dumps(FRAME), "is of deployment 0000000000000000, not of"),
    ],
)
def test_figures_of_another_frame_are_refused(content, sentence, tmp_path, capsys):
    file = tmp_path / "frame.json"
    file.write_text(content)
    assert main(["synth", "--frame", str(file)]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "sim frame --predict --figures" in error
    assert error.count("\n") == 1

"""What `python -m rtl board` writes, and that the tools take the board's pins."""

from __future__ import annotations

import hashlib
import json
import re
from types import SimpleNamespace

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.__main__ import main
from rtl.board import ulx3s
from rtl.board.sdram import SdramController, SdramSignature
from rtl.board.ulx3s_pins import OSCILLATOR_MHZ, PINS, constraints
from rtl.flow.verilog import verilog_tools
from rtl.flow.yosys import check_tools
from sw_model.spec.hardware.serial import BAUD
from tests.rtl.networks import NETWORKS

DEPLOYMENT = NETWORKS["one"].deployment


@pytest.fixture
def deployment(tmp_path):
    path = tmp_path / "one.safetensors"
    DEPLOYMENT.save(path)
    return str(path)


def test_files_are_complete_and_the_same_again(deployment, tmp_path, capsys):
    texts = []
    for name in ("first", "second"):
        folder = tmp_path / name
        assert main(["board", "--deployment", deployment, "-o", str(folder)]) == 0
        assert DEPLOYMENT.hash[:16] in capsys.readouterr().out
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["deployment"] == DEPLOYMENT.hash
        assert manifest["routed"] is None
        assert manifest["tools"] == verilog_tools()
        for file, digest in manifest["sha256"].items():
            assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
        texts.append((folder / "spiking_dncnn_ulx3s.v").read_text())
        assert (folder / "ulx3s.lpf").read_text() == constraints()
    assert texts[0] == texts[1]
    header = re.search(r"module spiking_dncnn_ulx3s\((.*?)\);", texts[0], re.S)
    assert {name.strip() for name in header[1].split(",")} == set(PINS)


def test_every_pin_has_a_site_of_its_own():
    sites = [site for pin in PINS.values() for site in pin.sites.split()]
    assert len(sites) == len(set(sites)) == 58
    text = constraints()
    # As the board's constraints have them.
    for port, site in (
        ("clk_25mhz", "G2"),
        ("ftdi_rxd", "L4"),
        ("ftdi_txd", "M1"),
        ("btn[1]", "R1"),
        ("led[7]", "H3"),
        ("sdram_a[12]", "G19"),
        ("sdram_d[15]", "J17"),
    ):
        assert f'LOCATE COMP "{port}" SITE "{site}";' in text
    assert 'IOBUF PORT "btn[0]" PULLMODE=UP IO_TYPE=LVCMOS33;' in text


class OnlyPins(wiring.Component):
    """In the board's place: a memory controller that nobody uses, so that routing takes seconds."""

    def __init__(self, *, mhz: int, **rest: object):
        self.system = SimpleNamespace(columns=64)
        self._controller = SdramController(mhz=mhz)
        flags = ("ready", "receiving", "running", "answering", "failed")
        super().__init__(
            {
                "receive": In(1),
                "transmit": Out(1),
                "pins": Out(SdramSignature()),
                **{name: Out(1) for name in flags},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.controller = controller = self._controller
        wiring.connect(m, wiring.flipped(self.pins), controller.pins)
        m.d.sync += self.transmit.eq(self.receive)
        m.d.comb += [
            self.ready.eq(controller.ready),
            controller.bus.write.awvalid.eq(self.receive),
            controller.bus.write.wvalid.eq(self.receive),
            controller.bus.read.arvalid.eq(self.receive),
            self.failed.eq(controller.bus.read.rdata.xor()),
        ]
        return m


def test_pins_are_routed_and_packed(deployment, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ulx3s, "Board", OnlyPins)
    monkeypatch.chdir(tmp_path)
    assert main(["board", "--deployment", deployment, "--route", "-o", "board"]) == 0
    out = capsys.readouterr().out
    manifest = json.loads((tmp_path / "board" / "manifest.json").read_text())
    assert manifest["tools"] == verilog_tools() | check_tools()
    used = manifest["routed"]["used"]
    assert used["TRELLIS_IO"] == 58
    # A register in every pin of the SDRAM but its clock enable and chip select.
    assert used["IOLOGIC"] == 37
    assert used["EHXPLLL"] == 1
    assert manifest["routed"]["fmax_mhz"] >= 50
    assert f"{manifest['routed']['fmax_mhz']} MHz for a clock of 50 MHz" in out
    bitstream = (tmp_path / "board" / "spiking_dncnn_ulx3s.bit").read_bytes()
    assert b"LFE5U-85F" in bitstream[:200]


def test_clock_that_is_not_reached_is_told(deployment, tmp_path, monkeypatch, capsys):
    # What the tools made for another clock is not written.
    monkeypatch.setattr(
        "rtl.generate.board.synthesise", lambda design, *, cache: tmp_path / "nothing"
    )
    placement = SimpleNamespace(fmax_mhz=41.234)
    monkeypatch.setattr(
        "rtl.generate.board.place_and_pack", lambda folder, **options: (placement, b"")
    )
    monkeypatch.setattr(ulx3s, "Board", OnlyPins)
    folder = tmp_path / "board"
    assert main(["board", "--deployment", deployment, "--route", "-o", str(folder)]) == 1
    error = capsys.readouterr().err
    assert "the board's clock of 50 MHz is not reached: 41.23 MHz with seed 0" in error
    assert not folder.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--clock-mhz", "60"],
            "clock of 60 MHz cannot be made by the board's PLL; give one of 25, 50, 75, 100 MHz",
        ),
        (["--baud", "0"], "line rate of 0 bits per second cannot be made from 50 MHz"),
        (["--baud", "9000000"], "line rate of 9000000 bits per second cannot be made"),
        (["--baud", "20000000"], "give one up to 12500000"),
        (["--seed", "-1"], "--seed -1 is not 0 to 2147483647"),
        (["--deployment", "nothing"], "'nothing'"),
    ],
)
def test_mistakes_get_one_sentence(arguments, sentence, tmp_path, capsys):
    assert main(["board", *arguments, "-o", str(tmp_path / "board")]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize("mhz", ulx3s.CLOCKS_MHZ)
def test_every_clock_divides_the_plls(mhz):
    assert ulx3s.VCO_MHZ % mhz == mhz % OSCILLATOR_MHZ == 0
    for baud in (115_200, BAUD):
        ulx3s.check_clocks(mhz, baud)

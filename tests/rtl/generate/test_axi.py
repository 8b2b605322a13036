"""What `python -m rtl system` writes."""

from __future__ import annotations

import hashlib
import json

import pytest

from rtl.__main__ import main
from rtl.flow.verilog import verilog_tools
from rtl.generate.header import c_header
from tests.rtl.networks import NETWORKS


def test_files_are_complete_and_the_same_again(tmp_path, capsys):
    deployment = NETWORKS["tiny"].deployment
    deployment.save(tmp_path / "tiny.safetensors")
    arguments = ["system", "--deployment", str(tmp_path / "tiny.safetensors")]
    texts = []
    for name in ("first", "second"):
        folder = tmp_path / name
        assert main([*arguments, "-o", str(folder)]) == 0
        assert deployment.hash[:16] in capsys.readouterr().out
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["deployment"] == deployment.hash
        for file, digest in manifest["sha256"].items():
            assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
        texts.append((folder / "spiking_dncnn_system.v").read_text())
        assert (folder / "spiking_dncnn.h").read_text() == c_header()
    assert texts[0] == texts[1]
    # Names that tools know AXI by.
    for port in ("m_axi_awaddr", "m_axi_rdata", "s_axi_wstrb", "irq"):
        assert f" {port};" in texts[0]


def test_two_engines_have_a_port_each(tmp_path):
    NETWORKS["one"].deployment.save(tmp_path / "one.safetensors")
    arguments = ["--deployment", str(tmp_path / "one.safetensors"), "--engines", "2"]
    assert main(["system", *arguments, "-o", str(tmp_path / "out")]) == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["engines"] == 2
    assert manifest["tools"] == verilog_tools()
    assert manifest["memory_ports"] == ["m0_axi", "m1_axi"]
    text = (tmp_path / "out" / "spiking_dncnn_system.v").read_text()
    for port in ("m0_axi_awaddr", "m1_axi_awaddr", "s_axi_wstrb", "irq"):
        assert f" {port};" in text
    assert " m_axi_awaddr;" not in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--engines", "3", "--budget"], "engines 3 is not 1 to 2"),
        ([], "give either --output DIR or --budget"),
        (["--budget", "-o", "out"], "give either --output DIR or --budget"),
    ],
)
def test_mistakes_get_one_sentence(arguments, sentence, capsys):
    assert main(["system", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1

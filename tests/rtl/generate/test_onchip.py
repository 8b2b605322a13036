"""What `python -m rtl generate` writes."""

import gc
import json
import os
import re
import subprocess
import sys
from hashlib import sha256

import pytest

from rtl.__main__ import main
from rtl.flow.verilog import verilog_tools
from rtl.generate.onchip import generate
from sw_model.spec import Deployment, configuration, weight_row
from sw_model.support.files import MARKER
from tests import ROOT
from tests.random_deployment import random_deployment


@pytest.fixture
def deployment() -> Deployment:
    return random_deployment(configuration("tiny"), seed=1)


def test_same_input_gives_same_bytes_in_another_process_and_folder(deployment, tmp_path):
    deployment.save(tmp_path / "tiny.safetensors")
    contents = []
    for seed in ("1", "2"):
        folder = tmp_path / f"run{seed}"
        command = [sys.executable, "-m", "rtl", "generate", "--max-size", "3,5"]
        command += ["--deployment", str(tmp_path / "tiny.safetensors"), "-o", str(folder)]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents.append([(path.relative_to(folder), path.read_bytes()) for path in files])
    assert contents[0] == contents[1]


def test_manifest_names_the_deployment_and_every_file(deployment, tmp_path):
    generate(deployment, max_height=3, max_width=5, folder=tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["deployment"] == deployment.hash
    assert (manifest["max_height"], manifest["max_width"]) == (3, 5)
    assert manifest["tools"] == verilog_tools()
    written = {
        str(path.relative_to(tmp_path / "out")): sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and path.name not in ("manifest.json", MARKER)
    }
    assert manifest["sha256"] == written
    assert len(written) == 8


def test_verilog_names_the_deployment_and_no_path(deployment, tmp_path):
    verilog = generate(deployment, max_height=3, max_width=5, folder=tmp_path / "out").read_text()
    assert deployment.hash in verilog.splitlines()[0]
    assert str(ROOT) not in verilog
    assert "src =" not in verilog


def test_memory_files_hold_what_the_verilog_initialises_its_memories_with(deployment, tmp_path):
    verilog = generate(deployment, max_height=3, max_width=5, folder=tmp_path / "out").read_text()
    for name in ("group_0.weight_memory", "output_weights", "layer_constants"):
        module = re.search(
            rf"^module \\spiking_dncnn\.datapath\.{name}\.memory .*?^endmodule",
            verilog,
            re.M | re.S,
        )
        assert module is not None
        rows = re.findall(r"rows\[\d+\] = \d+'(h[0-9a-f]+|d\d+);", module[0])
        values = [int(row[1:], 16 if row[0] == "h" else 10) for row in rows]
        file = {
            "group_0.weight_memory": "hidden_weights_0",
            "layer_constants": "neuron_constants",
        }.get(name, name)
        lines = (tmp_path / f"out/memory/{file}.hex").read_text().split()
        assert values == [int(line, 16) for line in lines]
        assert any(values)


def test_hidden_weight_rows_follow_layer_and_channel(deployment, tmp_path):
    generate(deployment, max_height=1, max_width=1, folder=tmp_path / "out")
    lines = (tmp_path / "out/memory/hidden_weights_0.hex").read_text().split()
    channels = deployment.spec.channels
    assert len(lines) == 2 * channels
    row = int(lines[channels + 2], 16)  # layer 2, input channel 2; four bits a weight
    expected = weight_row(deployment.weights[2], 2)
    assert [(row >> 4 * lane & 15) - (row >> 4 * lane & 8) * 2 for lane in range(36)] == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--max-size", "0,5"], "--max-size '0,5' is not a size H,W of two integers of 1 or more"),
        (["--max-size", "30000,30000"], "maximum frame 30000x30000 of the hardware has more than"),
        (["--max-size", "wide"], "--max-size 'wide' is not a size H,W"),
        (["--deployment", "nothing"], "deployment 'nothing' is neither a file nor a shipped name"),
    ],
)
def test_mistakes_get_one_sentence_and_write_nothing(arguments, sentence, tmp_path, capsys):
    assert main(["generate", *arguments, "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    gc.collect()  # complaints of objects that were made in vain come when they go
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_left_alone(deployment, tmp_path, capsys):
    deployment.save(tmp_path / "tiny.safetensors")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("precious")
    arguments = ["--deployment", str(tmp_path / "tiny.safetensors"), "-o", str(tmp_path / "out")]
    assert main(["generate", *arguments]) == 2
    assert "it holds other files" in capsys.readouterr().err
    assert (tmp_path / "out/thesis.txt").read_text() == "precious"


def test_its_own_folder_is_replaced(deployment, tmp_path):
    generate(deployment, max_height=1, max_width=1, folder=tmp_path / "out")
    generate(deployment, max_height=2, max_width=1, folder=tmp_path / "out")
    assert json.loads((tmp_path / "out/manifest.json").read_text())["max_height"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]

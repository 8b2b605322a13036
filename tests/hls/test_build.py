"""The project that ``python -m hls build`` writes, and what it refuses."""

import json
import re
import shutil
import subprocess
import sys
import uuid

import numpy as np
import pytest

from hls.__main__ import main
from hls.build import write_project
from hls.compile import PROJECT, compile_project, simulate_frames
from hls.errors import CompileFailure
from sw_model.spec import uniform_network
from tests import ROOT
from tests.random_deployment import random_deployment
from tests.rtl.networks import NETWORKS

from .networks import FEW_FAULTS


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("deployment") / "tiny.safetensors"
    NETWORKS["tiny"].deployment.save(path)
    return str(path)


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_file):
    folder = tmp_path_factory.mktemp("hls") / "project"
    arguments = ["build", "--deployment", tiny_file, "--size", "3,4", "--timesteps", "2"]
    assert main([*arguments, "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def few_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("deployment") / "few.safetensors"
    FEW_FAULTS.save(path)
    return str(path)


@pytest.fixture(scope="module")
def few_project(tmp_path_factory, few_file):
    folder = tmp_path_factory.mktemp("hls") / "project"
    arguments = ["build", "--deployment", few_file, "--size", "3,5"]
    assert main([*arguments, "-o", str(folder)]) == 0
    return folder


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_same_input_gives_same_files(project, tiny_file, tmp_path):
    arguments = ["build", "--deployment", tiny_file, "--size", "3,4", "--timesteps", "2"]
    assert main([*arguments, "-o", str(tmp_path / "again")]) == 0
    assert contents(tmp_path / "again") == contents(project)


# hls4ml's random stamp, which YAML quotes if it reads like a number.
def test_a_stamp_of_digits_gives_the_same_files(project, tiny_file, tmp_path, monkeypatch):
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=0x12345678))
    arguments = ["build", "--deployment", tiny_file, "--size", "3,4", "--timesteps", "2"]
    assert main([*arguments, "-o", str(tmp_path / "again")]) == 0
    assert contents(tmp_path / "again") == contents(project)


def test_no_absolute_path(project):
    known = (str(project.parent).encode(), str(ROOT).encode(), sys.prefix.encode())
    for name, content in contents(project).items():
        assert not any(path in content for path in known), name
        if not name.startswith("firmware/ap_types"):
            assert not re.search(rb"[\"' ]/(home|root|tmp|work|usr|opt)/", content), name


def test_manifest_says_what_it_was_made_from(project):
    manifest = json.loads((project / "manifest.json").read_text())
    assert manifest["deployment"] == NETWORKS["tiny"].deployment.hash
    assert manifest["size"] == [3, 4]
    assert manifest["timesteps"] == 2
    assert manifest["reuse_factor"] == 4


def test_manifest_of_a_network_of_few_spikes(few_project, project):
    manifest = json.loads((few_project / "manifest.json").read_text())
    assert manifest["size"] == [3, 5]
    assert manifest["timesteps"] == 4
    assert (manifest["code"], manifest["planes"], manifest["colours"]) == ("binary", 2, 1)
    assert manifest["noise_levels"] == {"low": 0, "high": 55, "units_per_grey_level": 16}
    assert "code" not in json.loads((project / "manifest.json").read_text())


def test_the_noise_level_is_a_port(few_project):
    top = (few_project / "firmware/spiking_dncnn.cpp").read_text()
    assert "INTERFACE axis port=pixels,level,layer" in top
    types = (few_project / "firmware/defines.h").read_text()
    (level,) = re.findall(r"hls::stream<(\w+)> &level,", top)
    assert f"typedef nnet::array<ap_uint<12>, 1*1> {level};" in types


def test_a_missing_noise_level_is_found(few_project):
    program = compile_project(few_project)
    with pytest.raises(CompileFailure, match="the noise level is missing"):
        simulate_frames(program, [np.zeros((3, 5), dtype=int)], layer_digits=1)


def test_widths_of_a_network_of_few_spikes(few_project):
    deployment, steps = FEW_FAULTS, 4
    config = (few_project / "firmware/parameters.h").read_text()
    layers = deployment.widths.layers
    for kind, expected in (
        (r"ap_int<(\d+)> accum_t", [layer.sum for layer in layers]),
        (r"ap_int<(\d+)> membrane_t", [layer.membrane for layer in layers[:-1]]),
        (r"ap_uint<(\d+)> value_t", [layer.threshold + steps - 1 for layer in layers[:-1]]),
        (r"ap_int<(\d+)> bias_t", [layer.bias for layer in layers[:-1]]),
    ):
        assert [int(bits) for bits in re.findall(kind, config)] == expected


# The golden model has no such network that the project could be compared with.
def test_planes_in_code_rate_are_refused(tmp_path, capsys):
    spec = uniform_network("rate", depth=3, channels=2, timesteps=(2,), planes=2, inputs=4)
    random_deployment(spec, 1).save(tmp_path / "rate.safetensors")
    folder = tmp_path / "project"
    deployment = str(tmp_path / "rate.safetensors")
    assert main(["build", "--deployment", deployment, "-o", str(folder)]) == 2
    assert capsys.readouterr().err.endswith(
        "network 'rate' has code rate, 4 input planes and one noise level; an HLS project of code "
        "rate is for code rate, 1 plane and one noise level\n"
    )
    assert not folder.exists()


def test_synthesis_and_simulation_have_the_same_weights(project):
    # The text files are what C simulation reads, the headers what is synthesised.
    headers = sorted((project / "firmware/weights").glob("*.h"))
    assert len(headers) == 4 + 3 * 3 + 1
    for header in headers:
        table = re.search(r"= \{(.*)\};", header.read_text()).group(1)
        assert table == header.with_suffix(".txt").read_text()


def test_weights_are_those_of_the_deployment(project):
    weight = NETWORKS["tiny"].deployment.weights[1]
    headers = (project / "firmware/parameters.h").read_text()
    name = re.findall(r'"weights/(weight\d+)\.h"', headers)[1]
    numbers = (project / f"firmware/weights/{name}.txt").read_text().split(",")
    # (out, in, ky, kx) to a row an input channel, of the taps, of the output channels.
    rows = weight.transpose(1, 2, 3, 0).reshape(-1)
    assert [int(number) for number in numbers] == rows.tolist()


def test_widths_are_derived(project):
    widths = NETWORKS["tiny"].deployment.widths.layers
    config = (project / "firmware/parameters.h").read_text()
    for kind, field in (("accum_t", "sum"), ("current_t", "current"), ("membrane_t", "membrane")):
        found = [int(bits) for bits in re.findall(rf"typedef ap_int<(\d+)> {kind};", config)]
        layers = widths if kind == "accum_t" else widths[:-1]
        assert found == [getattr(layer, field) for layer in layers]


def test_pragmas(project):
    top = (project / f"firmware/{PROJECT}.cpp").read_text()
    assert "#pragma HLS DATAFLOW" in top
    assert "#pragma HLS INTERFACE axis port=pixels" in top
    depths = [
        int(depth) for depth in re.findall(r"#pragma HLS STREAM variable=\w+ depth=(\d+)", top)
    ]
    # Pixels wait for four layers of one row and one pixel each, here as long as the frame is.
    assert max(depths) == 12
    assert min(depths) == 2


def test_registration_twice_leaves_one_and_the_rest_alone():
    from hls4ml.converters.pytorch_to_hls import layer_handlers
    from hls4ml.model.layers import layer_map

    from hls.register import register

    code = (
        "from hls4ml.converters.pytorch_to_hls import layer_handlers as h\n"
        "from hls4ml.model.layers import layer_map as m\n"
        "before = dict(h), dict(m)\n"
        "from hls.register import register\n"
        "register(); once = dict(h), dict(m)\n"
        "register(); twice = dict(h), dict(m)\n"
        "assert once == twice\n"
        "assert all(a.items() <= b.items() for a, b in zip(before, once))\n"
        "from hls.parsers import HANDLERS\n"
        "assert {'FrozenConv', 'FrozenLIF', 'FrozenResidual'} < set(HANDLERS)\n"
        "assert set(HANDLERS) == set(once[0]) - set(before[0])\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    register()
    assert "FrozenLIF" in layer_handlers
    assert "SpikingNeurons" in layer_map


def test_a_layer_of_our_name_is_not_overwritten(monkeypatch):
    from hls4ml.model.layers import layer_map

    from hls.register import register

    monkeypatch.setitem(layer_map, "SpikingNeurons", object())
    with pytest.raises(ValueError, match="already has another layer 'SpikingNeurons'"):
        register()


def test_warning_in_our_code_fails_the_build(project, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    kernel = folder / "firmware/nnet_utils/nnet_spiking_lif.h"
    kernel.write_text(kernel.read_text().replace("data_T sums;", "data_T sums; int unused;"))
    with pytest.raises(CompileFailure, match=r"nnet_spiking_lif\.h.*unused"):
        compile_project(folder)


def test_pixels_that_do_not_fit_are_found(project):
    program = compile_project(project)
    with pytest.raises(CompileFailure, match="pixels unread"):
        simulate_frames(program, [np.zeros((3, 5), dtype=int)], layer_digits=1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--size", "0,4"], "--size '0,4' is not a size H,W of two integers of 1 or more"),
        (["--size", "4"], "--size '4' is not a size"),
        (
            ["--reuse-factor", "3"],
            "reuse factor 3 does not divide the 4 channels; give one of 1, 2, 4",
        ),
        (["--timesteps", "7"], "T = 7 is not allowed by this deployment; it allows 2, 3"),
        (["--clock", "0"], "--clock 0 is not a period above 0 ns"),
    ],
)
def test_mistakes_are_told_in_a_sentence(tiny_file, tmp_path, capsys, arguments, sentence):
    folder = tmp_path / "project"
    assert main(["build", "--deployment", tiny_file, *arguments, "-o", str(folder)]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_wrong_reuse_factor_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(Exception, match="reuse factor 5 does not divide"):
        write_project(
            NETWORKS["tiny"].deployment, size=(2, 2), timesteps=2, reuse_factor=5, folder=tmp_path
        )
    assert not list(tmp_path.iterdir())

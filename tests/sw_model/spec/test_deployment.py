"""Deployment files: what is written is read back, and nothing damaged or wrong is ever loaded."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from sw_model.spec import (
    UsageError,
    configuration,
    load_deployment,
    uniform_network,
)
from tests.random_deployment import random_deployment


@pytest.fixture
def tiny():
    return random_deployment(configuration("tiny"), 3, with_init=True)


@pytest.fixture
def file(tiny, tmp_path):
    path = tmp_path / "tiny.safetensors"
    tiny.save(path)
    return path


@pytest.fixture
def small_file(tmp_path):
    """As small as a network can be, for damage in every byte."""
    path = tmp_path / "small.safetensors"
    random_deployment(uniform_network("small", depth=3, channels=1, timesteps=(1,)), 4).save(path)
    return path


def header_length(content):
    return 8 + struct.unpack("<Q", content[:8])[0]


def rewritten(path, tensors=None, **description):
    """Rewrite a file with other tensors or another description, its hash left as it is."""
    content = path.read_bytes()
    header = json.loads(content[8 : header_length(content)])
    stored = json.loads(header["__metadata__"]["deployment"]) | description
    path.write_bytes(save(tensors or load(content), {"deployment": json.dumps(stored)}))
    return path


def same(one, other):
    return (
        one.spec == other.spec
        and one.provenance == other.provenance
        and all((array == other.tensors()[name]).all() for name, array in one.tensors().items())
    )


@pytest.mark.parametrize("name", ["tiny", "compact", "full"])
def test_round_trip(name, tmp_path):
    deployment = random_deployment(configuration(name), 1, with_init=True)
    path = tmp_path / "a.safetensors"
    deployment.save(path)
    loaded = load_deployment(path)
    assert same(loaded, deployment)
    assert loaded.hash == deployment.hash
    assert loaded.widths == deployment.widths
    loaded.save(tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() == path.read_bytes()


def test_hash_covers_every_number(tiny):
    # Two deployments of different behaviour or origin must never share a hash.
    hashes = {tiny.hash, replace(tiny, provenance={"source": "else"}).hash}
    hashes.add(replace(tiny, spec=replace(tiny.spec, name="other")).hash)
    hashes.add(replace(tiny, mults=tiny.mults + np.uint16(1)).hash)
    kinds = ("weights", "biases", "thresholds", "inits", "scales")
    for kind in kinds:
        arrays = list(getattr(tiny, kind))
        arrays[1] = arrays[1].copy()
        arrays[1].flat[-1] += 1 if arrays[1].flat[-1] < 7 else -1
        hashes.add(replace(tiny, **{kind: tuple(arrays)}).hash)
    assert len(hashes) == 4 + len(kinds)


def test_hash_is_the_documented_one(tiny):
    description = {
        "format": 1,
        "provenance": tiny.provenance,
        "spec": tiny.spec.to_dict(),
    }
    text = json.dumps(description, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode())
    for name in sorted(tiny.tensors()):
        array = tiny.tensors()[name]
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    assert tiny.hash == digest.hexdigest()


def test_damage_in_any_byte_of_the_tensors_is_noticed(small_file):
    content = small_file.read_bytes()
    start = header_length(content)
    for position in range(start, len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        small_file.write_bytes(damaged)
        with pytest.raises(UsageError, match=r"is damaged|holds|needs"):
            load_deployment(small_file)


def test_damage_in_any_byte_of_the_header_is_noticed_or_harmless(small_file):
    # A flip either is noticed, in one sentence, or hits what means nothing, such as padding.
    content = small_file.read_bytes()
    original = load_deployment(small_file)
    noticed = 0
    for position in range(header_length(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        small_file.write_bytes(damaged)
        try:
            assert same(load_deployment(small_file), original)
        except UsageError:
            noticed += 1
    assert noticed > 0.98 * header_length(content)


@pytest.mark.parametrize("part", [0, 1, 7, 8, 100, 0.5, -1])
def test_truncated_files(file, part):
    content = file.read_bytes()
    file.write_bytes(content[: int(part * len(content)) if isinstance(part, float) else part])
    with pytest.raises(UsageError, match="cannot be read as a deployment"):
        load_deployment(file)


def test_other_files_are_not_deployments(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a deployment, but long enough to have a header of some length")
    with pytest.raises(UsageError, match="cannot be read as a deployment"):
        load_deployment(text)
    plain = tmp_path / "plain.safetensors"
    plain.write_bytes(save({"weight.00": np.zeros(3)}))
    with pytest.raises(UsageError, match="cannot be read as a deployment"):
        load_deployment(plain)
    plain.write_bytes(save({"weight.00": np.zeros(3)}, {"deployment": "[]"}))
    with pytest.raises(UsageError, match="cannot be read as a deployment"):
        load_deployment(plain)


@pytest.mark.parametrize(
    ("description", "complaint"),
    [
        ("[" * 100_000, "more than 50 deep"),
        ('{"provenance": NaN}', "NaN is no number"),
        ('"\\ud800"', "surrogates not allowed"),
        ('{"hash": 1, "format": 1, "provenance": 7, "spec": 2}', "'int' object is not iterable"),
    ],
)
def test_odd_descriptions_are_refused(tmp_path, description, complaint):
    path = tmp_path / "a.safetensors"
    path.write_bytes(save({"weight.00": np.zeros(3)}, {"deployment": description}))
    with pytest.raises(UsageError, match=f"cannot be read as a deployment .*{complaint}"):
        load_deployment(path)


@pytest.mark.parametrize("name", ["\ud800", "two\nlines", "x" * 101])
def test_names_that_cannot_be_printed_are_refused(name):
    with pytest.raises(UsageError, match="is not one of up to 100 printable characters"):
        replace(configuration("tiny"), name=name)


def test_unknown_names_list_the_shipped():
    with pytest.raises(UsageError, match=r"'nothing' is neither a file nor a shipped name \("):
        load_deployment("nothing")


def test_folders_and_odd_names_are_not_deployments(tmp_path):
    for source in (tmp_path, "", "a\0b", "x" * 5000):
        with pytest.raises(UsageError, match="neither a file nor a shipped name"):
            load_deployment(source)


def test_other_layouts_are_refused(file):
    with pytest.raises(UsageError, match="has layout 2; this version reads layout 1"):
        load_deployment(rewritten(file, format=2))


def test_another_networks_description_is_refused(file):
    spec = configuration("tiny").to_dict()
    with pytest.raises(UsageError, match="is damaged: its contents hash to"):
        load_deployment(rewritten(file, spec=spec | {"name": "other"}))
    with pytest.raises(UsageError, match="are not ascending"):
        load_deployment(rewritten(file, spec=spec | {"timesteps": [3, 2]}))
    with pytest.raises(UsageError, match="incomplete or malformed"):
        load_deployment(rewritten(file, spec={}))


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("weight.01", np.zeros((4, 4, 3), np.int8), r"'weight.01' is int8 \[4, 4, 3\], not int8"),
        ("weight.01", np.zeros((4, 4, 3, 3), np.int16), "is int16"),
        ("bias.00", np.zeros(3, np.int32), r"'bias.00' is int32 \[3\], not int32 \[4\]"),
        ("weight.01", np.full((4, 4, 3, 3), -8, np.int8), r"holds -8, outside of -7\.\.7"),
        ("weight.01", np.full((4, 4, 3, 3), 8, np.int8), r"'weight.01' holds 8, outside of -7"),
        ("threshold.01", np.array([1, 0, 1, 1], np.int32), "'threshold.01' holds 0, outside of 1"),
        ("mult", np.zeros(2, np.uint16), r"'mult' holds 0, outside of 1\.\.65535"),
        ("scale.02", np.array([1, np.nan, 1, 1]), "'scale.02' holds a value that is not above"),
        ("scale.02", np.array([1, -1.0, 1, 1]), "'scale.02' holds a value that is not above zero"),
        ("bias.01", np.full(4, -(1 << 31), np.int32), "layer 1 needs 33 bits for its current"),
        ("init.01", np.full(4, -(1 << 31), np.int32), "is damaged"),
        ("extra", np.zeros(1), "'extra' does not belong to its network"),
    ],
)
def test_tensors_that_do_not_fit(file, name, value, complaint):
    tensors = load(file.read_bytes()) | {name: value}
    with pytest.raises(UsageError, match=complaint):
        load_deployment(rewritten(file, tensors))


def test_missing_tensors(file):
    for name in ("weight.03", "mult", "init.00"):
        tensors = load(file.read_bytes())
        del tensors[name]
        damaged = file.with_name("damaged.safetensors")
        damaged.write_bytes(file.read_bytes())
        with pytest.raises(UsageError, match=f"tensor '{name}' is missing"):
            load_deployment(rewritten(damaged, tensors))


def test_mult_belongs_to_a_timestep(tiny):
    tiny = replace(tiny, mults=np.array([7, 9], np.uint16))
    assert (tiny.mult(2), tiny.mult(3)) == (7, 9)
    with pytest.raises(UsageError, match="T = 4 is not allowed by this deployment; it allows 2, 3"):
        tiny.mult(4)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3"])
def test_types_that_numpy_lacks_are_refused(dtype, tmp_path):
    size = 2 if dtype == "BF16" else 1
    header = json.dumps({"w": {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}}).encode()
    path = tmp_path / "other.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
    with pytest.raises(UsageError, match="cannot be read as a deployment"):
        load_deployment(path)


def test_arrays_of_any_strides_round_trip(tiny, tmp_path):
    # Weights that a transposition left behind would be written in the order of memory.
    weights = tuple(np.asfortranarray(weight) for weight in tiny.weights)
    assert not weights[1].flags.c_contiguous
    replace(tiny, weights=weights).save(tmp_path / "strides.safetensors")
    assert same(load_deployment(tmp_path / "strides.safetensors"), tiny)


def test_layers_of_all_widths_round_trip(tmp_path):
    for bits in range(2, 9):
        spec = uniform_network("w", depth=3, channels=5, timesteps=(1,), weight_bits=bits)
        deployment = random_deployment(spec, bits)
        deployment.save(tmp_path / "w.safetensors")
        assert same(load_deployment(tmp_path / "w.safetensors"), deployment)

"""The parts of the board's serial link, and the protocol that they and the host share."""

from __future__ import annotations

import numpy as np
import pytest

from rtl.board.link import SerialLink
from sim.simulators.bench import SIMULATORS
from sw_model.spec.hardware import serial as serial_link
from sw_model.spec.hardware.sdram import BASES, SPACES
from sw_model.spec.hardware.serial import (
    DENOISE,
    DENOISED,
    DESCRIPTION,
    ERRORS,
    FIELD_BYTES,
    HEADER_BYTES,
    Description,
    Header,
    error_code,
    error_name,
    unpack_description,
    unpack_header,
)
from tests import ROOT
from tests.rtl.cases import Case
from tests.rtl.networks import NETWORKS

from .serial_parts import Messages, Uart


@pytest.mark.parametrize(("simulator", "divisor"), list(zip(SIMULATORS, (4, 9), strict=True)))
def test_uart(simulator, divisor):
    # The fewest cycles of a bit, and an odd number of them, each in one simulator.
    Case(Uart, "uart", {"divisor": divisor}).run(simulator)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_messages(simulator):
    Case(Messages, "message", {"network": "tiny"}).run(simulator)


def link(network: str, divisor: int) -> SerialLink:
    return SerialLink(deployment=NETWORKS[network].deployment, divisor=divisor, silence=500)


def test_link_tells_errors_of_the_accelerator():
    # Its parts are in the board's bench, in both simulators; there nothing reports errors.
    Case(link, "link", {"network": "tiny", "divisor": 4}).run("icarus")


def test_check_is_the_catalogues():
    # The check value of CRC-32/ISO-HDLC in the RevEng catalogue.
    assert serial_link.check(b"123456789") == bytes.fromhex("2639f4cb")


def test_header_is_as_documented():
    header = Header(DENOISE, sequence=3, detail=8, height=0x0102, width=0x0304)
    content = header.pack()
    assert content[:12] == b"SDNC\x01\x02\x03\x08\x02\x01\x04\x03"
    assert len(content) == HEADER_BYTES == 4 + FIELD_BYTES + 4
    assert unpack_header(content) == header
    assert header.payload_bytes == 2 * 0x0102 * 0x0304
    assert Header(DENOISED, 3, 8, 5, 6).payload_bytes == 30
    assert Header(serial_link.ERROR, 3, 8).payload_bytes == 0
    for place in range(HEADER_BYTES):
        wrong = bytearray(content)
        wrong[place] ^= 1
        assert unpack_header(bytes(wrong)) is None


def test_payloads_are_as_documented():
    pixels = np.array([[-512, 511], [0, -1]])
    assert serial_link.noisy_payload(pixels) == b"\x00\xfe\xff\x01\x00\x00\xff\xff"
    description = Description("ab" * 32, (2, 8), 64, 17)
    payload = description.pack()
    assert payload == b"\xab" * 32 + b"\x04\x01" + bytes(6) + b"\x40\x00\x11\x00"
    assert unpack_description(payload) == description
    assert Header(DESCRIPTION, 1).payload_bytes == len(payload)


def test_errors_have_numbers():
    assert [error_code(name) for name in ERRORS] == list(range(len(ERRORS)))
    assert error_name(error_code("silence")) == "silence"
    assert error_name(77) == "number 77"


def test_documentation_has_the_protocol():
    text = (ROOT / "docs" / "reference" / "serial.md").read_text()
    offset = len(serial_link.SYNC)
    for name, (count, meaning) in serial_link.FIELDS.items():
        assert f"| {offset} | {count} | {name} | {meaning} |" in text
        offset += count
    for kind, (name, meaning) in serial_link.KINDS.items():
        assert f"| {kind:#04x} | {name} | {meaning} |" in text
    for code, (name, meaning) in enumerate(ERRORS.items()):
        assert f"| {code} | {name} | {meaning} |" in text
    for name, address in BASES.items():
        assert f"| {address:#09x} | {SPACES[name] >> 20} MiB | {name} |" in text

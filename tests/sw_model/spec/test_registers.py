"""The register table, and what is generated from it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rtl.generate.header import HEADER, TABLE, c_header, documentation
from sw_model.spec.hardware.registers import (
    ADDRESS_BITS,
    COUNTERS,
    ERRORS,
    LOAD_MEMORIES,
    REGISTERS,
    error_code,
    load_memory,
)
from tests import ROOT


@pytest.mark.parametrize(("path", "text"), [(HEADER, c_header()), (TABLE, documentation())])
def test_committed_files_are_the_generated_ones(path, text):
    assert (ROOT / path).read_text() == text, f"{path} is old: python -m rtl registers"


def test_offsets_are_words_of_their_own():
    offsets = [register.offset for register in REGISTERS.values()]
    assert all(offset % 4 == 0 and offset < 1 << ADDRESS_BITS for offset in offsets)
    assert all(first < second for first, second in pairwise(offsets))


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_fields_lie_in_their_register(register):
    taken = 0
    for field in register.fields:
        mask = ((1 << field.bits) - 1) << field.low
        assert not taken & mask, f"{field.name} overlaps"
        taken |= mask
        assert register.field(field.name) is field
    assert taken < 1 << register.bits


def test_fields_hold_the_numbers_they_are_for():
    assert len(ERRORS) <= 1 << REGISTERS["STATUS"].field("error").bits
    assert len(LOAD_MEMORIES) <= 1 << REGISTERS["LOAD_ADDRESS"].field("memory").bits
    assert [error_code(name) for name in ERRORS] == list(range(len(ERRORS)))
    assert [load_memory(name) for name in LOAD_MEMORIES] == list(range(len(LOAD_MEMORIES)))
    assert all(f"{name}_{half}" in REGISTERS for name in COUNTERS for half in ("LOW", "HIGH"))


def test_unknown_field_is_named():
    with pytest.raises(KeyError, match="STATUS has no field 'colour'"):
        REGISTERS["STATUS"].field("colour")

"""Verilator lint rules that are waived for generated Verilog."""

from collections.abc import Sequence

WAIVERS = {
    "WIDTHEXPAND": "Yosys writes operands at their own width and leaves the extension to Verilog",
    "WIDTHTRUNC": "Yosys lets an assignment drop the upper bits that a result does not need",
    "PROCASSINIT": "registers have an initial value from configuration, and a reset value",
    "UNUSEDSIGNAL": "fields stay as named signals for waveforms, even if unread",
    "CASEINCOMPLETE": "Amaranth assigns a default before each case statement",
    "ASCRANGE": "a signal of no bits becomes one of the range [-1:0]",
    "DECLFILENAME": "one file holds all modules of a design",
}
"""Verilator's lint rules that generated Verilog breaks by design, each with the reason.

They are waived in generated files only. All other warnings are errors.
"""


def waivers(files: Sequence[str]) -> str:
    """Verilator control file that waives `WAIVERS` in generated files with these names."""
    lines = ["`verilator_config"]
    for name in files:
        for rule, reason in WAIVERS.items():
            lines += [f"// {reason}", f'lint_off -rule {rule} -file "*{name}"']
    return "\n".join(lines) + "\n"

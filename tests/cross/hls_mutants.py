"""Seeded faults in the C++ kernels, each of which a comparison with the golden model must find."""

from __future__ import annotations

from dataclasses import dataclass

CONV, WINDOW, LIF, RESIDUAL, FEW, PLANES = (
    f"nnet_spiking_{name}.h" for name in ("conv", "window", "lif", "residual", "few", "planes")
)


@dataclass(frozen=True)
class Mutant:
    """A patch of a kernel: exact text, which must occur once, and its replacement."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant("> for >= at the threshold", LIF, "charged >= threshold[c]", "charged > threshold[c]"),
    Mutant(
        "leak truncated for floored",
        LIF,
        "(before >> CONFIG_T::leak)",
        "(before / (1 << CONFIG_T::leak))",
    ),
    Mutant(
        "upper border one row off",
        WINDOW,
        "y + row >= last",
        "y + row > last",
    ),
    Mutant(
        "last column repeated beyond the right border",
        WINDOW,
        "inside && y + row >= last ? lines[row][slot]",
        "y + row >= last ? lines[row][inside ? slot : slot - CONFIG_T::steps]",
    ),
    Mutant(
        "line buffers one row off",
        WINDOW,
        "lines[row][slot] = column[row + 1]",
        "lines[row][slot] = column[row]",
    ),
    Mutant(
        "timesteps share a window",
        WINDOW,
        "here[row][col] = window[row][col + 1][step]",
        "here[row][col] = window[row][col + 1][0]",
    ),
    Mutant("encoding sum truncated for rounded", LIF, "(sums[c] + CONFIG_T::half)", "sums[c]"),
    Mutant(
        "membrane of one pixel goes into the next",
        LIF,
        "step == 0 ? membrane_t(init[c]) : membrane[c]",
        "membrane[c]",
    ),
    Mutant("output bias added once for T times", RESIDUAL, "steps * bias[0]", "bias[0]"),
    Mutant("residual truncated for rounded", RESIDUAL, " + CONFIG_T::half", ""),
    Mutant(
        "output sums do not start from zero",
        CONV,
        "row == 0 && (step == 0 || !CONFIG_T::sum_over_time)",
        "row == 0 && !CONFIG_T::sum_over_time",
    ),
)
FEW_SPIKE_MUTANTS = (
    Mutant("> for >= at the value of a step", FEW, "before >= value", "before > value"),
    Mutant(
        "sums not doubled between steps",
        CONV,
        "doubled && row == 0 ? accum_t(sums[f] << 1) : sums[f]",
        "sums[f]",
    ),
    Mutant(
        "sums doubled for every row of weights",
        CONV,
        "doubled && row == 0 ?",
        "doubled ?",
    ),
    Mutant("least significant spike first", FEW, "(CONFIG_T::steps - 1 - step)", "step"),
    Mutant(
        "threshold subtracted for the value", FEW, "(before - value)", "(before - threshold[c])"
    ),
    Mutant("membrane without init", FEW, "membrane_t(current + init[c])", "membrane_t(current)"),
    Mutant("encoding sum truncated for rounded", FEW, "(sums[c] + CONFIG_T::half)", "sums[c]"),
    Mutant(
        "level's product truncated for rounded", FEW, " * read[0] + CONFIG_T::half", " * read[0]"
    ),
    Mutant("level in place of the bias", FEW, "bias[c] + (product", "(product"),
    Mutant(
        "planes in the order of columns",
        PLANES,
        "position[plane] = pixel[colour]",
        "position[(colour * planes + dx) * planes + dy] = pixel[colour]",
    ),
    Mutant(
        "odd last row not doubled",
        PLANES,
        "position[plane] = position[plane - planes]",
        "position[plane] = 0",
    ),
    Mutant(
        "odd last column not doubled",
        PLANES,
        "position[plane] = position[plane - 1]",
        "position[plane] = 0",
    ),
    Mutant(
        "residuals in the order of columns",
        RESIDUAL,
        "(colour * planes + dy) * planes + dx",
        "(colour * planes + dx) * planes + dy",
    ),
    Mutant(
        "planes share a bias",
        RESIDUAL,
        "position[plane] + bias[plane]",
        "position[plane] + bias[0]",
    ),
)
"""Faults in what only networks of the few-spike code have."""

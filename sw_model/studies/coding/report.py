"""The text of the study of neural coding: `docs/log/coding.md` is a copy of it."""

from __future__ import annotations

from .findings import ahead_from, findings, psnr_of
from .quality import CENTROID, CONVERSIONS, DATA_MEAN, EQ8, LIF_HARD, PAPER_STEPS_MAX, RATE
from .sections import (
    codes_section,
    conversion_section,
    fill,
    integer_section,
    paragraphs,
    ranges_section,
)
from .tables import Cell, Study, Table

REPORT = "coding.md"


def report(study: Study) -> str:
    """The whole text, as Markdown."""
    sections = [
        _introduction(study),
        conversion_section(),
        codes_section(),
        _fig2_section(study),
        _beyond_section(study),
        integer_section(study.mismatches),
        ranges_section(),
        "## Findings",
        "\n".join(f"- {fill(line, 2)}" for line in findings(study)),
    ]
    return "\n\n".join(sections) + "\n"


def _introduction(study: Study) -> str:
    count = len(study.pictures.pictures)
    return paragraphs(
        "# Neural coding: information conversion against rate coding",
        """Section 2 of Castagnetti, Pegatoquet and Miramond, *Neural information coding for
        efficient spike-based image denoising* (arXiv 2305.11898), done again, and gone on with
        where it stops. This text, its figures and the CSV files with all their numbers come
        from""",
        f"    spiking-dncnn coding -o build/coding --seed {study.seed}\n"
        f"    cp build/coding/{REPORT} docs/log/ && cp build/coding/coding/*.png docs/log/coding/",
        f"""(`make coding` is the first of them.) No trained network is needed. Pictures: {count}
        of {study.pictures.source}; seed of rate coding: {study.seed}. Set12 is looked for in the
        folder of `--data` or `SPIKING_DNCNN_DATA`; without either, photographs that come with
        scikit-image take its place, and the text says so here. Functions are in
        `sw_model/coding.py`.""",
    )


def _fig2_section(study: Study) -> str:
    lif = {p.timesteps: p for p in study.points_of(LIF_HARD.name)}
    rate = {p.timesteps: p for p in study.points_of(RATE)}
    steps = (*range(1, PAPER_STEPS_MAX + 1), 16, 32, 64, 128, 256)
    rows = []
    for t in steps:
        cells: list[Cell] = [t]
        if t in lif:
            cells += [lif[t].psnr[name] for name in (EQ8, CENTROID, DATA_MEAN)] + [lif[t].theta]
        else:
            cells += [None] * 4
        cells += [rate[t].psnr[EQ8], rate[t].psnr[CENTROID], rate[t].theta]
        rows.append(tuple(cells))
    return paragraphs(
        "## LIF conversion against rate coding (the paper's Fig. 2)",
        f"""Intensities are mapped to x = 1 + g / 255 for LIF and are firing probabilities g / 255
        for rate coding. PSNR has peak 255 and decoded pixels are not rounded; PSNR and θ are means
        of the {study.pictures.source} pictures' values.""",
        "![PSNR and theta against T, LIF conversion and rate coding, on to T = 256]"
        "(coding/fig2.png)",
        Table(
            (
                *("T", "LIF eq. 8 (dB)", "LIF centroid (dB)", "LIF data mean (dB)", "LIF θ"),
                *("rate eq. 8 (dB)", "rate centroid (dB)", "rate θ"),
            ),
            tuple(rows),
        ).markdown(2),
        """**From spikes back to grey levels.** Eq. 8 takes the firing rate for the intensity: ĝ =
        255 f_r. It fits rate coding, whose rate is an unbiased estimate of g / 255, but not the LIF
        neuron, whose staircase is far from the diagonal: all x from 1.33 up to 2, two thirds of all
        grey levels, have the rate 1/2 and come back as 127.5, though their middle is at 170; codes
        with equal rates come back as one; and at odd T period 2 has a rate below 1/2, which is why
        the curve saws. The *centroid* takes the middle of the interval of inputs that give the very
        spike train: the best there is for intensities that are spread evenly. For rate coding,
        whose spikes' order says nothing, it is (spikes + 1) / (T + 2), which draws few spikes
        towards grey. *Data mean* takes the mean of the pictures' own pixels with each code, the
        smallest squared error that any decoder of these codes can have over all of them. """
        f"""At T = 8 the three give {lif[8].psnr[EQ8]:.2f}, {lif[8].psnr[CENTROID]:.2f} and
        {lif[8].psnr[DATA_MEAN]:.2f} dB: what limits LIF is the coarse interval of period 2, not how
        it is decoded. From T = {ahead_from(study, EQ8)} on rate coding is better than LIF with
        eq. 8, from T = {ahead_from(study, CENTROID)} on with centroids.""",
        f"""The paper prints no numbers for this figure and does not say how it maps rates to grey
        levels. Its axes go to 25 dB and to θ = 10 for T up to {PAPER_STEPS_MAX}; here LIF stays
        below {max(p.psnr[EQ8] for p in lif.values()) + 0.05:.1f} dB with eq. 8, and θ at T =
        {PAPER_STEPS_MAX} is {lif[PAPER_STEPS_MAX].theta:.1f} (LIF) and
        {rate[PAPER_STEPS_MAX].theta:.1f} (rate coding).""",
    )


def _beyond_section(study: Study) -> str:
    rows = []
    for name in (*(coding.name for coding in CONVERSIONS), RATE):
        for t in (4, 8, 16, 32):
            theta = next(p.theta for p in study.points_of(name) if p.timesteps == t)
            both = (psnr_of(study, name, t, EQ8), psnr_of(study, name, t, CENTROID))
            rows.append((name, t, theta, *both))
    return paragraphs(
        "## Distortion against timesteps and against spikes",
        """The same for soft resets and without leak. Inputs are 1…2 with leak and 0…1 without, so
        that black is silent and white fires in every timestep.""",
        "![PSNR against T and against theta for LIF hard, LIF soft, IF soft and rate coding]"
        "(coding/distortion.png)",
        Table(("coding", "T", "θ", "PSNR eq. 8 (dB)", "PSNR centroid (dB)"), tuple(rows)).markdown(
            2
        ),
        """The centroid of a soft reset belongs to the whole spike train; a decoder that only counts
        spikes, as eq. 8 does, cannot reach it. The leak makes the codes of LIF soft crowd together
        near some inputs and leaves others in wide intervals; without leak they are spread almost
        evenly, and each timestep goes on adding detail.""",
    )

"""The few-spike code as plain loops over Python integers, spike by spike, written without numpy.

It shares nothing with the golden model but the deployment's numbers.
"""

from __future__ import annotations

from sw_model.spec import Deployment

from .naive import convolve, rounded


def planes_of(picture, count):
    """Planes [p][Y][X] of a picture [c][y][x]; an odd last row or column is doubled."""
    height, width = len(picture[0]), len(picture[0][0])
    rows, columns = -(-height // count), -(-width // count)
    return [
        [
            [
                colour[min(count * y + dy, height - 1)][min(count * x + dx, width - 1)]
                for x in range(columns)
            ]
            for y in range(rows)
        ]
        for colour in picture
        for dy in range(count)
        for dx in range(count)
    ]


def neuron(membrane, threshold, timesteps):
    """Spikes of a neuron whose membrane is charged, first step first."""
    spikes = []
    for t in range(timesteps):
        weight = 2 ** (timesteps - 1 - t)
        spikes.append(membrane >= threshold * weight)
        if spikes[-1]:
            membrane -= threshold * weight
    return spikes


def network(deployment: Deployment, picture, level):
    """(spikes [layer][t][channel][y][x], denoised [c][y][x]) of a picture [c][y][x].

    ``level`` is in sixteenths of a grey level, or None.
    """
    spec = deployment.spec
    (timesteps,) = spec.timesteps
    source = [planes_of(picture, spec.planes)]
    layers = []
    for index, layer in enumerate(spec.layers):
        weight = deployment.weights[index].tolist()
        sums = None
        for planes in source:
            step = convolve(weight, planes)
            sums = step if sums is None else _doubled(sums, step)
        biases = deployment.biases[index].tolist()
        if index == 0 and level is not None:
            biases = [
                bias + rounded(noise * level, spec.noise_shift)
                for bias, noise in zip(biases, deployment.noise_weight.tolist(), strict=True)
            ]
        if layer.kind == "output":
            break
        found = []
        for c, plane in enumerate(sums):
            threshold, init = (int(x[index][c]) for x in (deployment.thresholds, deployment.inits))
            found.append(
                [
                    [
                        neuron(rounded(value, layer.shift) + biases[c] + init, threshold, timesteps)
                        for value in row
                    ]
                    for row in plane
                ]
            )
        source = [
            [[[int(spikes[t]) for spikes in row] for row in plane] for plane in found]
            for t in range(timesteps)
        ]
        layers.append(source)
    mult, shift = int(deployment.mults[0]), spec.layers[-1].shift
    denoised = []
    for c, colour in enumerate(picture):
        denoised.append([list(row) for row in colour])
        for y, row in enumerate(colour):
            for x, pixel in enumerate(row):
                dy, dx = y % spec.planes, x % spec.planes
                plane = (c * spec.planes + dy) * spec.planes + dx
                total = sums[plane][y // spec.planes][x // spec.planes] + biases[plane]
                residual = rounded(total * mult, shift)
                denoised[c][y][x] = min(255, max(0, pixel - residual))
    return layers, denoised


def _doubled(sums, step):
    """2 * sums + step."""
    return [
        [[2 * a + b for a, b in zip(*rows, strict=True)] for rows in zip(*planes, strict=True)]
        for planes in zip(sums, step, strict=True)
    ]

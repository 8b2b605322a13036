"""The network as plain loops over Python integers: slow, obvious, and written without numpy.

It shares nothing with the golden model but the deployment's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sw_model.spec import Deployment, NeuronSpec


@dataclass
class NaiveLayer:
    """Each list is indexed [t][channel][y][x]."""

    currents: list = field(default_factory=list)
    charged: list = field(default_factory=list)
    membranes: list = field(default_factory=list)
    spikes: list = field(default_factory=list)


def convolve(weight, planes):
    """weight [out][in][ky][kx], planes [in][y][x] -> [out][y][x], zero padding of one."""
    height, width = len(planes[0]), len(planes[0][0])
    result = []
    for kernels in weight:
        plane = [[0] * width for _ in range(height)]
        for y in range(height):
            for x in range(width):
                for kernel, source in zip(kernels, planes, strict=True):
                    for ky in range(3):
                        for kx in range(3):
                            sy, sx = y + ky - 1, x + kx - 1
                            if 0 <= sy < height and 0 <= sx < width:
                                plane[y][x] += kernel[ky][kx] * source[sy][sx]
        result.append(plane)
    return result


def rounded(value, shift):
    """value / 2^shift, halves up."""
    return value if shift == 0 else (value + 2 ** (shift - 1)) // 2**shift


def neuron_step(neuron: NeuronSpec, membrane, current, threshold):
    leak = 0 if neuron.leak is None else membrane // 2**neuron.leak
    charged = membrane - leak + current
    if charged < threshold:
        return charged, False, charged
    return charged, True, 0 if neuron.reset == "hard" else charged - threshold


def network(deployment: Deployment, pixels, timesteps):
    """(layers, R [y][x], residual [y][x], denoised [y][x]) of pixels [y][x]."""
    height, width = len(pixels), len(pixels[0])
    layers: list[NaiveLayer] = []
    for index, layer in enumerate(deployment.spec.spiking_layers):
        weight = deployment.weights[index].tolist()
        bias = deployment.biases[index].tolist()
        threshold = deployment.thresholds[index].tolist()
        state = [[[m] * width for _ in range(height)] for m in deployment.inits[index].tolist()]
        result = NaiveLayer()
        for t in range(timesteps):
            if index == 0:
                sums = convolve(weight, [pixels])
            else:
                sums = convolve(weight, layers[-1].spikes[t])
            steps = [result.currents, result.charged, result.membranes, result.spikes]
            for collected in steps:
                collected.append(
                    [[[None] * width for _ in range(height)] for _ in range(layer.out_channels)]
                )
            for c in range(layer.out_channels):
                for y in range(height):
                    for x in range(width):
                        total = rounded(sums[c][y][x], layer.shift if index == 0 else 0)
                        current = (total + bias[c]) * 2**layer.neuron.fractional_bits
                        charged, spike, after = neuron_step(
                            layer.neuron, state[c][y][x], current, threshold[c]
                        )
                        state[c][y][x] = after
                        values = (current, charged, after, int(spike))
                        for collected, value in zip(steps, values, strict=True):
                            collected[-1][c][y][x] = value
        layers.append(result)
    total = [[timesteps * int(deployment.biases[-1][0])] * width for _ in range(height)]
    for t in range(timesteps):
        sums = convolve(deployment.weights[-1].tolist(), layers[-1].spikes[t])[0]
        total = [
            [a + b for a, b in zip(*rows, strict=True)] for rows in zip(total, sums, strict=True)
        ]
    mult, shift = deployment.mult(timesteps), deployment.spec.layers[-1].shift
    residual = [[rounded(value * mult, shift) for value in row] for row in total]
    denoised = [
        [min(255, max(0, p - r)) for p, r in zip(*rows, strict=True)]
        for rows in zip(pixels, residual, strict=True)
    ]
    return layers, total, residual, denoised

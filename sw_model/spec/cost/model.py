"""Cost of denoising a frame: the spiking network on its accelerator, and the dense DnCNN.

Both have the same depth and channels C. H x W is the frame, N its pixels, T the timesteps, S the
spikes that enter a layer, b the bits of its weights. Energies are those of
`sw_model.spec.cost.energy`. Items that grow with S are event-driven; all others are spent even
without spikes.

Spiking network, on the accelerator that `rtl` generates (9 C_out lanes, time innermost):

=============  =======================================================  ==========================
item           encoding layer                                           hidden, output layer
=============  =======================================================  ==========================
synapses       10 * 9 C N additions (bit-serial pixels, no multiplier)  **9 C_out S** additions: SOP
sums           8 C N additions: nine taps to one sum                    8 C_out N T; output 8 N
neurons        C N T times bias, leak, charge, threshold                the same; output (1)
weights        in registers                                             **9 C_out b S** bits read
line buffers   4 C N sums (2 lines, read and written), W rows           4 C_out N T, W T rows;
                                                                        output 4 N, W rows
maps           10 N bits read, C N T written                            C N T read, C N T written;
                                                                        output (2)
=============  =======================================================  ==========================

(1) N times bias, the multiplication by the 16-bit scale, its rounding and the subtraction from
the pixel. (2) 10 N bits read for that subtraction, 8 N written.

Widths are the derived ones (`sw_model.spec.widths`): lane for synapses, sum for sums and line
buffers, current for the bias, membrane for leak, charge and threshold. A hard reset costs
nothing, a soft one takes the difference that the comparison with the threshold makes anyway.

Dense network, 8-bit weights and activations, 8-bit pixels:

- synapses: 9 C_in C_out N multiply-accumulates (MAC), accumulators as wide as they must be,
  16 + ceil(log2(9 C_in)) bits;
- neurons: C_out N times bias and the multiplication by a 16-bit scale that brings the sum back
  to 8 bits (ReLU is free); output layer: a subtraction more;
- weights: **stationary tiles**. A row of 9 C_out weights is read once for each input channel and
  each tile of 8 x 8 output pixels, whose accumulators are registers. Encoding weights stay in
  registers. `DenseDesign.no_reuse` reads a row for every pixel instead, as if every multiplier
  fetched its own weight: the opposite extreme among dense designs;
- maps: a tile reads its inputs with a border of one pixel inside the frame, and writes its
  outputs; the output layer reads the pixels once more.

Memories: the weights of all hidden layers are one memory with a row per (input channel, layer);
those of the output layer are another with a row per input channel. Maps, and pixels of the input,
have a row per pixel and stay on chip in both designs.

All SOP and MAC are charged, including those that land in the padding around the frame; the *useful*
ones, which land inside, are counted separately.

Not counted for either network: registers (accumulators, membranes, constants), clock, control,
wires, leakage, encoding of events, external memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sw_model.spec.deployment import Deployment
from sw_model.spec.fixed_point import MULT_BITS, PIXEL_BITS
from sw_model.spec.network import TAPS

from .energy import add_pj, multiply_pj, traffic_pj
from .layer import LayerCost

DENSE_BITS = 8
"""Bits of the dense network's weights, activations and pixels, and of both networks' output."""
TILE = 8
"""Side of the dense network's tile of output pixels: 64 uses of every weight that is read."""


@dataclass(frozen=True)
class DenseDesign:
    """How the dense network reads its weights.

    Parameters
    ----------
    tile
        Side of the tile that the maps are read in.
    no_reuse
        Read a row of weights for every pixel instead of every tile.
    """

    tile: int = TILE
    no_reuse: bool = False


@dataclass(frozen=True, kw_only=True)
class InputSpikes:
    """Spikes that enter a layer.

    Parameters
    ----------
    events
        S: over all channels, pixels and timesteps.
    useful_taps
        Sum over the events of the output pixels that each reaches: 9, or fewer at a border.
    """

    events: int
    useful_taps: int


def spiking_cost(
    deployment: Deployment,
    timesteps: int,
    shape: tuple[int, int],
    spikes: Sequence[InputSpikes],
) -> tuple[LayerCost, ...]:
    """Cost of every layer of the spiking network for one frame.

    Parameters
    ----------
    timesteps
        T.
    shape
        (H, W).
    spikes
        Spikes that enter every layer except the encoding layer, which reads pixels.
    """
    entering = (InputSpikes(events=0, useful_taps=0), *spikes)
    return tuple(
        _spiking_layer(deployment, index, timesteps, shape, layer_spikes)
        for index, layer_spikes in zip(range(len(deployment.spec.layers)), entering, strict=True)
    )


def _spiking_layer(
    deployment: Deployment,
    index: int,
    timesteps: int,
    shape: tuple[int, int],
    spikes: InputSpikes,
) -> LayerCost:
    spec, layer = deployment.spec, deployment.spec.layers[index]
    widths = deployment.widths.layers[index]
    pixels = shape[0] * shape[1]
    encoding, output = layer.kind == "encoding", layer.kind == "output"
    # Encoding sums are the same in all timesteps; the output layer's lanes add over time.
    sums = layer.out_channels * pixels * (timesteps if layer.kind == "hidden" else 1)
    operations = TAPS * layer.out_channels * spikes.events
    lanes = PIXEL_BITS * TAPS * layer.out_channels * pixels if encoding else operations
    if layer.neuron is None:
        neurons = pixels * (
            2 * add_pj(widths.current) + multiply_pj(MULT_BITS, widths.current) + add_pj(PIXEL_BITS)
        )
    else:
        steps = 2 if layer.neuron.leak is None else 3
        each = add_pj(widths.current) + steps * add_pj(widths.membrane)
        neurons = spec.channels * pixels * timesteps * each
    weight_traffic = operations * layer.weight_bits
    weight_rows = spec.channels * (1 if output else len(spec.layers) - 2)
    line_buffer_traffic = 4 * sums * widths.sum
    line_buffer_rows = shape[1] * (timesteps if layer.kind == "hidden" else 1)
    spike_map = spec.channels * pixels * timesteps
    map_traffic = pixels * PIXEL_BITS if encoding else spike_map
    map_traffic += pixels * (PIXEL_BITS + DENSE_BITS) if output else spike_map
    return LayerCost(
        operations=operations,
        useful=layer.out_channels * spikes.useful_taps,
        synapses=lanes * add_pj(widths.lane),
        sums=(TAPS - 1) * sums * add_pj(widths.sum),
        neurons=neurons,
        weights=traffic_pj(weight_traffic, weight_rows),
        line_buffers=traffic_pj(line_buffer_traffic, line_buffer_rows),
        maps=traffic_pj(map_traffic, pixels),
        weight_traffic=weight_traffic,
        line_buffer_traffic=line_buffer_traffic,
        map_traffic=map_traffic,
    )


def dense_cost(
    depth: int, channels: int, shape: tuple[int, int], design: DenseDesign | None = None
) -> tuple[LayerCost, ...]:
    """Cost of every layer of the dense DnCNN for one frame.

    Parameters
    ----------
    depth, channels
        Number of layers, and C.
    shape
        (H, W).
    design
        How weights are read; stationary tiles by default.
    """
    design = design or DenseDesign()
    return tuple(
        _dense_layer(
            1 if index == 0 else channels,
            1 if index == depth - 1 else channels,
            # Rows of the layer's weight memory; no memory for the encoding layer.
            0 if index == 0 else channels * (1 if index == depth - 1 else depth - 2),
            shape,
            design,
        )
        for index in range(depth)
    )


def _dense_layer(
    inputs: int, outputs: int, weight_rows: int, shape: tuple[int, int], design: DenseDesign
) -> LayerCost:
    height, width = shape
    pixels = height * width
    macs = TAPS * inputs * outputs * pixels
    accumulator = 2 * DENSE_BITS + math.ceil(math.log2(TAPS * inputs))
    each = add_pj(accumulator) + multiply_pj(accumulator, MULT_BITS)
    tiles = math.ceil(height / design.tile) * math.ceil(width / design.tile)
    uses = pixels if design.no_reuse else tiles
    weight_traffic = TAPS * inputs * outputs * DENSE_BITS * uses if weight_rows else 0
    read = inputs * _with_border(height, design.tile) * _with_border(width, design.tile)
    subtracted = pixels if outputs == 1 and weight_rows else 0
    map_traffic = DENSE_BITS * (read + outputs * pixels + subtracted)
    return LayerCost(
        operations=macs,
        # Each row of outputs sees three rows of inputs, the first and the last one less.
        useful=inputs * outputs * (3 * height - 2) * (3 * width - 2),
        synapses=macs * (multiply_pj(DENSE_BITS, DENSE_BITS) + add_pj(accumulator)),
        sums=0.0,
        neurons=outputs * pixels * each + subtracted * add_pj(DENSE_BITS),
        weights=traffic_pj(weight_traffic, weight_rows) if weight_rows else 0.0,
        line_buffers=0.0,
        maps=traffic_pj(map_traffic, pixels),
        weight_traffic=weight_traffic,
        line_buffer_traffic=0,
        map_traffic=map_traffic,
    )


def _with_border(size: int, tile: int) -> int:
    """Pixels along a side that tiles read: their own and a halo of one, inside the frame."""
    starts = range(0, size, tile)
    return sum(min(start + tile + 1, size) - max(start - 1, 0) for start in starts)

#ifndef NNET_SPIKING_CONV_H_
#define NNET_SPIKING_CONV_H_

#include "hls_stream.h"
#include "nnet_spiking_window.h"

namespace nnet {

// Convolution over event words. data: words (y, x, step) with time innermost, each with the spikes
// of all input channels. res: in the same order, the sums of the weights of the taps that spiked;
// with CONFIG_T::sum_over_time (output layer, and all layers of the few-spike code) one sum per pixel,
// over all its steps.
//
// doubled: the few-spike code. The sums are doubled before every step but the first (Horner), so that
// a spike at step t counts 2^(steps - 1 - t).
//
// A word takes reuse_factor cycles. In each cycle one row of the weight memory gives the weights of
// n_chan / reuse_factor input channels for all taps and output channels. Every lane adds its weight
// if its tap spiked.
//
// weights[channel][tap][filter]
template <class data_T, class res_T, class CONFIG_T, bool doubled = false>
void event_conv_2d(
    hls::stream<data_T> &data, hls::stream<res_T> &res,
    typename CONFIG_T::weight_t weights[CONFIG_T::n_chan * CONFIG_T::taps * CONFIG_T::n_filt]) {
    typedef ap_uint<CONFIG_T::n_chan> word_t;
    typedef typename CONFIG_T::accum_t accum_t;
    const unsigned channels_a_row = CONFIG_T::n_chan / CONFIG_T::reuse_factor;
    const unsigned lanes = channels_a_row * CONFIG_T::taps * CONFIG_T::n_filt;
    #pragma HLS ARRAY_PARTITION variable=weights cyclic factor=lanes

    // Static, like the memory in hardware: it keeps the contents of the previous image.
    static word_t lines[CONFIG_T::kernel - 1][CONFIG_T::width * CONFIG_T::steps];
    #pragma HLS ARRAY_PARTITION variable=lines complete dim=1
    #pragma HLS BIND_STORAGE variable=lines type=ram_2p impl=bram
    #pragma HLS DEPENDENCE variable=lines inter false
    static word_t window[CONFIG_T::kernel][CONFIG_T::kernel][CONFIG_T::steps];
    #pragma HLS ARRAY_PARTITION variable=window complete dim=1
    #pragma HLS ARRAY_PARTITION variable=window complete dim=2
    word_t here[CONFIG_T::kernel][CONFIG_T::kernel];
    #pragma HLS ARRAY_PARTITION variable=here complete dim=0
    accum_t sums[CONFIG_T::n_filt];
    #pragma HLS ARRAY_PARTITION variable=sums complete

Rows:
    for (unsigned y = 0; y < CONFIG_T::height + CONFIG_T::margin; y++) {
    Columns:
        for (unsigned x = 0; x < CONFIG_T::width + CONFIG_T::margin; x++) {
        Steps:
            for (unsigned step = 0; step < CONFIG_T::steps; step++) {
            Channels:
                for (unsigned row = 0; row < CONFIG_T::reuse_factor; row++) {
                    #pragma HLS PIPELINE II=1
                    if (row == 0) {
                        word_t word = 0;
                        if (y < CONFIG_T::height && x < CONFIG_T::width) {
                            const data_T spikes = data.read();
                        Pack:
                            for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
                                #pragma HLS UNROLL
                                word[c] = spikes[c];
                            }
                        }
                        advance_window<word_t, CONFIG_T>(word, y, x, step,
                                                         x * CONFIG_T::steps + step, lines, window,
                                                         here);
                    }

                    accum_t added[CONFIG_T::n_filt];
                    #pragma HLS ARRAY_PARTITION variable=added complete
                Clear:
                    for (unsigned f = 0; f < CONFIG_T::n_filt; f++) {
                        #pragma HLS UNROLL
                        added[f] = 0;
                    }
                Add:
                    for (unsigned channel = 0; channel < channels_a_row; channel++) {
                        #pragma HLS UNROLL
                        for (unsigned tap = 0; tap < CONFIG_T::taps; tap++) {
                            #pragma HLS UNROLL
                            const unsigned c = row * channels_a_row + channel;
                            const bool spike = here[tap / CONFIG_T::kernel][tap % CONFIG_T::kernel][c];
#ifndef __SYNTHESIS__
                            if (!spike)
                                continue; // saves the simulation from adding zeros
#endif
                            for (unsigned f = 0; f < CONFIG_T::n_filt; f++) {
                                #pragma HLS UNROLL
                                const unsigned lane = (channel * CONFIG_T::taps + tap) * CONFIG_T::n_filt + f;
                                added[f] += spike ? weights[row * lanes + lane] : typename CONFIG_T::weight_t(0);
                            }
                        }
                    }

                    const bool first = row == 0 && (step == 0 || !CONFIG_T::sum_over_time);
                Accumulate:
                    for (unsigned f = 0; f < CONFIG_T::n_filt; f++) {
                        #pragma HLS UNROLL
                        const accum_t before = doubled && row == 0 ? accum_t(sums[f] << 1) : sums[f];
                        sums[f] = first ? added[f] : accum_t(before + added[f]);
                    }

                    const bool complete = step + 1 == CONFIG_T::steps || !CONFIG_T::sum_over_time;
                    if (row + 1 == CONFIG_T::reuse_factor && complete && y >= CONFIG_T::margin &&
                        x >= CONFIG_T::margin) {
                        res_T out;
                    Give:
                        for (unsigned f = 0; f < CONFIG_T::n_filt; f++) {
                            #pragma HLS UNROLL
                            out[f] = sums[f];
                        }
                        res.write(out);
                    }
                }
            }
        }
    }
}

// Convolution over pixels: the encoding layer. One sum per pixel and output channel; a pixel takes
// reuse_factor cycles, with n_filt / reuse_factor output channels in each. data: the input channels
// (planes and colours) of a pixel.
//
// weights[filter][channel][tap]
template <class data_T, class res_T, class CONFIG_T>
void pixel_conv_2d(hls::stream<data_T> &data, hls::stream<res_T> &res,
                   typename CONFIG_T::weight_t weights[CONFIG_T::n_filt * data_T::size * CONFIG_T::taps]) {
    typedef typename data_T::value_type pixel_t;
    typedef typename CONFIG_T::accum_t accum_t;
    const unsigned bits = pixel_t::width;
    const unsigned inputs = data_T::size * CONFIG_T::taps;
    typedef ap_uint<pixel_t::width * data_T::size> word_t; // all channels of a pixel
    const unsigned filters_a_row = CONFIG_T::n_filt / CONFIG_T::reuse_factor;
    const unsigned lanes = filters_a_row * inputs;
    #pragma HLS ARRAY_PARTITION variable=weights cyclic factor=lanes

    static word_t lines[CONFIG_T::kernel - 1][CONFIG_T::width * CONFIG_T::steps];
    #pragma HLS ARRAY_PARTITION variable=lines complete dim=1
    #pragma HLS BIND_STORAGE variable=lines type=ram_2p impl=bram
    #pragma HLS DEPENDENCE variable=lines inter false
    static word_t window[CONFIG_T::kernel][CONFIG_T::kernel][CONFIG_T::steps];
    #pragma HLS ARRAY_PARTITION variable=window complete dim=0
    word_t here[CONFIG_T::kernel][CONFIG_T::kernel];
    #pragma HLS ARRAY_PARTITION variable=here complete dim=0
    pixel_t pixels[inputs]; // [channel][tap]
    #pragma HLS ARRAY_PARTITION variable=pixels complete
    res_T out;

Rows:
    for (unsigned y = 0; y < CONFIG_T::height + CONFIG_T::margin; y++) {
    Columns:
        for (unsigned x = 0; x < CONFIG_T::width + CONFIG_T::margin; x++) {
        Filters:
            for (unsigned row = 0; row < CONFIG_T::reuse_factor; row++) {
                #pragma HLS PIPELINE II=1
                if (row == 0) {
                    word_t word = 0;
                    if (y < CONFIG_T::height && x < CONFIG_T::width) {
                        const data_T read = data.read();
                    Pack:
                        for (unsigned c = 0; c < data_T::size; c++) {
                            #pragma HLS UNROLL
                            word.range((c + 1) * bits - 1, c * bits) = read[c].range();
                        }
                    }
                    advance_window<word_t, CONFIG_T>(word, y, x, 0, x, lines, window, here);
                Unpack:
                    for (unsigned input = 0; input < inputs; input++) {
                        #pragma HLS UNROLL
                        const unsigned c = input / CONFIG_T::taps, tap = input % CONFIG_T::taps;
                        pixels[input].range() = here[tap / CONFIG_T::kernel][tap % CONFIG_T::kernel].range(
                            (c + 1) * bits - 1, c * bits);
                    }
                }
            Multiply:
                for (unsigned filter = 0; filter < filters_a_row; filter++) {
                    #pragma HLS UNROLL
                    accum_t sum = 0;
                    for (unsigned input = 0; input < inputs; input++) {
                        #pragma HLS UNROLL
                        sum += pixels[input] * weights[row * lanes + filter * inputs + input];
                    }
                    out[row * filters_a_row + filter] = sum;
                }
                if (row + 1 == CONFIG_T::reuse_factor && y >= CONFIG_T::margin && x >= CONFIG_T::margin)
                    res.write(out);
            }
        }
    }
}

} // namespace nnet

#endif

#ifndef NNET_SPIKING_RESIDUAL_H_
#define NNET_SPIKING_RESIDUAL_H_

#include "hls_stream.h"

namespace nnet {

// The pixel without its residual, which is the scaled sum R of the output layer; clamped.
template <class CONFIG_T, class pixel_T>
typename CONFIG_T::product_t denoised_pixel(const pixel_T &pixel,
                                            const typename CONFIG_T::total_t &total) {
    #pragma HLS INLINE
    typedef typename CONFIG_T::product_t product_t;
    const typename CONFIG_T::mult_t mult = CONFIG_T::mult;
    const product_t product = total * mult + CONFIG_T::half;
    const product_t residual = product >> CONFIG_T::shift;
    const product_t clean = pixel - residual;
    return clean < 0                       ? product_t(0)
           : clean > CONFIG_T::grey_max ? product_t(CONFIG_T::grey_max)
                                          : clean;
}

// Scales the output layer's sums to the residual, subtracts it from the pixel, clamps the result.
//
// CONFIG_T::steps is how often the bias counts: once in the few-spike code.
template <class pixel_T, class sum_T, class res_T, class CONFIG_T>
void spiking_residual(hls::stream<pixel_T> &pixels, hls::stream<sum_T> &sums, hls::stream<res_T> &res,
                      typename CONFIG_T::bias_t bias[1]) {
    typedef typename CONFIG_T::total_t total_t;
    const typename CONFIG_T::steps_t steps = CONFIG_T::steps;

Pixels:
    for (unsigned pixel = 0; pixel < CONFIG_T::pixels; pixel++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        const total_t total = sums.read()[0] + steps * bias[0];
        res_T out;
        out[0] = denoised_pixel<CONFIG_T>(pixels.read()[0], total);
        res.write(out);
    }
}

// The same for the sums of planes and colours, which go back to where `to_planes` took the pixels
// from. A position's sums are read with its first pixel; those of its lower rows of pixels wait.
//
// pixels, res: pixels (row, column) of the picture, each with its colours.
// sums:        positions (y, x), each with planes^2 sums of the first colour, then of the next.
template <class pixel_T, class sum_T, class res_T, class CONFIG_T>
void plane_residual(hls::stream<pixel_T> &pixels, hls::stream<sum_T> &sums, hls::stream<res_T> &res,
                    typename CONFIG_T::bias_t bias[sum_T::size]) {
    typedef typename CONFIG_T::total_t total_t;
    const unsigned planes = CONFIG_T::planes;
    static sum_T line[(CONFIG_T::width + planes - 1) / planes];
    #pragma HLS BIND_STORAGE variable=line type=ram_2p impl=bram
    #pragma HLS ARRAY_PARTITION variable=bias complete
    sum_T position;

Rows:
    for (unsigned y = 0; y < CONFIG_T::height; y++) {
    Columns:
        for (unsigned x = 0; x < CONFIG_T::width; x++) {
            #pragma HLS PIPELINE II=1
            const unsigned dy = y % planes, dx = x % planes;
            if (dx == 0) {
                if (dy == 0) {
                    position = sums.read();
                    line[x / planes] = position;
                } else {
                    position = line[x / planes];
                }
            }
            const pixel_T pixel = pixels.read();
            res_T out;
        Colours:
            for (unsigned colour = 0; colour < pixel_T::size; colour++) {
                #pragma HLS UNROLL
                const unsigned plane = (colour * planes + dy) * planes + dx;
                const total_t total = position[plane] + bias[plane];
                out[colour] = denoised_pixel<CONFIG_T>(pixel[colour], total);
            }
            res.write(out);
        }
    }
}

} // namespace nnet

#endif

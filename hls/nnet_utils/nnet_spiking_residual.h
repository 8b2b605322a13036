#ifndef NNET_SPIKING_RESIDUAL_H_
#define NNET_SPIKING_RESIDUAL_H_

#include "hls_stream.h"

namespace nnet {

// Scales the output layer's sums to the residual, subtracts it from the pixel, clamps the result.
template <class pixel_T, class sum_T, class res_T, class CONFIG_T>
void spiking_residual(hls::stream<pixel_T> &pixels, hls::stream<sum_T> &sums, hls::stream<res_T> &res,
                      typename CONFIG_T::bias_t bias[1]) {
    typedef typename CONFIG_T::total_t total_t;
    typedef typename CONFIG_T::product_t product_t;
    const typename CONFIG_T::mult_t mult = CONFIG_T::mult;
    const typename CONFIG_T::steps_t steps = CONFIG_T::steps;

Pixels:
    for (unsigned pixel = 0; pixel < CONFIG_T::pixels; pixel++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        const total_t total = sums.read()[0] + steps * bias[0];
        const product_t product = total * mult + CONFIG_T::half;
        const product_t residual = product >> CONFIG_T::shift;
        const product_t clean = pixels.read()[0] - residual;
        res_T out;
        out[0] = clean < 0                       ? product_t(0)
                 : clean > CONFIG_T::grey_max ? product_t(CONFIG_T::grey_max)
                                                : clean;
        res.write(out);
    }
}

} // namespace nnet

#endif

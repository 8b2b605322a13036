#ifndef NNET_SPIKING_LIF_H_
#define NNET_SPIKING_LIF_H_

#include "hls_stream.h"
#include "nnet_spiking_trace.h"

namespace nnet {

// Leaky integrate-and-fire neurons, one per channel: charge, fire, reset. The steps of a pixel are
// consecutive, so a membrane is a register that is initialised at every pixel.
//
// data: sums of a step; with CONFIG_T::constant (encoding layer) one sum per pixel for all steps.
// res:  event words, one per step.
template <class data_T, class res_T, class CONFIG_T>
void lif(hls::stream<data_T> &data, hls::stream<res_T> &res,
         typename CONFIG_T::bias_t bias[CONFIG_T::n_chan],
         typename CONFIG_T::threshold_t threshold[CONFIG_T::n_chan],
         typename CONFIG_T::init_t init[CONFIG_T::n_chan]) {
    typedef typename CONFIG_T::current_t current_t;
    typedef typename CONFIG_T::membrane_t membrane_t;
    #pragma HLS ARRAY_PARTITION variable=bias complete
    #pragma HLS ARRAY_PARTITION variable=threshold complete
    #pragma HLS ARRAY_PARTITION variable=init complete
    membrane_t membrane[CONFIG_T::n_chan];
    #pragma HLS ARRAY_PARTITION variable=membrane complete
    data_T sums;

Pixels:
    for (unsigned pixel = 0; pixel < CONFIG_T::pixels; pixel++) {
    Steps:
        for (unsigned step = 0; step < CONFIG_T::steps; step++) {
            #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
            if (step == 0 || !CONFIG_T::constant)
                sums = data.read();
            res_T word;
        Neurons:
            for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
                #pragma HLS UNROLL
                const current_t biased = ((sums[c] + CONFIG_T::half) >> CONFIG_T::shift) + bias[c];
                const current_t current = biased << CONFIG_T::fractional_bits;
                const membrane_t before = step == 0 ? membrane_t(init[c]) : membrane[c];
                const membrane_t kept =
                    CONFIG_T::leaky ? membrane_t(before - (before >> CONFIG_T::leak)) : before;
                const membrane_t charged = kept + current;
                const bool spike = charged >= threshold[c];
                const membrane_t reset =
                    CONFIG_T::soft_reset ? membrane_t(charged - threshold[c]) : membrane_t(0);
                membrane[c] = spike ? reset : charged;
                word[c] = spike;
            }
            trace_word(CONFIG_T::layer, word);
            res.write(word);
        }
    }
}

} // namespace nnet

#endif

#ifndef NNET_SPIKING_FEW_H_
#define NNET_SPIKING_FEW_H_

#include "hls_stream.h"
#include "nnet_spiking_trace.h"

namespace nnet {

// Few-spike neurons, one per channel. The membrane is charged once a pixel; the spikes are then the
// binary digits of membrane / threshold, most significant first.
//
// data: one sum per pixel.
// res:  event words, one per step.
template <class data_T, class res_T, class CONFIG_T>
void few_spikes(hls::stream<data_T> &data, hls::stream<res_T> &res,
                typename CONFIG_T::bias_t bias[CONFIG_T::n_chan],
                typename CONFIG_T::threshold_t threshold[CONFIG_T::n_chan],
                typename CONFIG_T::init_t init[CONFIG_T::n_chan]) {
    typedef typename CONFIG_T::current_t current_t;
    typedef typename CONFIG_T::membrane_t membrane_t;
    typedef typename CONFIG_T::value_t value_t;
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
            if (step == 0)
                sums = data.read();
            res_T word;
        Neurons:
            for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
                #pragma HLS UNROLL
                const current_t current = ((sums[c] + CONFIG_T::half) >> CONFIG_T::shift) + bias[c];
                const membrane_t before = step == 0 ? membrane_t(current + init[c]) : membrane[c];
                // What a spike of this step counts.
                const value_t value = value_t(threshold[c]) << (CONFIG_T::steps - 1 - step);
                const bool spike = before >= value;
                membrane[c] = spike ? membrane_t(before - value) : before;
                word[c] = spike;
            }
            trace_word(CONFIG_T::layer, word);
            res.write(word);
        }
    }
}

// The same with biases from a stream, one payload a frame: the encoding layer of a network that
// takes a noise level.
template <class data_T, class biases_T, class res_T, class CONFIG_T>
void few_spikes_with_biases(hls::stream<data_T> &data, hls::stream<biases_T> &biases,
                            hls::stream<res_T> &res,
                            typename CONFIG_T::threshold_t threshold[CONFIG_T::n_chan],
                            typename CONFIG_T::init_t init[CONFIG_T::n_chan]) {
    typename CONFIG_T::bias_t bias[CONFIG_T::n_chan];
    #pragma HLS ARRAY_PARTITION variable=bias complete
    const biases_T read = biases.read();
Biases:
    for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
        #pragma HLS UNROLL
        bias[c] = read[c];
    }
    few_spikes<data_T, res_T, CONFIG_T>(data, res, bias, threshold, init);
}

// The encoding layer's biases at a noise level, once a frame.
//
// level: in sixteenths of a grey level.
template <class level_T, class res_T, class CONFIG_T>
void level_bias(hls::stream<level_T> &level, hls::stream<res_T> &res,
                typename CONFIG_T::bias_t bias[CONFIG_T::n_chan],
                typename CONFIG_T::noise_weight_t noise_weight[CONFIG_T::n_chan]) {
    typedef typename CONFIG_T::product_t product_t;
    const level_T read = level.read();
    res_T out;
Channels:
    for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
        #pragma HLS PIPELINE II=1
        const product_t product = noise_weight[c] * read[0] + CONFIG_T::half;
        out[c] = bias[c] + (product >> CONFIG_T::shift);
    }
    res.write(out);
}

} // namespace nnet

#endif

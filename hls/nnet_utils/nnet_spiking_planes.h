#ifndef NNET_SPIKING_PLANES_H_
#define NNET_SPIKING_PLANES_H_

#include "hls_stream.h"

namespace nnet {

// Sorts the pixels of a picture into planes. Plane planes * dy + dx of a colour holds the pixels
// (planes * y + dy, planes * x + dx); an odd last row or column is doubled.
//
// data: pixels (row, column) of the picture, each with its colours.
// res:  positions (y, x), each with planes^2 pixels of the first colour, then of the next.
template <class data_T, class res_T, class CONFIG_T>
void to_planes(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    const unsigned planes = CONFIG_T::planes;
    const unsigned rows = (CONFIG_T::height + planes - 1) / planes;
    const unsigned columns = (CONFIG_T::width + planes - 1) / planes;
    // Positions of which the upper rows of pixels have been read.
    static res_T line[columns];
    #pragma HLS BIND_STORAGE variable=line type=ram_2p impl=bram
    #pragma HLS DEPENDENCE variable=line inter false
    res_T position;

Rows:
    for (unsigned y = 0; y < rows; y++) {
    Lines:
        for (unsigned dy = 0; dy < planes; dy++) {
        Columns:
            for (unsigned x = 0; x < columns; x++) {
            Pixels:
                for (unsigned dx = 0; dx < planes; dx++) {
                    #pragma HLS PIPELINE II=1
                    const bool row_inside = y * planes + dy < CONFIG_T::height;
                    const bool column_inside = x * planes + dx < CONFIG_T::width;
                    if (dx == 0 && dy != 0)
                        position = line[x];
                    data_T pixel;
                    if (row_inside && column_inside)
                        pixel = data.read();
                Colours:
                    for (unsigned colour = 0; colour < data_T::size; colour++) {
                        #pragma HLS UNROLL
                        const unsigned plane = (colour * planes + dy) * planes + dx;
                        if (!row_inside)
                            position[plane] = position[plane - planes];
                        else if (!column_inside)
                            position[plane] = position[plane - 1];
                        else
                            position[plane] = pixel[colour];
                    }
                    if (dx + 1 == planes) {
                        if (dy + 1 == planes)
                            res.write(position);
                        else
                            line[x] = position;
                    }
                }
            }
        }
    }
}

} // namespace nnet

#endif

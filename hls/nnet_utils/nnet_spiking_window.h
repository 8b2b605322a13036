#ifndef NNET_SPIKING_WINDOW_H_
#define NNET_SPIKING_WINDOW_H_

namespace nnet {

// Moves the window of one timestep one column to the right and stores the input in the line
// buffers.
//
// Padding: rows above the image are masked to zero here, because the line buffers may hold data of
// an earlier image. For the column to the right and the row below, the caller passes zeros; those
// of the column also serve as the padding to the left of the next row.
//
// word   input at (y, x) of the timestep
// slot   index of (x, timestep) in a line, time innermost
// lines  the rows before y, oldest first
// window the windows of all timesteps
// here   the window that the input completes; its centre is one row and one column back
template <class word_T, class CONFIG_T>
void advance_window(const word_T &word, unsigned y, unsigned x, unsigned step, unsigned slot,
                    word_T lines[CONFIG_T::kernel - 1][CONFIG_T::width * CONFIG_T::steps],
                    word_T window[CONFIG_T::kernel][CONFIG_T::kernel][CONFIG_T::steps],
                    word_T here[CONFIG_T::kernel][CONFIG_T::kernel]) {
    #pragma HLS INLINE
    const unsigned last = CONFIG_T::kernel - 1;
    const bool inside = x < CONFIG_T::width;
    word_T column[CONFIG_T::kernel];
    #pragma HLS ARRAY_PARTITION variable=column complete

Above:
    for (unsigned row = 0; row < last; row++) {
        #pragma HLS UNROLL
        column[row] = inside && y + row >= last ? lines[row][slot] : word_T(0);
    }
    column[last] = word;

    if (inside) {
    Store:
        for (unsigned row = 0; row < last; row++) {
            #pragma HLS UNROLL
            lines[row][slot] = column[row + 1];
        }
    }

Shift:
    for (unsigned row = 0; row <= last; row++) {
        #pragma HLS UNROLL
        for (unsigned col = 0; col < last; col++) {
            #pragma HLS UNROLL
            here[row][col] = window[row][col + 1][step];
        }
        here[row][last] = column[row];
        for (unsigned col = 0; col <= last; col++) {
            #pragma HLS UNROLL
            window[row][col][step] = here[row][col];
        }
    }
}

} // namespace nnet

#endif

#ifndef NNET_SPIKING_TRACE_H_
#define NNET_SPIKING_TRACE_H_

// A testbench that defines SPIKING_TRACE receives every event word of every spiking layer. Without
// it, and always in synthesis, the hook is empty.

#if defined(SPIKING_TRACE) && !defined(__SYNTHESIS__)
#include <string>

// Defined by the testbench; the word has binary digits, highest channel first.
void spiking_trace(unsigned layer, const std::string &word);
#endif

namespace nnet {

template <class word_T> void trace_word(unsigned layer, const word_T &word) {
#if defined(SPIKING_TRACE) && !defined(__SYNTHESIS__)
    std::string digits;
    for (unsigned c = word_T::size; c-- > 0;)
        digits += word[c] ? '1' : '0';
    spiking_trace(layer, digits);
#else
    (void)layer;
    (void)word;
#endif
}

} // namespace nnet

#endif

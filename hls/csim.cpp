// C simulation: denoises frames one after the other and writes the denoised pixels and every event
// word of every spiking layer. It is not part of the synthesised design.
//
// csim FOLDER FRAMES LAYER_DIGITS
//   FOLDER/pixels_N.txt    input: noisy pixels, one number per line; colours of a pixel in a row
//   FOLDER/level_N.txt     input: noise level, if the network takes one
//   FOLDER/denoised_N.txt  output: denoised pixels, as the noisy ones
//   FOLDER/trace_N.txt     output: lines "layer word", both hexadecimal with leading zeros

#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <string>

#include "firmware/spiking_dncnn.h"

namespace {

const unsigned BITS_A_DIGIT = 4;
std::ofstream trace;
int layer_digits;

std::string hexadecimal(const std::string &bits) {
    std::string digits;
    // From the lowest channel, which is the last character.
    for (size_t end = bits.size(); end > 0; end -= std::min<size_t>(end, BITS_A_DIGIT)) {
        unsigned digit = 0;
        for (size_t i = end - std::min<size_t>(end, BITS_A_DIGIT); i < end; i++)
            digit = 2 * digit + (bits[i] == '1');
        digits.insert(digits.begin(), "0123456789abcdef"[digit]);
    }
    return digits;
}

// Networks that take no noise level.
template <class pixels_T, class denoised_T>
bool denoise(void (*network)(hls::stream<pixels_T> &, hls::stream<denoised_T> &),
             hls::stream<pixels_T> &pixels, const std::string &, hls::stream<denoised_T> &denoised) {
    network(pixels, denoised);
    return true;
}

// Networks that take one.
template <class pixels_T, class level_T, class denoised_T>
bool denoise(void (*network)(hls::stream<pixels_T> &, hls::stream<level_T> &,
                             hls::stream<denoised_T> &),
             hls::stream<pixels_T> &pixels, const std::string &level_file,
             hls::stream<denoised_T> &denoised) {
    std::ifstream source(level_file);
    unsigned value;
    if (!(source >> value))
        return false;
    level_T payload;
    payload[0] = value;
    hls::stream<level_T> level("level");
    level.write(payload);
    network(pixels, level, denoised);
    return true;
}

} // namespace

void spiking_trace(unsigned layer, const std::string &word) {
    trace << std::hex << std::setw(layer_digits) << std::setfill('0') << layer << ' '
          << hexadecimal(word) << '\n';
}

int main(int argc, char **argv) {
    if (argc != 4) {
        std::cerr << "usage: csim FOLDER FRAMES LAYER_DIGITS" << std::endl;
        return EXIT_FAILURE;
    }
    const std::string folder = argv[1];
    const int frames = std::atoi(argv[2]);
    layer_digits = std::atoi(argv[3]);
    for (int frame = 0; frame < frames; frame++) {
        const std::string name = "_" + std::to_string(frame) + ".txt";
        hls::stream<input_t> pixels("pixels");
        hls::stream<result_t> denoised("denoised");
        std::ifstream source(folder + "/pixels" + name);
        unsigned colour = 0;
        input_t payload;
        for (int pixel; source >> pixel;) {
            payload[colour] = pixel;
            colour = (colour + 1) % input_t::size;
            if (colour == 0)
                pixels.write(payload);
        }
        trace.open(folder + "/trace" + name);
        if (!denoise(spiking_dncnn, pixels, folder + "/level" + name, denoised)) {
            std::cerr << "the noise level is missing" << std::endl;
            return EXIT_FAILURE;
        }
        trace.close();
        if (!pixels.empty()) {
            std::cerr << "the design left pixels unread" << std::endl;
            return EXIT_FAILURE;
        }
        std::ofstream sink(folder + "/denoised" + name);
        while (!denoised.empty()) {
            const result_t pixel = denoised.read();
            for (unsigned c = 0; c < result_t::size; c++)
                sink << pixel[c].to_int() << '\n';
        }
    }
    return EXIT_SUCCESS;
}

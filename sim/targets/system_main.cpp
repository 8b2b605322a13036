// Simulates the accelerator in Verilator with a memory model, which has the same fixed latencies on
// all ports. Compiled with ENGINES, the number of ports.
//
// Usage: main FOLDER. The folder contains `job.txt`, with lines of a keyword and its values:
//   memory BYTES            size of the memory, filled with a pattern
//   latency READ WRITE      cycles from address to first word, and from last word to response
//   load FILE ADDRESS       load a file's bytes into memory
//   window ADDRESS BYTES    range that the accelerator may write
//   write OFFSET VALUE      register write; the one that starts the frame comes last
//   dump LAYER ADDRESS BYTES  write this range to layer_LL.bin when the layer ends
//   limit CYCLES            cycle limit, after which the run fails
//   spread SEED             random pauses on all channels, and random latencies
//   fail ADDRESS BYTES      range for which the memory returns errors
// It writes the dumps, and on stdout `layer L CYCLES` when a layer ends, then every readable
// register as `register OFFSET VALUE`, then `end`. Exit code 1 and one line on stderr if the
// accelerator violates the bus protocol, writes outside its buffers, or does not end.

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "Vspiking_dncnn_system.h"
#include "spiking_dncnn.h"
#include "verilated.h"

namespace {

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

std::string hex(uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "%#" PRIx64, value);
    return text;
}

struct Range {
    uint64_t address, bytes;
    bool holds(uint64_t first, uint64_t count) const {
        return first >= address && first + count <= address + bytes;
    }
    bool meets(uint64_t first, uint64_t count) const {
        return first < address + bytes && address < first + count;
    }
};

struct Dump {
    int layer;
    Range range;
};

struct Job {
    std::vector<uint8_t> memory;
    uint64_t read_latency = 1, write_latency = 1, limit = 0, seed = 0;
    std::vector<Range> windows, failing;
    std::vector<std::pair<uint32_t, uint32_t>> writes;
    std::vector<Dump> dumps;
};

Job read_job(const std::string& folder) {
    Job job;
    std::ifstream file(folder + "/job.txt");
    if (!file) fail("no job.txt in " + folder);
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string key;
        words >> key;
        if (key == "memory") {
            uint64_t bytes;
            words >> bytes;
            job.memory.assign(bytes, 0xA5);
        } else if (key == "latency") {
            words >> job.read_latency >> job.write_latency;
        } else if (key == "load") {
            std::string name;
            uint64_t address;
            words >> name >> address;
            std::ifstream content(folder + "/" + name, std::ios::binary);
            std::vector<char> bytes((std::istreambuf_iterator<char>(content)), {});
            if (address + bytes.size() > job.memory.size()) fail("load beyond memory: " + line);
            std::memcpy(job.memory.data() + address, bytes.data(), bytes.size());
        } else if (key == "window" || key == "fail") {
            Range range;
            words >> range.address >> range.bytes;
            (key == "fail" ? job.failing : job.windows).push_back(range);
        } else if (key == "write") {
            uint32_t offset, value;
            words >> offset >> value;
            job.writes.emplace_back(offset, value);
        } else if (key == "dump") {
            Dump dump;
            words >> dump.layer >> dump.range.address >> dump.range.bytes;
            job.dumps.push_back(dump);
        } else if (key == "limit") {
            words >> job.limit;
        } else if (key == "spread") {
            words >> job.seed;
        } else {
            fail("unknown line in job.txt: " + line);
        }
        if (!words) fail("incomplete line in job.txt: " + line);
    }
    return job;
}

struct Burst {
    uint64_t address, ready;
    uint32_t left;
    bool error;
};

// The signals of one memory port of the accelerator.
struct Pins {
    CData *arvalid, *arready, *arlen, *arsize, *arburst;
    CData *rvalid, *rready, *rresp, *rlast;
    CData *awvalid, *awready, *awlen, *awsize, *awburst;
    CData *wvalid, *wready, *wstrb, *wlast;
    CData *bvalid, *bready, *bresp;
    IData *araddr, *awaddr;
    QData *rdata, *wdata;
};

#define PINS(top, port)                                                                           \
    Pins {                                                                                        \
        &top.port##_arvalid, &top.port##_arready, &top.port##_arlen, &top.port##_arsize,          \
            &top.port##_arburst, &top.port##_rvalid, &top.port##_rready, &top.port##_rresp,       \
            &top.port##_rlast, &top.port##_awvalid, &top.port##_awready, &top.port##_awlen,       \
            &top.port##_awsize, &top.port##_awburst, &top.port##_wvalid, &top.port##_wready,      \
            &top.port##_wstrb, &top.port##_wlast, &top.port##_bvalid, &top.port##_bready,         \
            &top.port##_bresp, &top.port##_araddr, &top.port##_awaddr, &top.port##_rdata,         \
            &top.port##_wdata                                                                     \
    }

// Memory model of one port; all ports share the memory.
class Port {
  public:
    Port(Pins pins, Job& job, std::mt19937_64& random) : pins_(pins), job_(job), random_(random) {}

    bool idle() const { return reads_.empty() && writes_.empty() && answers_.empty(); }

    // Drive the memory's outputs at the beginning of a cycle.
    void drive(uint64_t now) {
        now_ = now;
        *pins_.arready = !pause();
        *pins_.awready = !pause();
        *pins_.wready = !pause();
        if (!r_valid_) r_valid_ = !reads_.empty() && reads_.front().ready <= now_ && !pause();
        *pins_.rvalid = r_valid_;
        if (r_valid_) {
            const Burst& burst = reads_.front();
            std::memcpy(pins_.rdata, job_.memory.data() + burst.address, 8);
            *pins_.rresp = burst.error ? 2 : 0;
            *pins_.rlast = burst.left == 1;
        }
        if (!b_valid_) b_valid_ = !answers_.empty() && answers_.front().ready <= now_ && !pause();
        *pins_.bvalid = b_valid_;
        if (b_valid_) *pins_.bresp = answers_.front().error ? 2 : 0;
    }

    // Process the transfers of the cycle.
    void sample() {
        const bool ar = *pins_.arvalid && *pins_.arready;
        const bool r = *pins_.rvalid && *pins_.rready;
        const bool aw = *pins_.awvalid && *pins_.awready;
        const bool w = *pins_.wvalid && *pins_.wready;
        const bool b = *pins_.bvalid && *pins_.bready;
        ar_.check("ar", *pins_.arvalid, ar,
                  {*pins_.araddr, *pins_.arlen, *pins_.arsize, *pins_.arburst});
        aw_.check("aw", *pins_.awvalid, aw,
                  {*pins_.awaddr, *pins_.awlen, *pins_.awsize, *pins_.awburst});
        w_.check("w", *pins_.wvalid, w, {*pins_.wdata, *pins_.wstrb, *pins_.wlast, 0});
        if (r) advance_read();
        if (b) answers_.pop_front(), b_valid_ = false;
        if (ar) queue_burst(reads_, *pins_.araddr, *pins_.arlen, *pins_.arsize, *pins_.arburst,
                            job_.read_latency);
        if (aw) queue_burst(writes_, *pins_.awaddr, *pins_.awlen, *pins_.awsize, *pins_.awburst, 0);
        if (w) data_.push_back({*pins_.wdata, *pins_.wstrb, *pins_.wlast != 0});
        if (aw || w) store();
    }

  private:
    struct Word {
        uint64_t data;
        uint32_t strobe;
        bool last;
    };

    // Checks that valid and payload of a channel stay until ready.
    class Monitor {
      public:
        void check(const char* channel, bool valid, bool taken, std::array<uint64_t, 4> payload) {
            if (waits_ && !valid) fail(std::string(channel) + "valid fell before ready");
            if (waits_ && payload != payload_)
                fail(std::string(channel) + " channel changed before ready");
            waits_ = valid && !taken;
            payload_ = payload;
        }

      private:
        bool waits_ = false;
        std::array<uint64_t, 4> payload_{};
    };

    bool pause() { return job_.seed && random_() % 4 == 0; }
    uint64_t spread() { return job_.seed ? random_() % 24 : 0; }

    void queue_burst(std::deque<Burst>& queue, uint64_t address, uint32_t len, uint32_t size,
                     uint32_t burst, uint64_t latency) {
        const uint64_t bytes = 8 * (len + 1);
        if (size != 3 || burst != 1 || address % 8) fail("wrong burst at " + hex(address));
        if (address / 4096 != (address + bytes - 1) / 4096)
            fail("burst at " + hex(address) + " crosses 4 KiB");
        bool error = false;
        for (const Range& range : job_.failing) error |= range.meets(address, bytes);
        if (address + bytes > job_.memory.size()) fail("burst at " + hex(address) + " beyond memory");
        queue.push_back({address, now_ + latency + spread(), len + 1, error});
    }

    void advance_read() {
        Burst& burst = reads_.front();
        burst.address += 8;
        if (--burst.left == 0) reads_.pop_front();
        r_valid_ = false;
    }

    // Words and addresses may come in any order.
    void store() {
        while (!data_.empty() && !writes_.empty()) {
            Burst& burst = writes_.front();
            const Word word = data_.front();
            data_.pop_front();
            for (int lane = 0; lane < 8; ++lane) {
                if (!(word.strobe >> lane & 1)) continue;
                const uint64_t address = burst.address + lane;
                bool inside = false;
                for (const Range& window : job_.windows) inside |= window.holds(address, 1);
                if (!inside) fail("write outside of the buffers at " + hex(address));
                if (!burst.error) job_.memory[address] = word.data >> 8 * lane;
            }
            burst.address += 8;
            if (word.last != (--burst.left == 0)) fail("wlast is wrong at " + hex(burst.address));
            if (burst.left == 0) {
                answers_.push_back({0, now_ + job_.write_latency + spread(), 0, burst.error});
                writes_.pop_front();
            }
        }
    }

    Pins pins_;
    Job& job_;
    std::mt19937_64& random_;
    std::deque<Burst> reads_, writes_, answers_;
    std::deque<Word> data_;
    Monitor ar_, aw_, w_;
    uint64_t now_ = 0;
    bool r_valid_ = false, b_valid_ = false;
};

class Simulation {
  public:
    explicit Simulation(std::string folder)
        : folder_(std::move(folder)), job_(read_job(folder_)), random_(job_.seed) {}

    void run() {
        top_.rst = 1;
        top_.s_axi_bready = top_.s_axi_rready = 1;
        top_.s_axi_wstrb = 0xF;
        for (int i = 0; i < 3; ++i) cycle();
        top_.rst = 0;
        for (auto [offset, value] : job_.writes) write(offset, value);
        while (!top_.irq) cycle();
        for (const Port& port : ports_)
            if (!port.idle()) fail("the accelerator is done, but the bus is not idle");
        for (const spiking_dncnn_register& reg : spiking_dncnn_registers)
            if (reg.readable)
                std::printf("register %u %u\n", reg.offset, read(reg.offset));
        std::printf("end\n");
        top_.final();
    }

  private:
    // One clock cycle: drive the memory's outputs, sample all transfers, then the clock edge.
    void cycle() {
        for (Port& port : ports_) port.drive(now_);
        top_.clk = 0;
        top_.eval();
        for (Port& port : ports_) port.sample();
        lite_written_ = top_.s_axi_awvalid && top_.s_axi_awready;
        lite_asked_ = top_.s_axi_arvalid && top_.s_axi_arready;
        lite_answered_ = top_.s_axi_bvalid;
        lite_read_ = top_.s_axi_rvalid;
        lite_data_ = top_.s_axi_rdata;
        lite_error_ = lite_answered_ ? top_.s_axi_bresp : lite_read_ ? top_.s_axi_rresp : 0;
        const bool layer_done = top_.layer_done;
        const int layer = top_.layer;
        top_.clk = 1;
        top_.eval();
        ++now_;
        if (layer_done) end_layer(layer);
        if (job_.limit && now_ > job_.limit)
            fail("no end after " + std::to_string(now_) + " cycles");
    }

    void end_layer(int layer) {
        std::printf("layer %d %" PRIu64 "\n", layer, now_ - started_);
        std::fflush(stdout);
        for (const Dump& dump : job_.dumps) {
            if (dump.layer != layer) continue;
            char name[32];
            std::snprintf(name, sizeof name, "/layer_%02d.bin", layer);
            std::ofstream file(folder_ + name, std::ios::binary);
            file.write(reinterpret_cast<const char*>(job_.memory.data()) + dump.range.address,
                       static_cast<std::streamsize>(dump.range.bytes));
            if (!file) fail("cannot write a dump into " + folder_);
        }
    }

    void write(uint32_t offset, uint32_t value) {
        top_.s_axi_awaddr = offset;
        top_.s_axi_wdata = value;
        top_.s_axi_awvalid = top_.s_axi_wvalid = 1;
        do cycle();
        while (!lite_written_);
        // A frame's first cycle follows the write that starts it.
        started_ = now_;
        top_.s_axi_awvalid = top_.s_axi_wvalid = 0;
        do cycle();
        while (!lite_answered_);
        if (lite_error_) fail("write of register " + hex(offset) + " refused");
    }

    uint32_t read(uint32_t offset) {
        top_.s_axi_araddr = offset;
        top_.s_axi_arvalid = 1;
        do cycle();
        while (!lite_asked_);
        top_.s_axi_arvalid = 0;
        do cycle();
        while (!lite_read_);
        if (lite_error_) fail("read of register " + hex(offset) + " refused");
        return lite_data_;
    }

    std::string folder_;
    Job job_;
    std::mt19937_64 random_;
    Vspiking_dncnn_system top_;
#if ENGINES == 1
    std::vector<Port> ports_{{PINS(top_, m_axi), job_, random_}};
#else
    std::vector<Port> ports_{{PINS(top_, m0_axi), job_, random_}, {PINS(top_, m1_axi), job_, random_}};
#endif
    uint64_t now_ = 0, started_ = 0;
    bool lite_written_ = false, lite_asked_ = false, lite_answered_ = false, lite_read_ = false;
    uint32_t lite_data_ = 0, lite_error_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) fail("usage: main FOLDER");
    Simulation(argv[1]).run();
    return 0;
}

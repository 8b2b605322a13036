// SDRAM of the board, 16M x 16, for benches: keeps what is written, and counts what a part would not
// stand: commands out of order or too early, rows open for too long, missing refreshes.
//
// Only burst length 4, sequential, and CAS latency 3. Contents are kept row by row, as many rows as
// there are slots; a row that was never written reads as PATTERN. What is read changes at the falling
// edge of the clock: half a cycle stands for the access time.

// What happens at an edge happens in the order in which it is written here, as in a program.
// verilator lint_off BLKSEQ
module sdram_model #(
    parameter PERIOD_PS = 20000,
    parameter T_RC_PS = 0,
    parameter T_RFC_PS = 0,
    parameter T_RCD_PS = 0,
    parameter T_RP_PS = 0,
    parameter T_RAS_PS = 0,
    parameter T_WR_PS = 0,
    parameter T_MRD_PS = 0,
    parameter T_REFRESH_PS = 1,
    parameter T_RAS_MAX_PS = 0,
    parameter POWER_UP_CYCLES = 0,
    parameter SLOTS = 64,
    parameter [15:0] PATTERN = 16'hA5A5
) (
    input wire clk,
    input wire cke,
    input wire csn,
    input wire rasn,
    input wire casn,
    input wire wen,
    input wire [1:0] ba,
    input wire [12:0] a,
    input wire [1:0] dqm,
    inout wire [15:0] dq,
    output reg [31:0] violations,
    output reg [31:0] refreshes
);

  localparam LONG_AGO = -100000;
  localparam MODE = 13'h032;  // CAS latency 3, sequential, burst of 4
  localparam REFRESHES_FIRST = 8;
  localparam REFRESHES_LATE = 8;  // how many a part may be behind

  reg [15:0] memory[0:SLOTS*512-1];
  integer slot_of[0:32767];  // by row, of all banks; SLOTS where it has none
  integer slots;
  integer slot;
  integer index;

  reg [3:0] open;
  integer bank_slot[0:3];
  integer activated[0:3];
  integer precharged;
  integer refreshed;
  integer written;
  integer mode_set;
  integer cycle;
  reg [63:0] since_mode, refreshes_allowed;  // picoseconds of a second do not fit 32 bits
  integer started;  // cycle in which the mode was set, 0 before
  reg ready;
  reg cleared;  // all banks were precharged
  integer bank;

  // Burst under way: beats that are left.
  integer beats;
  reg burst_writes;
  integer burst_slot;
  integer burst_column;

  reg [15:0] first_data, second_data, data;
  reg first_valid, second_valid;
  reg [1:0] late_mask, valid;
  reg [15:0] bus_data;
  reg [1:0] bus_valid;

  assign dq[7:0]  = bus_valid[0] ? bus_data[7:0] : 8'bz;
  assign dq[15:8] = bus_valid[1] ? bus_data[15:8] : 8'bz;

  initial begin
    violations = 0;
    refreshes = 0;
    slots = 0;
    for (slot = 0; slot < 32768; slot = slot + 1) slot_of[slot] = SLOTS;
    open = 0;
    precharged = LONG_AGO;
    refreshed = LONG_AGO;
    written = LONG_AGO;
    mode_set = LONG_AGO;
    cycle = 0;
    started = 0;
    ready = 0;
    cleared = 0;
    beats = 0;
    burst_writes = 0;
    first_valid = 0;
    second_valid = 0;
    late_mask = 0;
    valid = 0;
    bus_valid = 0;
    for (bank = 0; bank < 4; bank = bank + 1) activated[bank] = LONG_AGO;
  end

  task violate;
    input [8*40-1:0] what;
    begin
      $display("SDRAM, cycle %0d: %0s", cycle, what);
      violations = violations + 1;
    end
  endtask

  function early;
    input integer since;
    input integer time_ps;
    early = cycle - since < 1000 && (cycle - since) * PERIOD_PS < time_ps;
  endfunction

  // A row that was never opened before gets a slot, filled with the pattern.
  task find_slot;
    input [14:0] row;
    begin
      slot = slot_of[row];
      if (slot == SLOTS && slots == SLOTS) begin
        violate("more rows than the model keeps");
        slot = 0;
      end else if (slot == SLOTS) begin
        slot = slots;
        slot_of[row] = slot;
        slots = slots + 1;
        for (index = 0; index < 512; index = index + 1) memory[slot*512+index] = PATTERN;
      end
    end
  endtask

  always @(posedge clk) begin
    cycle = cycle + 1;
    if (!cke) violate("clock disabled");
    if (!csn && {rasn, casn, wen} != 3'b111) begin
      if (!ready && cycle < POWER_UP_CYCLES) violate("command before power is up");
      if (early(mode_set, T_MRD_PS)) violate("tMRD");
      if (early(refreshed, T_RFC_PS)) violate("tRFC");
      if (beats != 0) violate("command within a burst");
      case ({rasn, casn, wen})
        3'b011: begin  // activate
          if (!ready) violate("activation before the mode is set");
          if (open[ba]) violate("activation of an open bank");
          if (early(precharged, T_RP_PS)) violate("tRP");
          if (early(activated[ba], T_RC_PS)) violate("tRC");
          find_slot({ba, a});
          bank_slot[ba] = slot;
          activated[ba] = cycle;
          open[ba] = 1;
        end
        3'b101, 3'b100: begin  // read, write
          if (!open[ba]) violate("access to a closed bank");
          if (early(activated[ba], T_RCD_PS)) violate("tRCD");
          if (a[10]) violate("automatic precharge");
          if (a[1:0] != 0) violate("burst that wraps");
          burst_writes = !wen;
          burst_slot   = bank_slot[ba];
          burst_column = {23'b0, a[8:0]};
          beats = 4;
        end
        3'b010: begin  // precharge
          if (!a[10]) violate("precharge of one bank");
          for (bank = 0; bank < 4; bank = bank + 1)
            if (open[bank]) begin
              if (early(activated[bank], T_RAS_PS)) violate("tRAS");
              if ((cycle - activated[bank]) * PERIOD_PS > T_RAS_MAX_PS) violate("tRAS, longest");
            end
          if (early(written, T_WR_PS)) violate("tWR");
          open = 0;
          precharged = cycle;
          cleared = 1;
        end
        3'b001: begin  // refresh
          if (!cleared || open != 0) violate("refresh with a bank open");
          if (early(precharged, T_RP_PS)) violate("tRP before a refresh");
          refreshed = cycle;
          refreshes = refreshes + 1;
        end
        3'b000: begin  // mode
          if (refreshes < REFRESHES_FIRST) violate("too few refreshes before the mode");
          if (ba != 0 || a != MODE) violate("mode");
          mode_set = cycle;
          started = cycle;
          refreshes = 0;
          ready = 1;
        end
        default: violate("unknown command");
      endcase
    end
    since_mode = {32'b0, cycle - started};
    refreshes_allowed = {32'b0, refreshes + REFRESHES_LATE};
    if (ready && since_mode * PERIOD_PS > refreshes_allowed * T_REFRESH_PS)
      violate("refreshes missing");

    // Data, behind the command that asks for them.
    first_valid <= 0;
    if (beats != 0) begin
      index = burst_slot * 512 + burst_column;
      if (burst_writes) begin
        if (valid != 0 || bus_valid != 0) violate("written while the part drives");
        if (!dqm[0]) memory[index][7:0] = dq[7:0];
        if (!dqm[1]) memory[index][15:8] = dq[15:8];
        if ((!dqm[0] && (^dq[7:0]) === 1'bx) || (!dqm[1] && (^dq[15:8]) === 1'bx))
          violate("unknown data written");
        written = cycle;
      end else begin
        first_data  <= memory[index];
        first_valid <= 1;
      end
      burst_column = burst_column + 1;
      beats = beats - 1;
    end
    second_data <= first_data;
    second_valid <= first_valid;
    late_mask <= dqm;
    data <= second_data;
    valid <= second_valid ? ~late_mask : 2'b00;
  end

  always @(negedge clk) begin
    bus_data  <= data;
    bus_valid <= valid;
  end

endmodule

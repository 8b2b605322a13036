// What the board's top instantiates of the ECP5, as far as benches need it.

// One file holds all models; they have no use for some pins and parameters.
// verilator lint_off DECLFILENAME
// verilator lint_off UNUSEDSIGNAL
// verilator lint_off UNUSEDPARAM

// The clocks come from the harness, which has both in their phases.
module EHXPLLL #(
    parameter CLKI_DIV = 1,
    parameter CLKFB_DIV = 1,
    parameter FEEDBK_PATH = "CLKOP",
    parameter CLKOP_ENABLE = "ENABLED",
    parameter CLKOP_DIV = 8,
    parameter CLKOP_CPHASE = 0,
    parameter CLKOP_FPHASE = 0,
    parameter CLKOS_ENABLE = "DISABLED",
    parameter CLKOS_DIV = 8,
    parameter CLKOS_CPHASE = 0,
    parameter CLKOS_FPHASE = 0
) (
    input wire CLKI,
    input wire CLKFB,
    input wire RST,
    input wire STDBY,
    input wire PHASESEL0,
    input wire PHASESEL1,
    input wire PHASEDIR,
    input wire PHASESTEP,
    input wire PHASELOADREG,
    input wire PLLWAKESYNC,
    input wire ENCLKOP,
    input wire ENCLKOS,
    output wire CLKOP,
    output wire CLKOS,
    output wire LOCK
);
  assign CLKOP = harness.clk;
  assign CLKOS = harness.lead;
  assign LOCK  = harness.locked;
endmodule

module ODDRX1F (
    input wire SCLK,
    input wire RST,
    input wire D0,
    input wire D1,
    output wire Q
);
  assign Q = SCLK ? D0 : D1;
endmodule

module OFS1P3DX (
    input wire SCLK,
    input wire SP,
    input wire CD,
    input wire D,
    output reg Q
);
  initial Q = 0;
  always @(posedge SCLK) if (CD) Q <= 0; else if (SP) Q <= D;
endmodule

module IFS1P3DX (
    input wire SCLK,
    input wire SP,
    input wire CD,
    input wire D,
    output reg Q
);
  initial Q = 0;
  always @(posedge SCLK) if (CD) Q <= 0; else if (SP) Q <= D;
endmodule

module BB (
    input  wire I,
    input  wire T,
    output wire O,
    inout  wire B
);
  assign B = T ? 1'bz : I;
  assign O = B;
endmodule

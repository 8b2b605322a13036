// Harness of the accelerator for a cocotb bench; it writes traces to files.
//
// Writing them here is almost free, while a Python monitor would take longer than the simulation.
// One line per event:
//   trace.txt   layer and event word, hexadecimal, x where a bit is unknown
//   layers.txt  layer, cycles and events since the frame's start, decimal, at each layer's end
// A line "frame" comes before the lines of each frame.
module rtl_harness #(
    parameter CHANNELS = 1,
    parameter LAYER_BITS = 1,
    parameter HEIGHT_BITS = 1,
    parameter WIDTH_BITS = 1,
    parameter TIMESTEPS_BITS = 1,
    parameter PIXEL_BITS = 1,
    parameter GREY_BITS = 1,
    parameter COUNTER_BITS = 1
) (
    input wire clk,
    input wire rst,
    input wire start,
    input wire [HEIGHT_BITS-1:0] height,
    input wire [WIDTH_BITS-1:0] width,
    input wire [TIMESTEPS_BITS-1:0] timesteps,
`ifdef TAKES_LEVEL
    input wire [11:0] level,
`endif
    output wire busy,
    output wire error,
    input wire [PIXEL_BITS-1:0] pixels__payload,
    input wire pixels__valid,
    output wire pixels__ready,
    output wire [GREY_BITS-1:0] denoised__payload,
    output wire denoised__valid,
    input wire denoised__ready
);

  wire trace_valid;
  wire [LAYER_BITS-1:0] trace_layer;
  wire [CHANNELS-1:0] trace_word;
  wire [LAYER_BITS-1:0] layer;
  wire layer_done;
  wire [COUNTER_BITS-1:0] cycles;
  wire [COUNTER_BITS-1:0] events;

  spiking_dncnn accelerator (
      .clk(clk),
      .rst(rst),
      .start(start),
      .height(height),
      .width(width),
      .timesteps(timesteps),
`ifdef TAKES_LEVEL
      .level(level),
`endif
      .busy(busy),
      .error(error),
      .pixels__payload(pixels__payload),
      .pixels__valid(pixels__valid),
      .pixels__ready(pixels__ready),
      .denoised__payload(denoised__payload),
      .denoised__valid(denoised__valid),
      .denoised__ready(denoised__ready),
      .trace__valid(trace_valid),
      .trace__layer(trace_layer),
      .trace__word(trace_word),
      .layer(layer),
      .layer_done(layer_done),
      .cycles(cycles),
      .events(events)
  );

  integer trace_file;
  integer layers_file;

  initial begin
    trace_file  = $fopen("trace.txt", "w");
    layers_file = $fopen("layers.txt", "w");
  end

  always @(posedge clk)
    if (!rst) begin
      if (start && !busy) begin
        $fdisplay(trace_file, "frame");
        $fdisplay(layers_file, "frame");
      end
      if (trace_valid) $fdisplay(trace_file, "%h %h", trace_layer, trace_word);
      if (layer_done) $fdisplay(layers_file, "%0d %0d %0d", layer, cycles, events);
    end

endmodule

// Plain Verilog-2005 bench: denoises one frame and checks every event word and every pixel.
//
// Prints PASS, or FAIL with the first difference, and ends. Sizes and widths come from the
// generated parameters.vh; pixels.hex, layer_NN.hex and denoised.hex hold one value per line, in
// raster order, event words with time innermost; bit c of a word is channel c.
module vector_bench;

  `include "parameters.vh"

  localparam PIXELS = HEIGHT * WIDTH;
  localparam LAYER_WORDS = PIXELS * TIMESTEPS;
  localparam WORDS = SPIKING_LAYERS * LAYER_WORDS;

  reg clk;
  reg rst;
  reg start;
  wire busy;
  wire error;
  reg pixel_valid;
  wire pixel_ready;
  wire [GREY_BITS-1:0] denoised;
  wire denoised_valid;
  wire trace_valid;
  wire [LAYER_BITS-1:0] trace_layer;
  wire [CHANNELS-1:0] trace_word;
  wire [COUNTER_BITS-1:0] cycles;

  reg [PIXEL_BITS-1:0] pixels[0:PIXELS-1];
  reg [CHANNELS-1:0] expected_words[0:WORDS-1];
  reg [GREY_BITS-1:0] expected_pixels[0:PIXELS-1];

  integer pixels_given;
  integer words_seen;
  integer pixels_seen;
  integer cycles_waited;
  integer layer;
  integer index;
  reg [8*12-1:0] name;
  reg finished;

  spiking_dncnn accelerator (
      .clk(clk),
      .rst(rst),
      .start(start),
      .height(FRAME_HEIGHT),
      .width(FRAME_WIDTH),
      .timesteps(FRAME_TIMESTEPS),
      .busy(busy),
      .error(error),
      .pixels__payload(pixels[pixels_given]),
      .pixels__valid(pixel_valid),
      .pixels__ready(pixel_ready),
      .denoised__payload(denoised),
      .denoised__valid(denoised_valid),
      .denoised__ready(1'b1),
      .trace__valid(trace_valid),
      .trace__layer(trace_layer),
      .trace__word(trace_word),
      .layer(),
      .layer_done(),
      .cycles(cycles),
      .events()
  );

  initial begin
    $readmemh("pixels.hex", pixels);
    $readmemh("denoised.hex", expected_pixels);
    for (index = 0; index < SPIKING_LAYERS; index = index + 1) begin
      $sformat(name, "layer_%02d.hex", index);
      $readmemh(name, expected_words, index * LAYER_WORDS, (index + 1) * LAYER_WORDS - 1);
    end
    clk = 0;
    rst = 1;
    start = 0;
    pixel_valid = 0;
    pixels_given = 0;
    words_seen = 0;
    pixels_seen = 0;
    cycles_waited = 0;
    finished = 0;
  end

  always #5 clk = !clk;

  // Reset, start, then the pixels one after the other.
  always @(posedge clk) begin
    cycles_waited <= cycles_waited + 1;
    rst <= cycles_waited < 2;
    start <= cycles_waited == 4;
    if (cycles_waited == 4) pixel_valid <= 1;
    if (pixel_valid && pixel_ready) begin
      if (pixels_given == PIXELS - 1) pixel_valid <= 0;
      else pixels_given <= pixels_given + 1;
    end
  end

  always @(posedge clk)
    if (!rst && !finished) begin
      if (trace_valid !== 1'b0) check_word;
      if (denoised_valid !== 1'b0) check_pixel;
      if (cycles_waited > 6 && error !== 1'b0) begin
        $display("FAIL: the accelerator refused a frame of %0dx%0d, T = %0d", HEIGHT, WIDTH,
                 TIMESTEPS);
        finish;
      end else if (cycles_waited > LIMIT) begin
        $display("FAIL: only %0d of %0d words and %0d of %0d pixels after %0d cycles", words_seen,
                 WORDS, pixels_seen, PIXELS, LIMIT);
        finish;
      end else if (cycles_waited > 6 && busy === 1'b0) begin
        if (words_seen == WORDS && pixels_seen == PIXELS)
          $display("PASS: %0d words, %0d pixels, %0d cycles", WORDS, PIXELS, cycles);
        else
          $display("FAIL: the accelerator ended after %0d of %0d words and %0d of %0d pixels",
                   words_seen, WORDS, pixels_seen, PIXELS);
        finish;
      end
    end

  task check_word;
    begin
      if (!finished) begin
        if (words_seen == WORDS) begin
          $display("FAIL: more than %0d words", WORDS);
          finish;
        end
        layer = words_seen / LAYER_WORDS;
        index = words_seen % LAYER_WORDS;
        if (!finished && (trace_layer !== layer[LAYER_BITS-1:0]
                          || trace_word !== expected_words[words_seen])) begin
          $display("FAIL: layer %0d, y %0d, x %0d, t %0d: expected %h, layer %0d gave %h", layer,
                   index / TIMESTEPS / WIDTH, index / TIMESTEPS % WIDTH, index % TIMESTEPS,
                   expected_words[words_seen], trace_layer, trace_word);
          finish;
        end
        words_seen = words_seen + 1;
      end
    end
  endtask

  task check_pixel;
    begin
      if (!finished) begin
        if (pixels_seen == PIXELS) begin
          $display("FAIL: more than %0d pixels", PIXELS);
          finish;
        end else if (denoised !== expected_pixels[pixels_seen]) begin
          $display("FAIL: denoised pixel y %0d, x %0d: expected %0d, got %0d",
                   pixels_seen / WIDTH, pixels_seen % WIDTH, expected_pixels[pixels_seen],
                   denoised);
          finish;
        end
        pixels_seen = pixels_seen + 1;
      end
    end
  endtask

  task finish;
    begin
      finished = 1;
      $finish;
    end
  endtask

endmodule

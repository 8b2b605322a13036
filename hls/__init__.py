"""The frozen network as an hls4ml project: layers, templates and C++ kernels."""

"""The frozen network as an hls4ml project for its Vitis backend: layers, templates, C++ kernels.

Another backend begins in `register.py`; `templates.py`, the kernels' pragmas and `synth.py` are
Vitis's as well.
"""

"""Time and memory compared with PyTorch, snnTorch and SpikingJelly, measured in one run."""

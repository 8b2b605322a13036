"""Time and memory beside PyTorch, snnTorch and SpikingJelly, measured in one run."""

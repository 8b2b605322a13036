"""The paper's figures of denoising against T, for LIF and rate coding."""

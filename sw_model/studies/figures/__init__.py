"""The paper's figures of denoising by T, LIF against rate coding."""

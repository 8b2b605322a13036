"""Simulations of all hardware targets, compared with the golden model."""

"""Software: specification, float networks, training, and the integer golden model."""

"""Every kind of hardware in a simulator, against the golden model."""

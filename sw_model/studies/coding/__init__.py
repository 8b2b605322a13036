"""The paper's analysis of neural coding: the information about a grey level in a spike train."""

"""The paper's analysis of neural coding: what a neuron's code keeps of a grey level."""

"""Start of a run of `train`: the request, the initial network, and the run.

What belongs here: `request`, the checked command line; `beginnings`, one function for each kind of
initial network; `resume`, continuing a run; `begin`, which makes the run.
"""

"""How a run of `train` begins: what is asked for, from which network, and the run itself.

What belongs here: `request`, what the command line asks for; `beginnings`, one function for each
network that a run can begin with; `resume`, the run that goes on; `begin`, which makes the run.
"""

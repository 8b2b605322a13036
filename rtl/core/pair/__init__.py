"""Parts of the datapath that only exist with two events a cycle.

What belongs here: components that replace those of `rtl.core` of the same purpose.
"""

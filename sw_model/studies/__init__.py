"""Studies: each measures something of many networks and writes a report with figures.

What belongs here: a package a study. It may import all of `sw_model`; nothing imports a study.
"""

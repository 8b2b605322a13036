"""Studies: each compares networks or codes and writes a report with figures.

What belongs here: one package for each study. It may import all of `sw_model`; nothing imports a
study.
"""

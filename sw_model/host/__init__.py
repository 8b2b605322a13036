"""Programs for the computer beside the hardware: the board's client, the register driver.

What belongs here: what talks to hardware, over a serial line or a bus. It imports
`sw_model.pictures`, `sw_model.spec` and `sw_model.support`.
"""

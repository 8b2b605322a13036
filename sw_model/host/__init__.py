"""Host software: the client of the board, and the driver of the registers.

The package holds all code that talks to hardware, over a serial line or a bus. It imports
`sw_model.pictures`, `sw_model.spec` and `sw_model.support`.
"""

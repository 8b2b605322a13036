"""What an engine tells whoever runs the strips, and whoever counts."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out


class StatusSignature(wiring.Signature):
    """How far a strip is, as the engine that runs it tells it.

    Members
    -------
    complete : Out(1)
        The whole strip is on its way to memory.
    reader_idle, writer_idle : Out(1)
        All that was asked for has come; all rows are written, and the memory has said so.
    read_failed, write_failed, beyond : Out(1)
        What can go wrong with the memory: errors that it answers with, an address beyond 4 GiB.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "complete": Out(1),
                "reader_idle": Out(1),
                "writer_idle": Out(1),
                "read_failed": Out(1),
                "write_failed": Out(1),
                "beyond": Out(1),
            }
        )


class ActivitySignature(wiring.Signature):
    """What engines do in a cycle, as they tell it, a bit for each.

    Parameters
    ----------
    engines
        How many there are.

    Members
    -------
    beat, held, event : Out(engines)
        Of their synapse arrays, as in `Datapath`.
    waiting : Out(engines)
        These have nothing because memory has not given it yet.
    read, written : Out(engines)
        A word comes from memory, goes there.
    """

    def __init__(self, engines: int = 1) -> None:
        super().__init__(
            {
                "beat": Out(engines),
                "held": Out(engines),
                "event": Out(engines),
                "waiting": Out(engines),
                "read": Out(engines),
                "written": Out(engines),
            }
        )

"""Status of an engine for the sequencer, and its activity for the counters."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out


class StatusSignature(wiring.Signature):
    """Progress of a strip, seen from the engine that runs it.

    Members
    -------
    complete : Out(1)
        The whole strip is on its way to memory.
    reader_idle, writer_idle : Out(1)
        All requested words have arrived; the memory has confirmed all writes.
    read_failed, write_failed, beyond : Out(1)
        The memory answers a read or a write with an error; an address lies beyond 4 GiB.
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
    """What the engines do in a cycle, one bit per engine, seen from the engines.

    Parameters
    ----------
    engines
        Number of engines.

    Members
    -------
    beat, held, event : Out(engines)
        Of their synapse arrays, as in `Datapath`.
    waiting : Out(engines)
        The engine waits for words from memory.
    read, written : Out(engines)
        A word comes from memory; a word goes to memory.
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

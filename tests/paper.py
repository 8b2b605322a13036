"""Values printed in the paper, arXiv 2305.11898."""

TABLE_1 = {
    # k: timesteps 0 to 7, firing rate.
    0: ("1 1 1 1 1 1 1 1", 1.0),
    1: ("0 1 0 1 0 1 0 1", 0.5),
    2: ("0 0 1 0 0 1 0 0", 0.25),
    3: ("0 0 0 1 0 0 0 1", 0.25),
    4: ("0 0 0 0 1 0 0 0", 0.125),
    5: ("0 0 0 0 0 1 0 0", 0.125),
    6: ("0 0 0 0 0 0 1 0", 0.125),
    7: ("0 0 0 0 0 0 0 1", 0.125),
    8: ("0 0 0 0 0 0 0 0", 0.0),
}


def spikes_of(row: int) -> list[int]:
    """The eight spikes of a row of Table 1."""
    return [int(spike) for spike in TABLE_1[row][0].split()]

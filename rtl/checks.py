"""Checks of component parameters."""


def check_positive(**values: object) -> None:
    """Raise TypeError unless every keyword's value is an integer of 1 or more."""
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise TypeError(f"{name} must be an integer of 1 or more, not {value!r}")

"""Offer what goes without transfer: training from a random start, and a probe of the pixels themselves."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `scratch` and `pixel-probe`."""
    from tlbench_scratch.pixel_probe import PixelProbe
    from tlbench_scratch.scratch import Scratch

    return [Scratch, PixelProbe]

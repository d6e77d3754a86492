"""Make a suite into a plan: cells with every name resolved, and skips with their reasons."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

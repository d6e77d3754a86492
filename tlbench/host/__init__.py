"""Find plugins, keep the broken ones with their cause, and look up what the others offer."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

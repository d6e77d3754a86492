"""Define the one error of the conformance kit."""

from tlbench.errors import TlbenchError


class ConformanceError(TlbenchError):
    """Report a plugin that breaks a rule of the benchmark: the text says which, where and how to mend it."""

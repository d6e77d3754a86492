"""Show what is waited for: what commands of plugins need of `tlbench.running`, beside the rest of the command line."""

from tlbench.running import seconds_in_words, showing_waits

__all__ = ["seconds_in_words", "showing_waits"]

"""Compute every seed from an address: the hash of the root seed, a purpose and named dimensions.

No purpose depends on the strategy. That is what makes comparisons paired.
"""

import hashlib
import json


def derive(root: int, purpose: str, **dimensions: str | int) -> int:
    """Return a seed in [0, 2**63) for a purpose; equal arguments give equal seeds on every machine."""
    address = json.dumps([root, purpose, dimensions], sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(address.encode()).digest()[:8], "big") >> 1

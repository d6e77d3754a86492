"""Find a plugin as a run would: through its entry point."""

from tlbench.host import Catalog, Found, Host, look_up


def installed(name: str, kind: str = "") -> Found:
    """Return the installed thing of a name, with its kind and origin: "am I found?" for a plugin's own tests.

    `name` is what a user types, parameters included: `l1-sp(alpha=0.1)`, `small-conv@own.safetensors`. `kind` is
    `strategy`, `backbone`, `dataset`, `metric` or `reporter`, where things of several kinds have the name. Raises
    UnknownNameError with the nearest name, and what is broken, where nothing has it.
    """
    found = look_up(name, Catalog(Host()))
    return next((each for each in found if each.kind == kind), found[0])

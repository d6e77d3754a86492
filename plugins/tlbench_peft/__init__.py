"""Parameter-efficient fine-tuning by the library peft."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Return the strategies; imported here so that finding the plugin stays cheap."""
    return []

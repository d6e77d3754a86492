"""Offer parameter-efficient fine-tuning by the library peft, on any backbone whose layers it can adapt."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer the strategies; peft itself is imported when one of them is fitted."""
    from tlbench_peft.ia3 import PeftIA3
    from tlbench_peft.loha import PeftLoha
    from tlbench_peft.lokr import PeftLokr
    from tlbench_peft.lora import PeftLora
    from tlbench_peft.oft import PeftOft

    return [PeftIA3, PeftLoha, PeftLokr, PeftLora, PeftOft]

"""Check identities of multi-task learning: what a method must equal where it comes down to a simpler one."""

from dataclasses import replace

from tlbench import Budget, predict
from tlbench.learning import seed_everything
from tlbench_golden.check import Checks, Setup
from tlbench_golden.toy import CPU, TOY, bench_of, largest_difference, logits, test_inputs

CHECKS = Checks()


@CHECKS.identity("multi-head", of="multi-head without further columns", says="finetune to the bit")
def multi_head_of_one_head(setup: Setup) -> float:
    """Compare logits of multi-head on a task without further columns, and of finetune."""
    from tlbench_finetune.finetune import Finetune
    from tlbench_multitask.multi_head import MultiHead

    strategy = MultiHead()
    task = replace(TOY.task(strategy.needs(), Budget.parse("4-shot"), validation=False), further=())
    seed_everything(1)
    classifier = strategy.fit(task, bench_of())
    return largest_difference(predict(classifier, test_inputs(), CPU), logits(Finetune()))

"""Train a network in the way that most of the fine-tuning methods come down to."""

from collections.abc import Sequence

from torch import nn

from tlbench import Recipe


def tune(
    task,
    bench,
    recipe: Recipe,
    head: nn.Module,
    backbone: nn.Module,
    head_rate: float,
    *,
    loss=None,
    frozen: Sequence[nn.Module] = (),
    fixed_statistics: bool = True,
) -> nn.Module:
    """Train head and backbone on the task's labels and return them as one classifier.

    The head learns `head_rate` times faster. The loss is the cross-entropy unless given; batch-norm statistics
    stay as they were unless told otherwise.
    """
    return bench.train(
        bench.classifier(head, backbone),
        loss or bench.cross_entropy(recipe),
        task.train,
        recipe=recipe,
        groups=[(head, head_rate)],
        frozen=frozen,
        fixed_statistics=fixed_statistics,
    )

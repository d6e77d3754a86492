"""Fine-tune on labels and on the certainty of predictions for the queries."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch.nn import functional as F

from tlbench import Family, Requirements, Strategy
from tlbench_fewshot.heads import Cosine, class_means


@dataclass(frozen=True)
class TransductiveFinetune(Strategy):
    """Fine-tune on the labels and on the certainty about the queries (Dhillon et al., 2020, arXiv:1909.02729).

    The whole network learns, its batch-norm statistics apart. The head starts at the class means.
    """

    name = "transductive-finetune"
    family = Family.FEWSHOT
    requires = Requirements(transductive=True, pretrained=True)

    scale: Annotated[float, Gt(0)] = 1.0  # multiplies the cosines
    lr: Annotated[float, Gt(0)] = 5e-5  # of Adam
    steps: Annotated[int, Gt(0)] = 25  # of Adam; the paper has 25 epochs

    def fit(self, task, bench):
        """Return the fine-tuned network."""
        means = class_means(bench.features(task.train.inputs), task.train.labels)
        model = bench.classifier(Cosine(means, self.scale), bench.backbone())
        recipe = bench.recipe.but(
            optimizer="adamw", lr=self.lr, weight_decay=0.0, steps=self.steps, schedule="constant", warmup=0.0
        )
        return bench.train(model, certainty_loss, task.train, task.queries, recipe=recipe, fixed_statistics=True)


def certainty_loss(model: torch.nn.Module, batch: tuple[torch.Tensor, torch.Tensor], queries: torch.Tensor):
    """Return the cross-entropy of labelled inputs plus the mean entropy of the queries' predictions (equation 8)."""
    inputs, labels = batch
    logits = model(torch.cat([inputs, queries]))
    log_shares = logits[len(inputs) :].log_softmax(dim=1)
    return F.cross_entropy(logits[: len(inputs)], labels) - (log_shares.exp() * log_shares).sum(dim=1).mean()

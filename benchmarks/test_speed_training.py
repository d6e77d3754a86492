"""The training loop against a bare PyTorch loop on the same tensors: what the loop's services cost."""

import pytest
import torch
from torch import nn

from tlbench import Labelled, Recipe
from tlbench.learning import cross_entropy, train

STEPS, BATCH = 20, 32
DEVICE = torch.device("cpu")


@pytest.fixture
def problem(resources, digits):
    entry = resources.backbone("test_resnet.glyphs")
    model = nn.Sequential(entry.backbone.build(entry.weights), nn.Linear(96, 10))
    return model, Labelled(digits.inputs, torch.from_numpy(digits.labels))


def ours(model, data, augment):
    recipe = Recipe(steps=STEPS, batch_size=BATCH, augment=augment)
    return train(model, cross_entropy(), [data], recipe, device=DEVICE, order_seed=0).final_loss


def bare(model, data):
    """The same optimiser, batches and clipping, and nothing else."""
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for rows in torch.randperm(len(data))[: STEPS * BATCH].split(BATCH):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(data.inputs[rows]), data.labels[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return float(loss.detach())


@pytest.mark.benchmark(group="training loop")
@pytest.mark.parametrize("loop", ["bare PyTorch", "tlbench", "tlbench with augmentation"])
def test_training_loop(benchmark, problem, loop):
    model, data = problem
    run = {
        "bare PyTorch": lambda: bare(model, data),
        "tlbench": lambda: ours(model, data, "none"),
        "tlbench with augmentation": lambda: ours(model, data, "shift"),
    }[loop]
    loss = benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    assert loss > 0

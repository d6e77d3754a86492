"""The cross-entropy that strategies share, with what the recipe mixes in."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tlbench import Recipe
from tlbench.learning import Setting, Workbench, cross_entropy


def batch(dtype=torch.float32):
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 255, (6, 5), generator=draw).to(dtype), torch.arange(6) % 3


class Seen(nn.Module):
    """A linear network that keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 3)

    def forward(self, inputs):
        self.inputs = inputs
        return self.linear(inputs.float())


def test_without_mixup_it_is_torchs_own():
    model, (inputs, labels) = Seen(), batch()
    expected = F.cross_entropy(model(inputs), labels, label_smoothing=0.1)
    assert torch.equal(cross_entropy(0.1)(model, (inputs, labels)), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_mixup_is_the_loss_of_mixed_inputs_against_labels_mixed_alike(smoothing):
    model, inputs, labels = Seen(), torch.eye(5), torch.arange(5) % 3
    loss = cross_entropy(smoothing, mixup=1.0, generator=torch.Generator().manual_seed(3))(model, (inputs, labels))
    own = model.inputs.diagonal()  # an example's share in its own row; the partner's stands in the partner's column
    partners = torch.where(own < 1, (model.inputs - own.diag()).argmax(dim=1), torch.arange(5))
    share = own[own < 1][0]
    assert (own < 1).sum() >= 2
    assert torch.allclose(model.inputs, share * inputs + (1 - share) * inputs[partners])
    targets = share * F.one_hot(labels, 3) + (1 - share) * F.one_hot(labels[partners], 3)
    expected = F.cross_entropy(model(model.inputs), targets, label_smoothing=smoothing)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_mixed_bytes_stay_bytes():
    model, data = Seen(), batch(torch.uint8)
    cross_entropy(mixup=1.0, generator=torch.Generator().manual_seed(3))(model, data)
    assert model.inputs.dtype == torch.uint8


def test_mixup_draws_from_its_own_generator_alone():
    model, data = Seen(), batch()
    losses = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        losses.append(cross_entropy(mixup=0.4, generator=torch.Generator().manual_seed(3))(model, data))
    assert torch.equal(*losses)


def test_the_benchs_head_and_loss_follow_the_recipe(resources):
    entry = resources.backbone("tiny.corners")

    def bench(**recipe):
        return Workbench(Setting(entry.backbone, entry.weights, 3, Recipe(**recipe), torch.device("cpu"), 0, 0))

    assert isinstance(bench().head(), nn.Linear)
    dropping = bench(dropout=0.5).head()
    assert isinstance(dropping[0], nn.Dropout)
    assert dropping[0].p == 0.5
    features = torch.ones(2000, 8)
    assert 0.4 < (dropping.train()[0](features) == 0).float().mean() < 0.6
    assert torch.equal(dropping.eval()(features), dropping[1](features))
    model, data = Seen(), batch()
    assert bench().cross_entropy()(model, data) != bench(label_smoothing=0.3).cross_entropy()(model, data)
    assert bench().cross_entropy()(model, data) != bench(mixup=0.5).cross_entropy()(model, data)
    smooth = bench().recipe.but(label_smoothing=0.3)
    assert bench().cross_entropy(smooth)(model, data) == bench(label_smoothing=0.3).cross_entropy()(model, data)

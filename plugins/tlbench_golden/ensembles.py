"""Check identities of ensembles: what a method must equal where it comes down to a simpler one."""

import torch
from torch import nn

from tlbench_golden.check import Checks, Setup
from tlbench_golden.samples import gaussian
from tlbench_golden.toy import difference_to_finetune, largest_difference, logits

CHECKS = Checks()


@CHECKS.identity("vote", of="a vote of one member", says="the member's probabilities", band=(0, 1e-5))
def vote_of_one(setup: Setup) -> float:
    """Compare probabilities of a soft vote of one member and of the member."""
    from tlbench_ensemble.vote import Soft

    member = gaussian(20, 5)
    return largest_difference(Soft()(member[:, None]).softmax(1), member.softmax(1))


@CHECKS.identity("stacking", of="stacking without evidence", says="the plain mean of log probabilities", band=(0, 1e-5))
def stacking_without_evidence(setup: Setup) -> float:
    """Compare logits where the likelihood has next to no weight, against the mean over members."""
    from tlbench_ensemble.stacking import Combination, maximise

    members, labels = gaussian(20, 3, 5), torch.arange(20) % 5
    model = Combination(torch.ones(3) / 3)
    maximise(model, members, labels, strength=1e-9)
    return largest_difference(model(members), members.log_softmax(2).mean(1))


@CHECKS.identity("bagging", of="Breiman, 1996, section 4", says="the members' mean probabilities", band=(0, 1e-5))
def bagging_averages_probabilities(setup: Setup) -> float:
    """Compare probabilities of three different members' average and their mean."""
    from tlbench_ensemble.averaging import Averaged

    members, inputs = [nn.Linear(8, 5) for _ in range(3)], gaussian(12, 8)
    with torch.no_grad():
        for seed, member in enumerate(members):
            member.weight.copy_(gaussian(5, 8, seed=seed))
        wanted = torch.stack([member(inputs).softmax(1) for member in members]).mean(0)
        return largest_difference(Averaged(members)(inputs).softmax(1), wanted)


@CHECKS.identity("model-soup", "finetune", of="a soup of one ingredient", says="finetune to the bit")
def soup_of_one(setup: Setup) -> float:
    """Compare logits of a soup of one fine-tuning, at finetune's own rate, and finetune."""
    from tlbench_ensemble.model_soup import ModelSoup
    from tlbench_finetune.finetune import Finetune

    return difference_to_finetune(ModelSoup(lrs=(Finetune().lr,), orders=1))


@CHECKS.identity("snapshot", "finetune", of="one cycle", says="finetune without warm-up", band=(0, 1e-5))
def snapshot_of_one_cycle(setup: Setup) -> float:
    """Compare probabilities of snapshot(cycles=1) and finetune."""
    from tlbench_ensemble.snapshot import Snapshot
    from tlbench_finetune.finetune import Finetune

    ours, theirs = logits(Snapshot(cycles=1)), logits(Finetune(), warmup=0.0)
    return largest_difference(ours.softmax(1), theirs.softmax(1))

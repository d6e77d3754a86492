"""Compare few-shot heads with easyfsl's, label propagation with scikit-learn's, siamese losses with PyTorch's."""

import warnings
from importlib import import_module

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlbench import Labelled, Recipe
from tlbench.learning import seeded, train
from tlbench_golden.check import Checks, Setup
from tlbench_golden.samples import few_shot, gaussian
from tlbench_golden.toy import CPU, largest_difference

CHECKS = Checks()
FULL_BATCH = Recipe(
    optimizer="adamw", lr=1e-2, weight_decay=0.0, steps=20, batch_size=1000, schedule="constant", warmup=0.0,
    clip_norm=0.0, augment="none",
)  # fmt: skip


def agrees(*methods: str, package: str = "easyfsl", reference: str):
    """Register a check whose figure is the largest difference of logits."""
    source = {"sklearn": "scikit-learn", "torch": "PyTorch"}.get(package, package)
    return CHECKS.figure(
        *methods, kind="reference", source=source, reference=reference, band=(0.0, 1e-4), packages=(package,)
    )


def easyfsl(name: str, support: Tensor, labels: Tensor, queries: Tensor, **arguments) -> Tensor:
    """Return the scores that a classifier of easyfsl gives to queries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = getattr(import_module("easyfsl.methods"), name)(**arguments)
    classifier.process_support_set(support, labels)
    return classifier(queries).detach()


def trained(head: nn.Module, loss, *streams) -> nn.Module:
    """Train a head by twenty steps of Adam over whole streams, as easyfsl does."""
    train(head, loss, streams, FULL_BATCH, device=CPU, order_seed=0)
    return head


@agrees("prototypes", reference="PrototypicalNetworks")
def prototypes_are_easyfsls(setup: Setup) -> float:
    """Compare distances of queries from the class means."""
    from tlbench_fewshot.heads import NearestMean, class_means

    support, labels, queries = few_shot()
    ours = NearestMean(class_means(support, labels))(queries)
    return largest_difference(-(-ours).sqrt(), easyfsl("PrototypicalNetworks", support, labels, queries))


@agrees("matching", reference="MatchingNetworks, its context encoders left out")
def matching_is_easyfsls(setup: Setup) -> float:
    """Compare log shares of the attention over the support."""
    from tlbench_fewshot.matching import Attention

    support, labels, queries = few_shot()
    theirs = easyfsl(
        "MatchingNetworks", support, labels, 10 * F.normalize(queries, dim=1),
        feature_dimension=16, support_encoder=_NoContext(), query_encoder=_NoCell(),
    )  # fmt: skip
    return largest_difference(Attention(support, labels, 10.0)(queries), theirs)


class _NoContext(nn.Module):
    def forward(self, features):
        return (torch.zeros(1, features.shape[1], 32),)


class _NoCell(nn.Module):
    def forward(self, _, states):
        return torch.zeros_like(states[0]), states[1]


@agrees("relation", reference="RelationNetworks with the same relation module")
def relation_is_easyfsls(setup: Setup) -> float:
    """Compare relation scores of queries to the class means."""
    from tlbench_fewshot.heads import class_means
    from tlbench_fewshot.relation import Relations, relation_module

    support, labels, queries = few_shot()
    with seeded(0):
        module = relation_module(16, 8).eval()
    maps = (support[:, :, None, None], labels, queries[:, :, None, None])
    theirs = easyfsl(
        "RelationNetworks", *maps, feature_dimension=16, relation_module=nn.Sequential(nn.Flatten(), module)
    )
    with torch.no_grad():
        return largest_difference(Relations(module, class_means(support, labels))(queries), theirs)


@agrees("simpleshot", reference="PrototypicalNetworks(feature_centering, feature_normalization=2)")
def simpleshot_is_easyfsls(setup: Setup) -> float:
    """Compare distances from the class means of centred features of length 1 (CL2N)."""
    from tlbench_fewshot.simpleshot import centroids

    support, labels, queries = few_shot()
    centre = torch.full((16,), 0.3)
    ours = centroids(support, labels, centre, unit=True)(queries)
    theirs = easyfsl(
        "PrototypicalNetworks", support, labels, queries, feature_centering=centre, feature_normalization=2
    )
    return largest_difference(-(-ours).sqrt(), theirs)


@agrees("baseline++", reference="Finetune(fine_tuning_steps=20): a cosine head")
def baseline_plus_plus_is_easyfsls(setup: Setup) -> float:
    """Compare logits of a cosine head after 20 steps from the class means."""
    from tlbench_fewshot.heads import Cosine, class_means

    support, labels, queries = few_shot()
    head = trained(
        Cosine(class_means(support, labels), 4.0),
        lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]),
        Labelled(support, labels),
    )
    theirs = easyfsl("Finetune", support, labels, queries, fine_tuning_steps=20, fine_tuning_lr=1e-2, temperature=4.0)
    return largest_difference(head(queries), 4 * theirs)


@agrees("tim", reference="TIM(fine_tuning_steps=20) on its cosines")
def tim_is_easyfsls(setup: Setup) -> float:
    """Compare logits after 20 steps on the loss of equation 3."""
    from tlbench_fewshot.heads import Cosine, class_means
    from tlbench_fewshot.tim import information_loss

    support, labels, queries = few_shot()

    def loss(model, batch, unlabelled):
        return information_loss(model(batch[0]), batch[1], model(unlabelled), (1.0, 1.0, 0.1))

    head = trained(Cosine(class_means(support, labels), 10.0), loss, Labelled(support, labels), queries)
    theirs = easyfsl("TIM", support, labels, queries, fine_tuning_steps=20, fine_tuning_lr=1e-2, temperature=10.0)
    return largest_difference(head(queries), 10 * theirs)


@agrees("transductive-finetune", reference="TransductiveFinetuning(fine_tuning_steps=20), the features frozen")
def transductive_finetune_is_easyfsls(setup: Setup) -> float:
    """Compare scores after 20 steps on labels and certainty, of a head by distances as theirs is."""
    from tlbench_fewshot.heads import class_means
    from tlbench_fewshot.transductive_finetune import certainty_loss

    support, labels, queries = few_shot()
    head = trained(_ByDistance(class_means(support, labels)), certainty_loss, Labelled(support, labels), queries)
    theirs = easyfsl("TransductiveFinetuning", support, labels, queries, fine_tuning_steps=20, fine_tuning_lr=1e-2)
    return largest_difference(head(queries), theirs)


class _ByDistance(nn.Module):
    def __init__(self, means: Tensor) -> None:
        super().__init__()
        self.means = nn.Parameter(means)

    def forward(self, features: Tensor) -> Tensor:
        return -torch.cdist(features, self.means)


@agrees("laplacian-shot", reference="LaplacianShot(knn=3, lambda_regularization=0.7)")
def laplacian_shot_is_easyfsls(setup: Setup) -> float:
    """Compare assignments of the queries; theirs is given queries that are shifted already, as in the authors' code."""
    from tlbench_fewshot.laplacian_shot import Assignment

    support, labels, queries = few_shot()
    unit = [F.normalize(each, dim=1) for each in (support, queries)]
    shifted = unit[1] + unit[0].mean(0) - unit[1].mean(0)
    theirs = easyfsl("LaplacianShot", unit[0], labels, shifted, inference_steps=20, knn=3, lambda_regularization=0.7)
    return largest_difference(Assignment(support, labels, 3, 0.7, True, 20)(queries).exp(), theirs)


@agrees("label-propagation", package="sklearn", reference="LabelSpreading(alpha=0.5) on the same affinities")
def label_propagation_is_scikit_learns(setup: Setup) -> float:
    """Compare shares of the classes for the queries."""
    from sklearn.semi_supervised import LabelSpreading

    from tlbench_fewshot.label_propagation import Spreading, affinity

    support, labels, queries = few_shot()
    ours = Spreading(support, labels, alpha=0.5, k=10, sigma=1.0)(queries).exp() - 1e-6
    everything = F.normalize(torch.cat([support, queries]), dim=1)
    graph = affinity(everything, 10, 1.0).toarray()
    known = torch.cat([labels, torch.full((len(queries),), -1)]).numpy()
    model = LabelSpreading(kernel=lambda one, other: graph, alpha=0.5, max_iter=2000, tol=1e-12)
    theirs = model.fit(everything.numpy(), known).label_distributions_[len(support) :]
    return largest_difference(ours, torch.from_numpy(theirs))


@agrees("siamese", package="torch", reference="TripletMarginLoss on squared distances, the negative chosen by hand")
def siamese_triplets_are_torchs(setup: Setup) -> float:
    """Compare the triplet loss with semi-hard negatives."""
    from tlbench_fewshot.siamese import pairwise, triplet_loss

    features, labels = F.normalize(gaussian(12, 8), dim=1), torch.arange(12) % 3
    squared = pairwise(features)
    losses = []
    for anchor in range(12):
        for positive in range(12):
            if positive == anchor or labels[positive] != labels[anchor]:
                continue
            others = [row for row in range(12) if labels[row] != labels[anchor]]
            farther = [row for row in others if squared[anchor, row] > squared[anchor, positive]]
            pick = min(farther, key=lambda row: squared[anchor, row]) if farther else None
            negative = pick if pick is not None else max(others, key=lambda row: squared[anchor, row])
            rows = (features[row][None] for row in (anchor, positive, negative))
            losses.append(
                F.triplet_margin_with_distance_loss(
                    *rows, distance_function=lambda one, other: (one - other).square().sum(1), margin=0.2
                )
            )
    return largest_difference(triplet_loss(squared, labels, 0.2), torch.stack(losses).mean())


@agrees("anil", package="torch", reference="gradient descent by autograd, second order included")
def anil_differentiates_its_inner_steps(setup: Setup) -> float:
    """Compare the adapted head, and the gradient of a loss of it by the features."""
    from tlbench_fewshot.anil import adapted_head

    support, labels, queries = few_shot(2)
    found = []
    for by_hand in (True, False):
        features = support.clone().requires_grad_()
        if by_hand:
            weight, bias = torch.zeros(5, 16, requires_grad=True), torch.zeros(5, requires_grad=True)
            for _ in range(3):
                inner = F.cross_entropy(F.linear(features, weight, bias), labels)
                slopes = torch.autograd.grad(inner, (weight, bias), create_graph=True)
                weight, bias = weight - 0.1 * slopes[0], bias - 0.1 * slopes[1]
        else:
            weight, bias = adapted_head(features, labels, 0.1, 3)
        F.linear(queries, weight, bias).square().mean().backward()
        found.append(torch.cat([weight.detach().flatten(), bias.detach(), features.grad.flatten()]))
    return largest_difference(*found)

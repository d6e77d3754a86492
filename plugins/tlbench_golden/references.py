"""Compare methods step for step with reference implementations, on the same tensors."""

import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tlbench.learning import generator, seeded
from tlbench_golden.check import Checks, Setup
from tlbench_golden.samples import few_shot, gaussian, pictures
from tlbench_golden.toy import largest_difference

CHECKS = Checks()
CLOSE = (0.0, 1e-4)  # a largest difference between float32 results of two orders of summation


def agrees(*methods: str, package: str, reference: str, band: tuple[float, float] = CLOSE):
    """Register a check whose figure is a largest difference from a package's own result."""
    source = {"sklearn": "scikit-learn", "torch": "PyTorch"}.get(package, package)
    return CHECKS.figure(*methods, kind="reference", source=source, reference=reference, band=band, packages=(package,))


# ---- probes -----------------------------------------------------------------------------------------------------


@agrees("linear-probe", package="sklearn", reference="LogisticRegression.predict_log_proba")
def linear_probe_is_scikit_learns(setup: Setup) -> float:
    """Compare log probabilities of queries, features being centred and divided by their root mean square."""
    from sklearn.linear_model import LogisticRegression

    from tlbench import linear_layer, logistic_regression

    support, labels, queries = few_shot()
    features, labels = support.double().numpy(), labels.numpy()
    mean = features.mean(axis=0)
    scale = np.sqrt(np.square(features - mean).mean())
    solved = LogisticRegression(max_iter=1000).fit((features - mean) / scale, labels)
    wanted = solved.predict_log_proba((queries.double().numpy() - mean) / scale)
    with torch.no_grad():
        ours = linear_layer(*logistic_regression(features, labels))(queries).log_softmax(1)
    return largest_difference(ours, torch.tensor(wanted))


@agrees(
    "pixel-probe", package="sklearn", reference="LogisticRegression.predict_log_proba on block means", band=(0, 1e-3)
)
def pixel_probe_is_scikit_learns(setup: Setup) -> float:
    """Compare log probabilities of queries, images being averaged in blocks by reshaping."""
    from sklearn.linear_model import LogisticRegression

    from tlbench import linear_layer, logistic_regression
    from tlbench_scratch.pixel_probe import Shrink

    images, targets = pictures()
    labels = targets.numpy()
    blocks = (images.double() / 255).reshape(len(images), 3, 4, 8, 4, 8).mean(dim=(3, 5)).flatten(1).numpy()
    known, asked = slice(0, 40), slice(40, None)
    mean = blocks[known].mean(axis=0)
    scale = np.sqrt(np.square(blocks[known] - mean).mean())
    solved = LogisticRegression(max_iter=1000).fit((blocks[known] - mean) / scale, labels[known])
    wanted = solved.predict_log_proba((blocks[asked] - mean) / scale)
    shrink = Shrink(4)
    weight, bias = logistic_regression(shrink(images[known]).double().numpy(), labels[known])
    with torch.no_grad():
        ours = linear_layer(weight, bias)(shrink(images[asked])).log_softmax(1)
    return largest_difference(ours, torch.tensor(wanted))


@agrees("ridge-probe", package="sklearn", reference="Ridge(alpha=1).predict")
def ridge_probe_is_scikit_learns(setup: Setup) -> float:
    """Compare scores of queries, by the dual system (fewer examples than features) and by the primal one."""
    from sklearn.linear_model import Ridge

    from tlbench_extract.ridge_probe import ridge_regression

    worst = 0.0
    for shots in (2, 10):
        support, labels, queries = (part.double().numpy() for part in few_shot(shots))
        targets = 2 * np.eye(5)[labels.astype(int)] - 1
        weight, bias = ridge_regression(support, targets, 1.0)
        wanted = Ridge(alpha=1.0).fit(support, targets).predict(queries)
        worst = max(worst, float(np.abs(queries @ weight.T + bias - wanted).max()))
    return worst


@agrees("nearest-mean", package="sklearn", reference="NearestCentroid.predict", band=(0, 0))
def nearest_mean_is_scikit_learns(setup: Setup) -> float:
    """Measure share of queries that are classified otherwise."""
    from sklearn.neighbors import NearestCentroid

    from tlbench_extract.nearest_mean import DistanceToMeans, class_means

    support, labels, queries = few_shot()
    ours = DistanceToMeans(class_means(support, labels, 5), unit=False)(queries).argmax(1)
    return float((ours.numpy() != NearestCentroid().fit(support.numpy(), labels).predict(queries.numpy())).mean())


@agrees("nearest-neighbours", package="sklearn", reference="KNeighborsClassifier, weighed by exp(cosine / 0.07)")
def nearest_neighbours_is_scikit_learns(setup: Setup) -> float:
    """Compare shares of the votes of 5 neighbours by cosine."""
    from sklearn.neighbors import KNeighborsClassifier

    from tlbench_extract.nearest_neighbours import Vote

    support, labels, queries = few_shot()
    votes = F.one_hot(labels).float()
    ours = Vote(F.normalize(support, dim=1), votes, 5, 0.07)(queries).exp() - 1e-6
    model = KNeighborsClassifier(5, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07))
    wanted = model.fit(support.numpy(), labels).predict_proba(queries.numpy())
    return largest_difference(ours, torch.tensor(wanted))


# ---- clustering -------------------------------------------------------------------------------------------------


def _points() -> np.ndarray:
    return few_shot(2, 4, 20)[2].double().numpy()


@agrees("agglomerative", package="sklearn", reference="AgglomerativeClustering.fit_predict", band=(0, 0))
def agglomerative_is_scikit_learns(setup: Setup) -> float:
    """Return one minus the adjusted Rand index of both clusterings."""
    from sklearn.cluster import AgglomerativeClustering

    from tlbench_unsupervised.agglomerative import Agglomerative

    return _apart(Agglomerative(), AgglomerativeClustering(4).fit_predict(_points()))


@agrees("spectral", package="sklearn", reference="SpectralClustering.fit_predict", band=(0, 0))
def spectral_is_scikit_learns(setup: Setup) -> float:
    """Return one minus the adjusted Rand index of both clusterings."""
    from sklearn.cluster import SpectralClustering

    from tlbench_unsupervised.spectral import Spectral

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SpectralClustering(4, affinity="nearest_neighbors", n_neighbors=10, random_state=0)
        return _apart(Spectral(), model.fit_predict(_points()))


@agrees("pca-kmeans", package="sklearn", reference="PCA and KMeans in a pipeline", band=(0, 0))
def pca_kmeans_is_scikit_learns(setup: Setup) -> float:
    """Return one minus the adjusted Rand index of both clusterings."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline

    from tlbench_unsupervised.clustering import drawn_seed
    from tlbench_unsupervised.pca_kmeans import PcaKMeans

    seed = drawn_seed(generator(0))
    model = make_pipeline(PCA(16), KMeans(4, n_init=10, random_state=seed))
    return _apart(PcaKMeans(), model.fit_predict(_points()))


def _apart(strategy, wanted: np.ndarray) -> float:
    """Return how far a strategy's clusters of the points, as features, are from the wanted ones."""
    from sklearn.metrics import adjusted_rand_score

    from tlbench import Task

    points = torch.from_numpy(_points()).float()
    task = Task(tuple("abcd"), train=None, unlabelled=points, queries=points)
    head = strategy.fit(task, _FeatureBench())
    return 1 - float(adjusted_rand_score(wanted, head(points).argmax(1).numpy()))


class _FeatureBench:
    """A bench whose inputs are features already."""

    def features(self, inputs):
        return inputs

    def classifier(self, head):
        return head

    def generator(self, purpose):
        return generator(0)


# ---- adaptation -------------------------------------------------------------------------------------------------


@agrees("coral", package="skada", reference="deepcoral_loss")
def coral_is_skadas(setup: Setup) -> float:
    """Compare the loss of two samples of features."""
    losses = _skada("losses")
    from tlbench_adapt.coral import coral_loss

    source, target = gaussian(40, 8), 2 * gaussian(30, 8, seed=1)
    return largest_difference(coral_loss(source, target), losses.deepcoral_loss(source, target))


@agrees("mcc", package="skada", reference="mcc_loss(T=2.5)")
def mcc_is_skadas(setup: Setup) -> float:
    """Compare the loss of a batch of logits."""
    losses = _skada("losses")
    from tlbench_adapt.mcc import class_confusion

    logits = 2 * gaussian(36, 10)
    return largest_difference(class_confusion(logits, 2.5), losses.mcc_loss(logits, T=2.5))


@agrees("mmd", package="sklearn", reference="rbf_kernel, mean over the multipliers")
def mmd_is_a_difference_of_kernel_means(setup: Setup) -> float:
    """Compare the biased squared discrepancy of two samples."""
    from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

    from tlbench_adapt.mmd import squared_mmd

    source, target = gaussian(20, 8), 1 + gaussian(15, 8, seed=1)
    both = torch.cat([source, target]).double().numpy()
    distances = euclidean_distances(both, squared=True)
    width = torch.tensor(distances[~np.eye(len(both), dtype=bool)]).median().item()
    kernel = np.mean([rbf_kernel(both, gamma=1 / (width * each)) for each in (0.5, 1, 2)], axis=0)
    wanted = kernel[:20, :20].mean() + kernel[20:, 20:].mean() - 2 * kernel[:20, 20:].mean()
    return abs(float(squared_mmd(source, target, [0.5, 1.0, 2.0])) - wanted)


@agrees("cdan", package="torch", reference="an outer product by einsum")
def cdan_conditions_by_the_outer_product(setup: Setup) -> float:
    """Compare the multilinear map of features and predictions."""
    from tlbench_adapt.cdan import multilinear

    features, predictions = gaussian(12, 8), gaussian(12, 5, seed=1).softmax(1)
    return largest_difference(
        multilinear(features, predictions), torch.einsum("nc,nd->ncd", predictions, features).flatten(1)
    )


@agrees("mdd", package="torch", reference="gamma * cross_entropy - log(1 - softmax), as in equation 30")
def mdd_is_its_equation(setup: Setup) -> float:
    """Compare the loss of the second head."""
    from tlbench_adapt.mdd import margin_disparity

    source, target, first, other = (gaussian(12, 5, seed=seed) for seed in range(4))
    chosen = F.one_hot(other.argmax(1), 5).bool()
    away = -torch.log(1 - target.softmax(1)[chosen]).mean()
    wanted = 4 * F.cross_entropy(source, first.argmax(1)) + away
    return largest_difference(margin_disparity(source, target, first, other, 4.0), wanted)


def _skada(module: str):
    from importlib import import_module

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module(f"skada.deep.{module}")


# ---- fine-tuning ------------------------------------------------------------------------------------------------


@agrees("lora", package="peft", reference="LoraConfig(r=4, lora_alpha=8)")
def lora_is_pefts(setup: Setup) -> float:
    """Compare outputs, and gradients of A and B, of a convolution and a linear layer under equal A and B."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from peft import LoraConfig, inject_adapter_in_model
    from tlbench_finetune.lora import LowRank
    from tlbench_finetune.updates import attach

    def network() -> nn.Sequential:
        with seeded(0):
            return nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(96, 5))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = inject_adapter_in_model(LoraConfig(r=4, lora_alpha=8, target_modules=["0", "3"]), network())
        ours = network().requires_grad_(False)
    layers = attach([ours[0], ours[3]], lambda layer: LowRank(layer.weight, 4, 2.0))
    pairs = []
    for index, layer in zip((0, 3), layers, strict=True):
        update, down, up = layer.parametrizations.weight[0], theirs[index].lora_A.default, theirs[index].lora_B.default
        with torch.no_grad():
            update.b.copy_(gaussian(*update.b.shape, seed=index))
            down.weight.copy_(update.a.view_as(down.weight))
            up.weight.copy_(update.b.view_as(up.weight))
        pairs += [(update.a, down.weight), (update.b, up.weight)]
    inputs = gaussian(4, 3, 8, 8)
    outputs = ours(inputs), theirs(inputs)
    for output in outputs:
        output.square().sum().backward()
    gradients = [
        largest_difference(one.grad, other.grad.view_as(one)) / float(one.grad.abs().max()) for one, other in pairs
    ]
    return max(largest_difference(*outputs) / float(outputs[0].abs().max()), *gradients)


# ---- multi-task and ensembles -----------------------------------------------------------------------------------


@agrees("multi-task", package="torch", reference="arXiv:2001.06782, figure 1: the projection of a conflicting gradient")
def pcgrad_of_two_tasks(setup: Setup) -> float:
    """Compare the combined gradient of two tasks in conflict, against the two projections written out."""
    from tlbench_multitask.surgery import pcgrad

    one, other = torch.tensor([1.0, 0.5]), torch.tensor([-1.0, 0.5])
    wanted = (one - (one @ other) / (other @ other) * other) + (other - (one @ other) / (one @ one) * one)
    return largest_difference(pcgrad(torch.stack([one, other]), generator(0)), wanted)


@agrees("boosting", package="sklearn", reference="AdaBoostClassifier.predict", band=(0, 0))
def boosting_is_scikit_learns(setup: Setup) -> float:
    """Measure share of queries that are classified otherwise, of 10 rounds of trees of depth 2."""
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.tree import DecisionTreeClassifier

    from tlbench_ensemble.boosting import Trees, samme

    support, labels, queries = few_shot(10)
    ours = Trees(*samme(support.numpy(), labels.numpy(), 5, 10, 2, seed=0), 5)(queries).argmax(1)
    theirs = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=10, random_state=0)
    return float((ours.numpy() != theirs.fit(support.numpy(), labels).predict(queries.numpy())).mean())

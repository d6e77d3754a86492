"""Clustering without labels: against scikit-learn, and on awkward batches."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.cluster import AgglomerativeClustering, KMeans, SpectralClustering
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from tlbench import Budget, Labelled, Recipe, Task
from tlbench_unsupervised.agglomerative import Agglomerative
from tlbench_unsupervised.clustering import ClustersOfBatch, drawn_seed
from tlbench_unsupervised.pca_kmeans import PcaKMeans, k_means, principal_components
from tlbench_unsupervised.spectral import Spectral, median_squared_distance

ALL = [
    PcaKMeans(), PcaKMeans(whiten=True), PcaKMeans(scale="normalise"), PcaKMeans(components=2), Spectral(),
    Spectral(affinity="rbf"), Spectral(scale="normalise"), Agglomerative(), Agglomerative(scale="normalise"),
    Agglomerative(linkage="average"), Agglomerative(linkage="complete"), Agglomerative(linkage="single"),
]  # fmt: skip
NAMED = pytest.mark.parametrize("strategy", ALL, ids=lambda each: each.variant)


def images(count, seed):
    """Return images with a bright corner, and which corner it is."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    pixels = draw.integers(0, 40, (count, 1, 8, 8))
    for image, label in zip(pixels, labels, strict=True):
        top, left = 4 * (label // 2), 4 * (label % 2)
        image[0, top : top + 4, left : left + 4] += 150
    return torch.from_numpy(pixels.astype(np.uint8)), labels


@pytest.fixture
def make(tiny_bench):
    """Return a task without labels, and a bench over the pretrained tiny network."""

    def build(count=40, classes=4, replicate=0):
        inputs = images(count, 1)[0]
        nothing = Labelled(inputs[:0], torch.zeros(0, dtype=torch.int64))
        bench = tiny_bench(classes, Recipe(), replicate)
        return Task(tuple("abcdefghijk"[:classes]), nothing, unlabelled=inputs), bench

    return build


def clusters(strategy, inputs, task, bench):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = strategy.fit(task, bench).eval()
        with torch.no_grad():
            return model(inputs)


def same_grouping(one, other):
    return adjusted_rand_score(one, other) == 1.0


@NAMED
def test_clusters_are_one_hot_and_repeat_their_bits(make, strategy):
    inputs, _ = images(30, 2)
    first = clusters(strategy, inputs, *make())
    assert first.shape == (30, 4)
    assert first.dtype == torch.float32
    assert (first.sum(dim=1) == 1).all()
    assert (first.max(dim=1).values == 1).all()
    torch.manual_seed(99)
    np.random.seed(99)
    assert torch.equal(first, clusters(strategy, inputs, *make()))


@NAMED
def test_clear_groups_are_found_without_a_label(make, strategy):
    inputs, labels = images(60, 2)
    assert adjusted_rand_score(labels, clusters(strategy, inputs, *make()).argmax(1).numpy()) > 0.5


@NAMED
def test_a_batch_of_hardly_more_examples_than_clusters_is_no_obstacle(make, strategy):
    task, bench = make()
    for count in (1, 2, 4, 5):
        found = clusters(strategy, images(count, 2)[0], task, bench)
        assert found.shape == (count, 4)
        assert (found.sum(dim=1) == 1).all()


@NAMED
def test_equal_examples_are_no_obstacle(make, strategy):
    inputs = images(1, 2)[0].repeat(25, 1, 1, 1)
    task, bench = make()
    same = Task(task.classes, task.train, unlabelled=inputs)
    found = clusters(strategy, inputs, same, bench)
    assert (found.sum(dim=1) == 1).all()


@NAMED
@pytest.mark.parametrize("classes", [2, 7])
def test_there_are_as_many_columns_as_classes(make, strategy, classes):
    assert clusters(strategy, images(30, 2)[0], *make(classes=classes)).shape == (30, classes)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_training_inputs_than_clusters_leave_clusters_empty(make, count):
    for strategy in (PcaKMeans(), PcaKMeans(whiten=True)):
        inputs, _ = images(30, 2)
        found = clusters(strategy, inputs, *make(count))
        assert found.shape == (30, 4)
        assert len(found.argmax(1).unique()) <= count
        assert torch.isfinite(found).all()


def test_where_examples_are_no_more_than_clusters_each_is_its_own():
    head = ClustersOfBatch(lambda features: pytest.fail("nothing to group"), 4)
    assert torch.equal(head(torch.randn(4, 8)), torch.eye(4))
    assert torch.equal(head(torch.randn(1, 8)), torch.eye(4)[:1])


def test_k_means_clusters_are_scikit_learns_on_its_principal_components(make):
    task, bench = make(count=60)
    inputs, _ = images(50, 2)
    train, test = (bench.features(part).double().numpy() for part in (task.unlabelled, inputs))
    reduction = PCA(3, svd_solver="full").fit(train)
    seed = drawn_seed(bench.generator("k-means"))
    model = KMeans(4, n_init=10, random_state=seed).fit(reduction.transform(train))
    found = clusters(PcaKMeans(components=3), inputs, task, bench).argmax(1).numpy()
    assert same_grouping(found, model.predict(reduction.transform(test)))


@pytest.mark.parametrize("whiten", [False, True])
def test_the_projection_is_that_of_scikit_learns_pca(whiten):
    points = np.random.default_rng(0).normal(size=(40, 6)) * np.arange(1, 7)
    mean, projection = principal_components(points, 4, whiten)
    expected = PCA(4, whiten=whiten, svd_solver="full").fit_transform(points)
    assert np.allclose((points - mean) @ projection, expected)


def test_whitening_leaves_out_directions_without_variance():
    points = np.random.default_rng(0).normal(size=(40, 2)) @ np.random.default_rng(1).normal(size=(2, 6))
    mean, projection = principal_components(points, 6, whiten=True)
    spread = ((points - mean) @ projection).std(axis=0, ddof=1)
    assert np.allclose(spread, [1, 1, 0, 0, 0, 0], atol=1e-6)


def test_spectral_clusters_are_scikit_learns(make):
    task, bench = make()
    inputs, _ = images(60, 2)
    points = bench.features(inputs).double().numpy()
    seed = drawn_seed(bench.generator("spectral"))
    model = SpectralClustering(4, affinity="nearest_neighbors", n_neighbors=20, random_state=seed)
    assert same_grouping(
        clusters(Spectral(neighbours=20), inputs, task, bench).argmax(1).numpy(), model.fit_predict(points)
    )
    model = SpectralClustering(4, gamma=1 / median_squared_distance(points), random_state=seed)
    assert same_grouping(
        clusters(Spectral(affinity="rbf"), inputs, task, bench).argmax(1).numpy(), model.fit_predict(points)
    )


@pytest.mark.parametrize("linkage", ["ward", "average", "complete", "single"])
def test_agglomerative_clusters_are_scikit_learns(make, linkage):
    task, bench = make()
    inputs, _ = images(60, 2)
    expected = AgglomerativeClustering(4, linkage=linkage).fit_predict(bench.features(inputs).double().numpy())
    assert same_grouping(clusters(Agglomerative(linkage=linkage), inputs, task, bench).argmax(1).numpy(), expected)


def test_normalising_forgets_the_length_of_features():
    head = ClustersOfBatch(lambda points: Agglomerative(scale="normalise")._group(points, 3), 3)
    features = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    lengths = torch.linspace(0.1, 100, 40)[:, None]
    assert same_grouping(head(features).argmax(1), head(features * lengths).argmax(1))


def test_the_starts_of_k_means_change_with_the_replicate(make):
    first, second = (drawn_seed(make(replicate=replicate)[1].generator("k-means")) for replicate in (0, 1))
    assert first != second
    points = np.random.default_rng(0).normal(size=(200, 2))  # no groups: where it starts decides
    assert not np.allclose(k_means(points, 5, 1, first), k_means(points, 5, 1, second))


def test_median_distances_of_equal_points_do_not_divide_by_zero():
    assert median_squared_distance(np.ones((5, 3))) == 1.0
    assert median_squared_distance(np.array([[0.0], [3.0]])) == 9.0


@pytest.mark.parametrize("strategy", [PcaKMeans(), Spectral(), Agglomerative()], ids=lambda each: each.name)
def test_a_budget_of_labels_is_unsuitable(strategy):
    assert strategy.unsuitable(None, None, Budget.parse("0")) is None
    sentence = strategy.unsuitable(None, None, Budget.parse("5-shot"))
    assert sentence == f"{strategy.name} uses no labels; choose budget 0."


@pytest.mark.parametrize("strategy", [Spectral(), Agglomerative()], ids=lambda each: each.name)
def test_what_clusters_the_test_inputs_says_that_it_is_transductive(strategy):
    assert strategy.needs().transductive
    assert not strategy.needs().unlabelled_target


def test_a_run_scores_clusters_by_metrics_of_clusters_alone(suite, resources, run_suite):
    store = run_suite(suite(("pca-kmeans", "spectral", "agglomerative"), budgets=("0",), replicates=1), resources)
    records = list(store.records())
    assert [record.failure for record in records] == [None] * 3
    for record in records:
        assert set(record.scores) == {"clustering-accuracy", "nmi", "ari"}
        assert record.scores["clustering-accuracy"] > 0.25
        assert record.ledger["train_labels"] == record.ledger["source_labels"] == 0

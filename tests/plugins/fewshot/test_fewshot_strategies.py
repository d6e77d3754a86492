"""The few-shot methods: their formulas on small tensors, meta-training, and agreement with easyfsl's heads."""

import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tlbench import DataError, Episode, Labelled, Protocol, Recipe, Source, Task
from tlbench.learning import predict, train
from tlbench.planning import make_plan
from tlbench.running import run_cell
from tlbench_fewshot import neighbours, tlbench_strategies
from tlbench_fewshot.anil import Anil, Standardised, adapted_head
from tlbench_fewshot.baseline_plus_plus import BaselinePlusPlus
from tlbench_fewshot.heads import Cosine, NearestMean, class_means
from tlbench_fewshot.label_propagation import LabelPropagation, Spreading, affinity, spread
from tlbench_fewshot.laplacian_shot import Assignment, LaplacianShot, bound_updates
from tlbench_fewshot.matching import Attention, Matching
from tlbench_fewshot.prototypes import Prototypes
from tlbench_fewshot.relation import Relation, Relations, related, relation_module
from tlbench_fewshot.siamese import NearestExample, Siamese, contrastive_loss, pairwise, triplet_loss
from tlbench_fewshot.simpleshot import SimpleShot, centroids
from tlbench_fewshot.tim import Posterior, Tim, information_loss
from tlbench_fewshot.transductive_finetune import TransductiveFinetune, certainty_loss

CPU = torch.device("cpu")
STRATEGIES = {strategy.name: strategy for strategy in tlbench_strategies()}
TRANSDUCTIVE = {"label-propagation", "laplacian-shot", "tim", "transductive-finetune"}
META = [
    Anil(inner_lr=0.1),
    Matching(meta_train=True),
    Prototypes(meta_train=True),
    Relation(),
    Siamese(),
    Siamese(loss="contrastive"),
]
FULL_BATCH = Recipe(
    weight_decay=0.0, schedule="constant", warmup=0.0, clip_norm=0.0, batch_size=1000, steps=20, lr=1e-2
)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clusters(each, ways=3, width=8, seed=0, spread=0.6):
    """Features around one centre per class, with their labels; centres do not depend on the seed."""
    labels = torch.arange(ways).repeat_interleave(each)
    return draw(ways, width, seed=99)[labels] + spread * draw(len(labels), width, seed=seed), labels


def images(each, ways, seed=0, noise=60):
    """Tiny images; which quarters of one are bright is its class's number in binary."""
    draws = torch.Generator().manual_seed(seed)
    labels = torch.arange(ways).repeat_interleave(each)
    inputs = torch.randint(0, noise, (len(labels), 1, 8, 8), generator=draws)
    for image, label in zip(inputs[:, 0], labels.tolist(), strict=True):
        for quarter in range(4):
            if (label + 1) >> quarter & 1:
                top, left = 4 * (quarter // 2), 4 * (quarter % 2)
                image[top : top + 4, left : left + 4] += 100
    return Labelled(inputs.to(torch.uint8), labels)


@pytest.fixture
def bench(tiny_bench):
    def make(classes=3, steps=25, **rest):
        return tiny_bench(classes, Recipe(steps=steps, batch_size=16, augment="none"), **rest)

    return make


@pytest.fixture
def fitted(bench):
    """Fit on three classes of images, after a short preparation where the method has one."""

    def fit(strategy, queries, each=2):
        torch.manual_seed(0)
        source = Source(images(8, 6, seed=5), tuple("abcdef"))
        prepared = None
        if strategy.prepares:
            module = strategy.prepare(source, bench(6, steps=3))
            prepared = lambda: module  # noqa: E731
        tools = bench(prepared=prepared)
        needs = strategy.needs()
        task = Task(
            tuple("xyz"),
            images(each, 3, seed=1),
            source=source.train if needs.source_labels else None,
            queries=queries if needs.transductive else None,
        )
        return strategy.fit(task, tools)

    return fit


def ready(name):
    """Return the strategy with what makes a fit short, and every part of it run."""
    short = {
        "matching": {"meta_train": True},
        "prototypes": {"meta_train": True},
        "simpleshot": {"transform": "CL2N"},
        "tim": {"steps": 10},
        "transductive-finetune": {"steps": 5, "lr": 1e-2, "scale": 5.0},
    }
    return STRATEGIES[name](**short.get(name, {}))


def test_only_the_methods_that_see_all_queries_ask_for_them():
    asking = {name for name in STRATEGIES if STRATEGIES[name]().needs().transductive}
    assert asking == TRANSDUCTIVE
    assert len(STRATEGIES) == 11


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - TRANSDUCTIVE))
def test_an_inductive_method_predicts_alike_one_by_one_and_batched(name, fitted):
    queries = images(4, 3, seed=2).inputs
    model = fitted(ready(name), queries)
    batched, single = predict(model, queries, CPU), predict(model, queries, CPU, batch_size=1)
    assert torch.allclose(batched, single, atol=1e-4)
    assert batched.std() > 0


@pytest.mark.parametrize("name", sorted(TRANSDUCTIVE))
def test_a_transductive_method_predicts_otherwise_among_other_queries(name, fitted):
    queries = images(6, 3, seed=2, noise=120).inputs
    strategy = ready(name)

    def first_six(given):
        return predict(fitted(strategy, given), given, CPU, batch_size=len(given))[:6].softmax(dim=1)

    assert torch.equal(first_six(queries), first_six(queries))
    assert (first_six(queries) - first_six(queries[:6])).abs().max() > 1e-4


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_easy_classes_are_told_apart_from_few_labels(name, fitted):
    data = images(6, 3, seed=3, noise=20)
    predictions = predict(fitted(ready(name), data.inputs), data.inputs, CPU, batch_size=18)
    assert (predictions.argmax(dim=1) == data.labels).float().mean() > 0.6


@pytest.mark.parametrize("name", sorted(TRANSDUCTIVE))
def test_a_single_query_is_classified_too(name, fitted):
    query = images(1, 3, seed=2).inputs[:1]
    logits = predict(fitted(ready(name), query), query, CPU)
    assert logits.shape == (1, 3)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("budget", ["1-shot", "2-way 1-shot"])
def test_every_method_runs_under_both_protocols(budget, suite, resources):
    names = tuple(ready(name).variant for name in STRATEGIES)
    spec = suite(
        names,
        datasets=("blobs[letters->day]",),
        budgets=(budget,),
        replicates=1,
        protocol=Protocol(episodes=2, queries=3),
        recipe=Recipe(steps=2, batch_size=8),
    )
    plan = make_plan(spec, resources)
    assert len(plan.cells) == len(names)
    assert [run_cell(cell, resources, CPU).record.failure for cell in plan.cells] == [None] * len(names)


# Meta-training


@pytest.mark.parametrize("strategy", META, ids=lambda strategy: strategy.variant)
def test_meta_training_moves_the_backbone_and_lowers_the_loss_of_other_episodes(strategy, bench):
    strategy = dataclasses.replace(strategy, n_way=4, n_query=3, lr=1e-2)
    source = Source(images(8, 6, seed=5, noise=120), tuple("abcdef"))
    held_out = [images(4, 6, seed=seed, noise=120) for seed in range(20, 28)]
    episodes = [
        Episode(
            Labelled(data.inputs[::4], data.labels[::4]),
            Labelled(
                torch.cat([data.inputs[k::4] for k in (1, 2, 3)]), torch.cat([data.labels[k::4] for k in (1, 2, 3)])
            ),
        )
        for data in held_out
    ]

    def mean_loss(learner):
        with torch.no_grad():
            return float(torch.stack([strategy.episode_loss(learner.eval(), each) for each in episodes]).mean())

    torch.manual_seed(0)
    before = strategy.learner(bench())
    torch.manual_seed(0)
    after = strategy.prepare(source, bench(6))
    assert mean_loss(after) < mean_loss(before)
    assert before.state_dict().keys() == after.state_dict().keys()
    backbone = after["backbone"] if isinstance(after, nn.ModuleDict) else after
    fresh = bench().backbone().state_dict()
    assert not any(torch.equal(fresh[name], value) for name, value in backbone.named_parameters())


def test_a_preparation_from_the_cache_has_the_structure_of_the_trained_one(bench):
    for strategy in META:
        source = Source(images(8, 6, seed=5), tuple("abcdef"))
        trained = strategy.prepare(source, bench(6, steps=2))
        replayed = strategy.prepare(source, bench(6, replay=True))
        assert replayed.load_state_dict(trained.state_dict())


def test_meta_training_uses_the_classes_that_have_enough_examples(bench):
    lean = images(6, 6)
    keep = torch.ones(len(lean), dtype=torch.bool)
    keep[:4] = False  # class 0 keeps two of its six
    seen = []

    class Spy(Prototypes):
        def episode_loss(self, learner, episode):
            seen.append(int(episode.query.labels.max()) + 1)
            return super().episode_loss(learner, episode)

    source = Source(Labelled(lean.inputs[keep], lean.labels[keep]), tuple("abcdef"))
    Spy(meta_train=True, n_query=4).prepare(source, bench(6, steps=2))
    assert seen == [5, 5]


@pytest.mark.parametrize("strategy", META, ids=lambda strategy: strategy.variant)
def test_a_source_too_small_for_episodes_is_refused_with_the_numbers(strategy, bench):
    strategy = dataclasses.replace(strategy, n_query=5)
    with pytest.raises(DataError, match=r"at least 2 source classes with 6 examples each .* the source has 0\. Lower"):
        strategy.prepare(Source(images(5, 6), tuple("abcdef")), bench(6))


@pytest.mark.parametrize("name", ["matching", "prototypes"])
def test_a_source_is_asked_for_only_by_meta_training(name):
    assert not STRATEGIES[name]().needs().source_labels
    assert not STRATEGIES[name]().prepares
    assert STRATEGIES[name](meta_train=True).needs().source_labels
    assert STRATEGIES[name](meta_train=True).prepares


# Formulas


def test_attention_is_the_papers_sum_over_the_support():
    support, labels = clusters(2)
    queries = draw(5, 8, seed=1)
    expected = torch.zeros(5, 3)
    for query, row in zip(queries, expected, strict=True):
        kernel = torch.stack([(4.0 * F.cosine_similarity(query, each, dim=0)).exp() for each in support])
        for weight, label in zip(kernel / kernel.sum(), labels, strict=True):
            row[label] += weight
    assert torch.allclose(Attention(support, labels, 4.0)(queries).exp(), expected, atol=1e-5)


def test_contrastive_loss_pulls_like_pairs_and_pushes_unlike_ones_to_the_margin():
    features = F.normalize(draw(5, 4), dim=1)
    labels = torch.tensor([0, 0, 1, 1, 1])
    like, unlike = [], []
    for one in range(5):
        for other in range(one):
            distance = (features[one] - features[other]).norm()
            if labels[one] == labels[other]:
                like.append(distance**2)
            else:
                unlike.append((0.9 - distance).clamp(min=0) ** 2)
    expected = torch.stack(like).mean() / 2 + torch.stack(unlike).mean() / 2
    assert float(expected) > 0
    assert torch.allclose(contrastive_loss(pairwise(features), labels, 0.9), expected, atol=1e-5)


def test_triplet_loss_takes_the_nearest_negative_beyond_the_positive():
    features = F.normalize(draw(8, 4), dim=1)
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])
    squared = torch.cdist(features, features).square()
    terms, fallbacks = [], 0
    for anchor in range(8):
        negatives = [float(squared[anchor, n]) for n in range(8) if labels[n] != labels[anchor]]
        for positive in range(8):
            if positive != anchor and labels[positive] == labels[anchor]:
                to_positive = float(squared[anchor, positive])
                beyond = [value for value in negatives if value > to_positive]
                fallbacks += not beyond
                terms.append(max(0.0, to_positive - (min(beyond) if beyond else max(negatives)) + 0.2))
    assert 0 < fallbacks < len(terms)  # both cases occur
    assert triplet_loss(pairwise(features), labels, 0.2).item() == pytest.approx(sum(terms) / len(terms), abs=1e-5)


@pytest.mark.parametrize("loss", [contrastive_loss, triplet_loss])
def test_metric_losses_have_finite_gradients_where_examples_coincide(loss):
    features = F.normalize(draw(2, 4), dim=1).repeat(2, 1).requires_grad_()
    loss(pairwise(features), torch.tensor([0, 1, 0, 1]), 0.5).backward()
    assert torch.isfinite(features.grad).all()


def test_the_nearest_example_decides_and_not_the_mean():
    support = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [0.0, 1.0]])
    head = NearestExample(F.normalize(support, dim=1), torch.tensor([0, 0, 1]))
    logits = head(torch.tensor([[2.0, 0.1], [0.1, 3.0]]))
    expected = -torch.cdist(
        F.normalize(torch.tensor([[2.0, 0.1], [0.1, 3.0]]), dim=1), F.normalize(support, dim=1)
    ).square()
    assert torch.allclose(logits, torch.stack([expected[:, :2].amax(dim=1), expected[:, 2]], dim=1), atol=1e-6)
    assert logits.argmax(dim=1).tolist() == [0, 1]


def test_siamese_compares_with_examples_or_with_means(fitted):
    queries = images(4, 3, seed=2).inputs
    models = [fitted(Siamese(nearest=nearest), queries, each=3) for nearest in ("example", "mean")]
    support = images(3, 3, seed=1)
    backbone = models[0].backbone  # both were prepared alike
    unit = [F.normalize(predict(backbone, inputs, CPU), dim=1) for inputs in (support.inputs, queries)]
    nearest, mean = (predict(model, queries, CPU) for model in models)
    each = -torch.cdist(unit[1], unit[0]).square().view(len(queries), 3, 3)
    assert torch.allclose(nearest, each.amax(dim=2), atol=1e-4)
    assert torch.allclose(mean, NearestMean(class_means(unit[0], support.labels))(unit[1]), atol=1e-4)
    assert not torch.allclose(nearest, mean, atol=1e-4)


def test_a_relation_reads_the_class_mean_beside_the_query():
    torch.manual_seed(0)
    module, means, queries = relation_module(4, 6).eval(), draw(3, 4), draw(5, 4, seed=1)
    scores = Relations(module, means)(queries)
    for row, query in zip(scores, queries, strict=True):
        for score, mean in zip(row, means, strict=True):
            assert torch.allclose(score, module(torch.cat([mean, query])[None])[0, 0], atol=1e-6)


def test_a_fresh_relation_module_prefers_what_is_equal():
    torch.manual_seed(0)
    features = draw(6, 4)
    scores = related(relation_module(4, 32).eval(), features, features)
    assert scores.argmax(dim=1).tolist() == list(range(6))


def test_relation_episodes_are_scored_by_squared_error(bench):
    torch.manual_seed(0)
    learner = Relation().learner(bench()).eval()
    support, query = images(2, 3, seed=1), images(2, 3, seed=2)
    with torch.no_grad():
        means = class_means(learner["backbone"](support.inputs), support.labels)
        scores = Relations(learner["relation"], means)(learner["backbone"](query.inputs)).sigmoid()
        loss = Relation().episode_loss(learner, Episode(support, query))
    assert torch.allclose(loss, (scores - torch.eye(3)[query.labels]).square().mean(), atol=1e-5)


def test_simpleshot_centres_by_the_base_mean_and_scales_to_length_one():
    support, labels = clusters(4)
    queries, base = draw(5, 8, seed=1), draw(20, 8, seed=2) + 1
    assert torch.equal(
        centroids(support, labels, torch.zeros(8), unit=False)(queries),
        NearestMean(class_means(support, labels))(queries),
    )

    def transformed(features):
        return (features - base.mean(0)) / (features - base.mean(0)).norm(dim=1, keepdim=True)

    means = torch.stack([transformed(support)[labels == label].mean(0) for label in range(3)])
    expected = -torch.cdist(transformed(queries), means).square()
    assert torch.allclose(centroids(support, labels, base.mean(0), unit=True)(queries), expected, atol=1e-5)


def test_simpleshot_takes_the_centre_from_the_source(bench):
    tools, source, train_part = bench(), images(8, 6, seed=5), images(2, 3)
    task = Task(tuple("xyz"), train_part, source=source)
    head = SimpleShot(transform="CL2N").fit(task, tools).head
    assert torch.allclose(head[0].centre, tools.features(source.inputs).mean(0))
    assert SimpleShot(transform="CL2N").needs().source_labels
    assert not SimpleShot().needs().source_labels


def test_the_inner_loop_is_gradient_descent_on_the_head_with_its_second_order():
    support, labels = clusters(2)
    queries = draw(6, 8, seed=1)

    def by_autograd(features):
        weight, bias = torch.zeros(3, 8, requires_grad=True), torch.zeros(3, requires_grad=True)
        for _ in range(3):
            loss = F.cross_entropy(F.linear(features, weight, bias), labels)
            slopes = torch.autograd.grad(loss, (weight, bias), create_graph=True)
            weight, bias = weight - 0.3 * slopes[0], bias - 0.3 * slopes[1]
        return weight, bias

    results = []
    for method in (lambda features: adapted_head(features, labels, 0.3, 3), by_autograd):
        features = support.clone().requires_grad_()
        weight, bias = method(features)
        F.cross_entropy(F.linear(queries, weight, bias), torch.arange(6) % 3).backward()
        results.append((weight, bias, features.grad))
    for ours, autograds in zip(*results, strict=True):
        assert torch.allclose(ours, autograds, atol=1e-6)
    assert results[0][2].abs().max() > 0


def test_a_few_inner_steps_part_classes_whose_features_share_a_large_part():
    features, labels = clusters(5)
    shifted = features * 0.1 + 50 * torch.rand(8, generator=torch.Generator().manual_seed(1))
    scaling = Standardised(shifted)
    assert torch.allclose(scaling(shifted).mean(dim=0), torch.zeros(8), atol=1e-3)
    weight, bias = adapted_head(scaling(shifted), labels, 0.4, 5)
    queries, wanted = clusters(20, seed=1)
    moved = queries * 0.1 + 50 * torch.rand(8, generator=torch.Generator().manual_seed(1))
    right = F.linear(scaling(moved), weight, bias).argmax(dim=1) == wanted
    assert right.double().mean() > 0.9
    plain, offset = adapted_head(shifted, labels, 0.4, 5)
    assert len(F.linear(moved, plain, offset).argmax(dim=1).unique()) == 1  # as they come, one class wins


def test_the_cosine_classifier_learns_on_features_and_leaves_the_backbone_alone(bench):
    tools, data = bench(), images(3, 3)
    before = {name: value.clone() for name, value in tools.frozen_backbone().state_dict().items()}
    torch.manual_seed(0)
    model = BaselinePlusPlus(steps=50, lr=0.05).fit(Task(tuple("xyz"), data), tools)
    features = tools.features(data.inputs)
    cosines = F.cosine_similarity(features[:, None], model.head.vectors[None], dim=2)
    assert torch.allclose(model.head(features), 2 * cosines, atol=1e-5)
    assert (model(data.inputs).argmax(dim=1) == data.labels).all()
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())
    assert tools.journal.trained_parameters == 3 * 8


def test_the_cosine_classifier_is_selected_on_validation_features(bench):
    data, val = images(3, 3), images(2, 3, seed=7)
    tools = bench(validation=val)
    BaselinePlusPlus(steps=20).fit(Task(tuple("xyz"), data, val), tools)
    assert tools.journal.validated


def test_information_is_the_marginal_less_the_conditional_entropy():
    support, labels = clusters(2, width=3)
    logits = draw(7, 3, seed=4)
    shares = logits.softmax(dim=1)
    conditional = -(shares * shares.log()).sum(1).mean()
    marginal = -(shares.mean(0) * shares.mean(0).log()).sum()
    expected = 0.3 * F.cross_entropy(support, labels) + 0.5 * conditional - 0.7 * marginal
    assert torch.allclose(information_loss(support, labels, logits, (0.3, 0.7, 0.5)), expected, atol=1e-6)


def test_the_posterior_falls_with_the_squared_distance():
    features, vectors = F.normalize(draw(5, 8), dim=1), draw(3, 8, seed=1)
    expected = -7.5 * torch.cdist(features, vectors).square()
    assert torch.allclose(Posterior(vectors, 15.0)(features), expected, atol=1e-4)


def test_tim_without_any_weight_leaves_the_means_where_they_are(bench):
    data, queries = images(2, 3), images(4, 3, seed=2).inputs
    tools = bench()
    task = Task(tuple("xyz"), data, queries=queries)
    still = Tim(supervised=0, marginal=0, conditional=0, steps=5).fit(task, tools).head[1]
    moved = Tim(steps=5).fit(task, tools).head[1]
    means = class_means(F.normalize(tools.features(data.inputs), dim=1), data.labels)
    assert torch.equal(still.vectors, means)
    assert (moved.vectors - means).abs().max() > 1e-3


def test_laplacian_shot_without_neighbours_is_the_nearest_mean():
    support, labels = clusters(2)
    queries, _ = clusters(5, seed=1)
    logits = Assignment(support, labels, knn=3, weight=0.0, rectify=False, steps=20)(queries)
    unit = [F.normalize(each, dim=1) for each in (support, queries)]
    expected = NearestMean(class_means(unit[0], labels))(unit[1]).log_softmax(dim=1)
    assert torch.allclose(logits, expected, atol=1e-5)


def test_bound_updates_draw_a_query_to_the_class_of_its_neighbours():
    distances = torch.tensor([[0.0, 4.0], [0.1, 4.0], [1.1, 1.0]])  # the third is a little nearer to class 1
    neighbours_of = torch.tensor([[1, 2], [0, 2], [0, 1]])
    assert bound_updates(distances, neighbours_of, 0.0, 20).argmax(dim=1).tolist() == [0, 0, 1]
    assert bound_updates(distances, neighbours_of, 0.7, 20).argmax(dim=1).tolist() == [0, 0, 0]


def test_neighbours_do_not_depend_on_the_size_of_a_block(monkeypatch):
    features = draw(23, 4)
    squared = torch.cdist(features, features).square().fill_diagonal_(torch.inf)
    expected = squared.topk(3, dim=1, largest=False)
    for block in (5, 1024):
        monkeypatch.setattr(neighbours, "BLOCK", block)
        found = neighbours.nearest_others(features, 3)
        assert torch.equal(found[1], expected.indices)
        assert torch.allclose(found[0], expected.values, atol=1e-4)


def test_there_are_no_more_neighbours_than_others():
    assert neighbours.nearest_others(draw(3, 4), 20)[1].shape == (3, 2)
    assert neighbours.nearest_others(draw(1, 4), 20)[1].shape == (1, 0)


def test_affinities_are_symmetric_and_fall_with_distance():
    features = draw(12, 4)
    graph = affinity(features, 3, 0.8).toarray()
    squared = torch.cdist(features, features).square()
    near = torch.zeros(12, 12, dtype=torch.bool)
    near.scatter_(1, squared.clone().fill_diagonal_(torch.inf).topk(3, dim=1, largest=False).indices, True)
    expected = torch.where(near | near.T, (-squared / (2 * 0.8**2)).exp(), 0.0)
    assert torch.allclose(torch.from_numpy(graph).float(), expected, atol=1e-5)


def test_an_affinity_without_a_width_is_that_of_both_examples_own_widths():
    features = draw(12, 4)
    graph = torch.from_numpy(affinity(features, 11, None).toarray()).float()
    distances = torch.cdist(features, features)
    widths = distances.sort(dim=1).values[:, 7]  # the nearest is the example itself
    expected = (-distances.square() / (widths[:, None] * widths)).exp().fill_diagonal_(0)
    assert torch.allclose(graph, expected, atol=1e-4)


def test_spreading_solves_the_papers_linear_system():
    graph = affinity(draw(15, 4), 4, None)
    seeds = F.one_hot(torch.arange(15) % 3).double().numpy()
    root = 1 / graph.sum(axis=1) ** 0.5
    matrix = torch.eye(15).double() - 0.99 * torch.from_numpy(root[:, None] * graph.toarray() * root)
    expected = torch.linalg.solve(matrix, torch.from_numpy(seeds))
    assert torch.allclose(torch.from_numpy(spread(graph, seeds, 0.99)), expected, atol=1e-7)


@pytest.mark.parametrize("alpha", [0.5, 0.99])
def test_label_propagation_agrees_with_scikit_learn_on_the_same_graph(alpha):
    from sklearn.semi_supervised import LabelSpreading

    support, labels = clusters(2)
    queries, _ = clusters(8, seed=1)
    examples = F.normalize(torch.cat([support, queries]), dim=1)
    graph = affinity(examples, 6, None).toarray()
    known = torch.cat([labels, torch.full((len(queries),), -1)]).numpy()
    reference = LabelSpreading(kernel=lambda one, other: graph, alpha=alpha, max_iter=20000, tol=1e-12)
    reference.fit(examples.numpy(), known)
    expected = torch.from_numpy(reference.label_distributions_[len(support) :])
    ours = Spreading(support, labels, alpha, 6, None)(queries).softmax(dim=1).double()
    assert torch.allclose(ours, expected, atol=1e-5)


def test_labels_that_no_path_leads_to_leave_a_query_undecided():
    support = torch.tensor([[1.0, 0.0], [1.0, 0.01]])
    far = torch.tensor([[-1.0, 0.0], [-1.0, 0.01], [-1.0, 0.02]])
    shares = Spreading(support, torch.tensor([0, 1]), 0.99, 1, None)(far).softmax(dim=1)
    assert torch.allclose(shares, torch.full((3, 2), 0.5))


def test_certainty_is_the_cross_entropy_plus_the_mean_entropy():
    torch.manual_seed(0)
    model, (support, labels), queries = nn.Linear(8, 3), clusters(2), draw(5, 8, seed=1)
    shares = model(queries).softmax(dim=1)
    expected = F.cross_entropy(model(support), labels) - (shares * shares.log()).sum(1).mean()
    assert torch.allclose(certainty_loss(model, (support, labels), queries), expected, atol=1e-6)


def test_transductive_finetuning_moves_all_weights_and_no_statistics(bench):
    data, queries = images(2, 3), images(4, 3, seed=2).inputs
    tools = bench()
    start = tools.backbone().state_dict()
    model = TransductiveFinetune(steps=3).fit(Task(tuple("xyz"), data, queries=queries), tools)
    for name, value in model.backbone.state_dict().items():
        assert torch.equal(value, start[name]) == ("running" in name or "num_batches" in name), name


def test_transductive_finetuning_starts_at_the_class_means(bench):
    data, queries = images(2, 3), images(4, 3, seed=2).inputs
    tools = bench()
    model = TransductiveFinetune(steps=1, lr=1e-9).fit(Task(tuple("xyz"), data, queries=queries), tools)
    means = class_means(tools.features(data.inputs), data.labels)
    assert torch.allclose(model.head.vectors, means, atol=1e-6)


# Agreement with easyfsl on the same tensors


@pytest.fixture(scope="module")
def easyfsl():
    return pytest.importorskip("easyfsl.methods")


@pytest.fixture(scope="module")
def episode():
    support, labels = clusters(3, seed=1)
    queries, _ = clusters(7, seed=2)
    return support, labels, queries


def reference(classifier, episode):
    support, labels, queries = episode
    classifier.process_support_set(support, labels)
    return classifier(queries).detach()


def test_prototypes_are_easyfsls(easyfsl, episode):
    support, labels, queries = episode
    ours = NearestMean(class_means(support, labels))(queries)
    assert torch.allclose(-(-ours).sqrt(), reference(easyfsl.PrototypicalNetworks(), episode), atol=1e-5)


def test_matching_is_easyfsls_without_context(easyfsl, episode):
    support, labels, queries = episode

    class NoContext(nn.Module):
        def forward(self, features):
            return (torch.zeros(1, features.shape[1], 16),)

    class NoCell(nn.Module):
        def forward(self, _, states):
            return torch.zeros_like(states[0]), states[1]

    theirs = easyfsl.MatchingNetworks(feature_dimension=8, support_encoder=NoContext(), query_encoder=NoCell())
    # easyfsl leaves a query at its length, which thus stands for the scale.
    scaled = (support, labels, 10 * F.normalize(queries, dim=1))
    assert torch.allclose(Attention(support, labels, 10.0)(queries), reference(theirs, scaled), atol=1e-5)


def test_relation_is_easyfsls_with_the_same_module(easyfsl, episode):
    support, labels, queries = episode
    torch.manual_seed(0)
    module = relation_module(8, 16).eval()
    theirs = easyfsl.RelationNetworks(feature_dimension=8, relation_module=nn.Sequential(nn.Flatten(), module))
    maps = (support[:, :, None, None], labels, queries[:, :, None, None])
    assert torch.allclose(Relations(module, class_means(support, labels))(queries), reference(theirs, maps), atol=1e-5)


@pytest.mark.parametrize("centred", [False, True])
def test_simpleshot_is_easyfsls_nearest_mean_on_transformed_features(easyfsl, episode, centred):
    support, labels, queries = episode
    centre = torch.full((8,), 0.3) if centred else torch.zeros(8)
    theirs = easyfsl.PrototypicalNetworks(feature_centering=centre, feature_normalization=2)
    ours = centroids(support, labels, centre, unit=True)(queries)
    assert torch.allclose(-(-ours).sqrt(), reference(theirs, episode), atol=1e-5)


def test_simpleshot_of_one_shot_is_easyfsls_by_cosines(easyfsl, episode):
    support, labels, queries = episode
    one = (support[::3], labels[::3], queries)
    ours = centroids(one[0], one[1], torch.zeros(8), unit=True)(queries)
    assert torch.allclose(ours, 2 * reference(easyfsl.SimpleShot(), one) - 2, atol=1e-5)


def test_a_cosine_head_trained_from_the_means_is_easyfsls_finetune(easyfsl, episode):
    support, labels, queries = episode
    head = Cosine(class_means(support, labels), 4.0)
    train(
        head,
        lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]),
        [Labelled(support, labels)],
        FULL_BATCH,
        device=CPU,
        order_seed=0,
    )
    theirs = easyfsl.Finetune(fine_tuning_steps=20, fine_tuning_lr=1e-2, temperature=4.0)
    assert torch.allclose(head(queries), 4 * reference(theirs, episode), atol=1e-4)


def test_tim_is_easyfsls_on_cosines(easyfsl, episode):
    support, labels, queries = episode
    head = Cosine(class_means(support, labels), 10.0)

    def loss(model, batch, unlabelled):
        return information_loss(model(batch[0]), batch[1], model(unlabelled), (1.0, 1.0, 0.1))

    train(head, loss, [Labelled(support, labels), queries], FULL_BATCH, device=CPU, order_seed=0)
    theirs = easyfsl.TIM(fine_tuning_steps=20, fine_tuning_lr=1e-2, temperature=10.0)
    assert torch.allclose(head(queries), 10 * reference(theirs, episode), atol=1e-4)


def test_transductive_finetuning_is_easyfsls_on_frozen_features(easyfsl, episode):
    support, labels, queries = episode

    class ByDistance(nn.Module):
        def __init__(self):
            super().__init__()
            self.means = nn.Parameter(class_means(support, labels))

        def forward(self, features):
            return -torch.cdist(features, self.means)

    head = ByDistance()
    train(head, certainty_loss, [Labelled(support, labels), queries], FULL_BATCH, device=CPU, order_seed=0)
    theirs = easyfsl.TransductiveFinetuning(fine_tuning_steps=20, fine_tuning_lr=1e-2)
    assert torch.allclose(head(queries), reference(theirs, episode), atol=1e-4)


@pytest.mark.parametrize("weight", [0.1, 0.7])
def test_laplacian_shot_is_easyfsls(easyfsl, episode, weight):
    support, labels, queries = episode
    unit = [F.normalize(each, dim=1) for each in (support, queries)]
    shifted = unit[1] + unit[0].mean(0) - unit[1].mean(0)  # easyfsl shifts for the means alone, the authors for all
    theirs = easyfsl.LaplacianShot(inference_steps=20, knn=3, lambda_regularization=weight)
    ours = Assignment(support, labels, knn=3, weight=weight, rectify=True, steps=20)(queries)
    assert torch.allclose(ours.exp(), reference(theirs, (unit[0], labels, shifted)), atol=1e-5)


def test_rectified_means_are_those_of_easyfsls_bd_cspn(easyfsl, episode):
    from tlbench_fewshot.laplacian_shot import rectified

    support, labels, queries = episode
    theirs = easyfsl.BDCSPN()
    reference(theirs, episode)
    shifted = queries + support.mean(0) - queries.mean(0)
    assert torch.allclose(
        rectified(class_means(support, labels), support, labels, shifted), theirs.prototypes, atol=1e-5
    )


def test_defaults_are_those_the_papers_give():
    assert (LaplacianShot().knn, LabelPropagation().k) == (3, 20)
    assert (Tim().supervised, Tim().marginal, Tim().conditional, Tim().temperature) == (0.1, 1.0, 0.1, 15.0)
    assert (TransductiveFinetune().steps, TransductiveFinetune().lr) == (25, 5e-5)
    assert (BaselinePlusPlus().scale, BaselinePlusPlus().steps) == (2.0, 100)
    assert (Anil().inner_lr, Anil().inner_steps) == (0.4, 5)

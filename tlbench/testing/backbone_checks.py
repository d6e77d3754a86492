"""Check the rules of every backbone and its network, one function a rule; each raises ConformanceError if broken."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from tlbench.contract import check_backbone, check_computed
from tlbench.errors import PluginError, WeightsError
from tlbench.learning import feature_fault, seeded
from tlbench.testing.backbone_subject import BackboneSubject
from tlbench.testing.check import checks_of, hold
from tlbench.testing.encoding_checks import ENCODING_RULES
from tlbench.testing.error import ConformanceError
from tlbench.testing.recording import differing, listed, same_bits, state_of, storages
from tlbench.testing.run_checks import BACKBONE_RUN_RULES
from tlbench.testing.sending import sent
from tlbench.testing.surroundings import advance_generators, as_in_a_run, generator_states, plain, settings, watched

TOLERANCE = 1e-4  # of features one by one against a batch, relative to the largest


def it_is_declared_as_the_catalog_asks(subject: BackboneSubject) -> None:
    """Check for an instance with a typeable name, a positive feature_dim, and methods of the right arguments."""
    try:
        check_backbone(subject.backbone)
        with subject.said("what it says of itself"):
            check_computed(subject.backbone)
    except PluginError as error:
        raise ConformanceError(str(error)) from None


def features_are_float32_vectors(subject: BackboneSubject) -> None:
    """Check that the network gives finite float32 (N, feature_dim)."""
    found = subject.found
    fault = feature_fault(found, len(subject.encoded), subject.backbone.feature_dim)
    hold(fault is None, subject.name, str(fault))
    hold(
        bool(torch.isfinite(found).all()),
        subject.name,
        "features are not all finite. Are inputs scaled, image.float() / 255, before they are normalised?",
    )


def examples_have_the_same_features_one_by_one_and_together(subject: BackboneSubject) -> None:
    """Check that in evaluation mode features do not depend on the neighbours in a batch."""
    together = subject.some_features
    alone = [subject.features(subject.network, row[None]) for row in subject.encoded]
    shapes_fit = all(isinstance(one, Tensor) and one.shape == together[:1].shape for one in alone)
    off = float((torch.cat(alone) - together).abs().max()) if shapes_fit and together.numel() else float("inf")
    bound = TOLERANCE * max(float(together.abs().max()), 1e-6)
    hold(
        off <= bound or not shapes_fit,
        subject.name,
        f"features of an example differ by up to {off:.2g} with its neighbours in the batch; {bound:.2g} is rounding. "
        "Take no statistic over the batch in evaluation mode; a module that overrides train() must still obey it.",
    )


def batches_of_one_and_of_two_work(subject: BackboneSubject) -> None:
    """Check that batches of one and of two give (1, feature_dim) and (2, feature_dim)."""
    for count in (1, 2):
        found = subject.features(subject.network, subject.encoded[:count])
        hold(
            isinstance(found, Tensor) and len(found.shape) > 1 and len(found) == count,
            subject.name,
            f"a batch of {count} gives {tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__}; "
            f"its features must be ({count}, {subject.backbone.feature_dim}). Leave squeeze() out.",
        )


def features_are_repeated_to_the_bit_and_change_nothing(subject: BackboneSubject) -> None:
    """Check that a second forward pass, after other draws, gives the same bits and leaves the network as it was."""
    once = subject.features(subject.network, subject.encoded)
    before = state_of(subject.network)
    with as_in_a_run():
        advance_generators()
        twice = subject.features(subject.network, subject.encoded)
    changed = differing(state_of(subject.network), before)
    hold(
        not changed and _alike(once, twice),
        subject.name,
        f"a second forward pass in evaluation mode {f'changes {listed(changed)}' if changed else 'differs'}. Use "
        "dropout and batch norms as modules, which obey eval(), and keep buffers as they are.",
    )


def a_random_start_follows_the_seed(subject: BackboneSubject) -> None:
    """Check that build(None) draws from torch's global generator: equal seeds, equal start; other seeds, another."""
    one, same, other = (state_of(subject.build(None, seed)) for seed in (1, 1, 2))
    changed = differing(one, same)
    hold(
        not changed,
        subject.name,
        f"two random starts by one seed differ in {listed(changed)}. Draw from torch's global generator alone, not "
        "from NumPy's or from one that goes on.",
    )
    learnt = [name for name, _ in subject.build(None).named_parameters()]
    hold(
        not learnt or differing(one, other),
        subject.name,
        "two random starts by different seeds are equal, so that replicates would not be independent. Seed nothing in "
        "build, and load no weights when weights is None.",
    )


def two_builds_share_nothing(subject: BackboneSubject) -> None:
    """Check that training one network leaves the other alone."""
    weights = subject.weights
    first, second = subject.build(weights), subject.build(weights)
    shared = storages(first.state_dict()) & storages(second.state_dict())
    own = storages(first.state_dict()) & storages(weights or {})
    hold(
        first is not second and not shared and not own,
        subject.name,
        "two calls of build share tensors, so that training one network changes the other. Make all modules inside "
        "build, and copy weights into them, load_state_dict(weights).",
    )


def weights_load_exactly(subject: BackboneSubject) -> None:
    """Check that all of a network comes from the weights, whatever the seed, and that other weights change it."""
    weights = _weights_to_try(subject)
    if weights is None:
        return
    one, other = (subject.build(weights, seed) for seed in (1, 2))
    random = differing(state_of(one), state_of(other))
    hold(
        not random,
        subject.name,
        f"with weights given {listed(random)} still come from the random start. Load every tensor, "
        "load_state_dict(weights, strict=True).",
    )
    shifted = {name: value + 0.01 if value.is_floating_point() else value for name, value in weights.items()}
    moved = dict(subject.build(shifted).named_parameters())
    kept = [name for name, value in one.named_parameters() if same_bits(value.detach(), moved[name].detach())]
    hold(
        not kept,
        subject.name,
        f"{listed(kept)} stay the same whatever the weights say. Load every tensor of the mapping that build is given.",
    )


def weights_that_do_not_fit_are_refused(subject: BackboneSubject) -> None:
    """Check that a missing tensor, or one of another shape, raises WeightsError instead of a silent start."""
    weights = _weights_to_try(subject)
    if not weights:
        return
    name = max(_needed(subject, weights), key=lambda key: weights[key].numel())
    missing = {key: value for key, value in weights.items() if key != name}
    misshapen = {**weights, name: weights[name].flatten()[:-1].clone()}
    for what, wrong in (("lacks a tensor", missing), ("has a tensor of another shape", misshapen)):
        try:
            with as_in_a_run(), seeded(1):
                subject.backbone.build(wrong)
        except WeightsError:
            continue
        except Exception as error:
            raise ConformanceError(
                f"{subject.name}: a weights file that {what} ({name}) ends in {type(error).__name__}. Compare before "
                "loading (tlbench.compare_weights), or raise WeightsError from it, with what does not fit."
            ) from error
        raise ConformanceError(
            f"{subject.name}: a weights file that {what} ({name}) is loaded all the same, and the rest stays random. "
            "Load with strict=True and raise WeightsError."
        )


def gradients_reach_every_parameter(subject: BackboneSubject) -> None:
    """Check that in training mode all parameters can be trained, and that the features depend on each."""
    network = subject.build(subject.weights).train()
    fixed = [name for name, parameter in network.named_parameters() if not parameter.requires_grad]
    hold(
        not fixed,
        subject.name,
        f"{listed(fixed)} do not ask for gradients, so that fine-tuning would leave them out. Freezing is a strategy's "
        "business: leave requires_grad on.",
    )
    parameters = dict(network.named_parameters())
    if not parameters:
        return
    with subject.said("the network in training mode"), as_in_a_run(), seeded(1):
        found = network(subject.encoded.clone())
        hold(
            isinstance(found, Tensor) and found.requires_grad,
            subject.name,
            "features carry no gradient to the network's parameters. Leave no_grad() and detach() out of forward.",
        )
        weight = torch.randn(found.shape)
        (found * weight).sum().backward()
    unreached = [name for name, parameter in parameters.items() if parameter.grad is None]
    hold(
        not unreached,
        subject.name,
        f"no gradient reaches {listed(unreached)}. Leave out what the features do not use, such as a classifier, and "
        "detach nothing.",
    )


def the_state_of_one_network_makes_another(subject: BackboneSubject) -> None:
    """Check that load_state_dict takes a state_dict to another start, and the features with it."""
    first, second = subject.build(None, seed=1), subject.build(None, seed=2)
    with subject.said("load_state_dict of another network's state_dict"):
        second.load_state_dict(first.state_dict())
    alike = _alike(subject.features(first, subject.encoded), subject.features(second, subject.encoded))
    hold(
        alike,
        subject.name,
        "a network that is given the state_dict of another has other features: part of it stands in no parameter. "
        "Keep it in parameters or persistent buffers.",
    )


def networks_and_the_backbone_can_be_copied_and_sent(subject: BackboneSubject) -> None:
    """Check that a network can be copied, and that both can be pickled as worker processes need."""
    with subject.said("copy.deepcopy of the network"):
        copied = deepcopy(subject.network)
    _hold_sent(subject, "the backbone", subject.backbone)
    read = _hold_sent(subject, "the network", subject.network)
    for what, other in (("a deep copy of the network", copied), ("a network that was pickled", read)):
        hold(
            _alike(subject.features(other, subject.encoded), subject.some_features),
            subject.name,
            f"{what} has other features. Keep its state in parameters and buffers.",
        )


def no_file_is_written_and_no_socket_opened(subject: BackboneSubject) -> None:
    """Check that encoding, building and running stay in memory, once late imports are done."""
    subject.features(subject.build(subject.weights), subject.encode(subject.taken))
    weights = subject.weights
    with watched() as traces:
        subject.features(subject.build(weights), subject.encode(subject.taken))
    hold(
        not traces.found,
        subject.name,
        f"in encode, build or forward {listed(traces.found)}. Weights come as the file that `weights` names: download "
        "nothing in build.",
    )


def global_settings_and_generators_stay_as_they_were(subject: BackboneSubject) -> None:
    """Check that threads, dtype and gradient mode stay, and that encoding and predicting draw nothing."""
    with subject.said("encode, build or the network"), as_in_a_run():
        network = subject.network
        advance_generators()  # else one that seeds them would find them as it left them
        before, states = settings(), generator_states()
        subject.backbone.encode(list(subject.taken))
        with torch.no_grad():
            network(subject.encoded[:2].clone())
        drawn = [name for name, state in generator_states().items() if plain(state) != plain(states[name])]
        subject.backbone.build(None)
        changed = [name for name, value in settings().items() if value != before[name]]
    hold(not changed, subject.name, f"it changes {listed(changed)} for all that runs after it. Use a context manager.")
    hold(
        not drawn,
        subject.name,
        f"encode or the network in evaluation mode draws from the global generator of {listed(drawn)}. Leave chance "
        "out of both.",
    )


BACKBONE_CHECKS = (
    *checks_of(
        (
            it_is_declared_as_the_catalog_asks,
            *ENCODING_RULES,
            features_are_float32_vectors,
            examples_have_the_same_features_one_by_one_and_together,
            batches_of_one_and_of_two_work,
            features_are_repeated_to_the_bit_and_change_nothing,
            a_random_start_follows_the_seed,
            two_builds_share_nothing,
            weights_load_exactly,
            weights_that_do_not_fit_are_refused,
            gradients_reach_every_parameter,
            the_state_of_one_network_makes_another,
            networks_and_the_backbone_can_be_copied_and_sent,
            no_file_is_written_and_no_socket_opened,
            global_settings_and_generators_stay_as_they_were,
        )
    ),
    *checks_of(BACKBONE_RUN_RULES, in_a_run=True),
)


def _needed(subject: BackboneSubject, weights: Mapping[str, Tensor]) -> list[str]:
    """Return the weights' names that the network holds too, without a classifier head; all where none is alike."""
    held = [f".{name}" for name in subject.build(weights).state_dict()]
    return [name for name in weights if any(own.endswith(f".{name}") for own in held)] or list(weights)


def _weights_to_try(subject: BackboneSubject) -> dict[str, Tensor] | None:
    """Return its own weights, or those of a random start by the names that it takes; None where it takes none."""
    if subject.weights is not None:
        return dict(subject.weights)
    if not subject.takes_weights:
        return None
    state = {name: value.clone() for name, value in subject.build(None, seed=3).state_dict().items()}
    prefixes = {"", *(name.partition(".")[0] + "." for name in state)}
    for prefix in sorted(prefixes):
        if all(name.startswith(prefix) for name in state):
            named = {name.removeprefix(prefix): value for name, value in state.items()}
            try:
                with as_in_a_run(), seeded(1):
                    subject.backbone.build(named)
            except WeightsError:
                continue
            except Exception:
                return named  # `build` tells of it, in the rule that asks
            return named
    return None


def _hold_sent(subject: BackboneSubject, what: str, thing: Any) -> Any:
    try:
        return sent(thing)
    except Exception as error:
        raise ConformanceError(
            f"{subject.name}: {what} cannot be pickled for a worker process: {' '.join(str(error).split())}. Use "
            "functions and classes of a module, no lambda and none that is defined inside a function."
        ) from error


def _alike(one: Any, other: Any) -> bool:
    return isinstance(one, Tensor) and isinstance(other, Tensor) and same_bits(one, other)

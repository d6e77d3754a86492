"""Hold a backbone under examination with sample images, and compute its outputs once for all rules."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract import Backbone
from tlbench.data import read_weights
from tlbench.errors import DataError, WeightsError
from tlbench.host import sentence_of
from tlbench.learning import seeded
from tlbench.testing.error import ConformanceError
from tlbench.testing.surroundings import as_in_a_run

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPES = ((24, 24), (24, 24, 3), (17, 31), (40, 9, 3), (8, 8), (33, 33, 3))  # grey and colour, odd sides
BATCH = 4
TEXTS = ("one", "two words", "three words here", "", "Ünïcode, and punctuation!", "a longer sentence " * 20)


def sample_images() -> list[np.ndarray]:
    """Return small images, uint8 (H, W) or (H, W, 3), of several sizes."""
    draw = np.random.default_rng(0)
    return [draw.integers(40, 200, shape).astype(np.uint8) for shape in SHAPES]  # room for whoever stretches contrast


class BackboneSubject:
    """Hold a backbone with examples to try it on: those given, or samples of images or texts.

    Raises ConformanceError for a modality of which there are no samples.
    """

    def __init__(self, backbone: Backbone, examples: Sequence[Any] | None = None) -> None:
        self.backbone = backbone
        self.name = getattr(backbone, "label", type(backbone).__name__)
        samples: dict[str, Any] = {"image": sample_images, "text": lambda: list(TEXTS)}
        if examples is None and backbone.modality not in samples:
            raise ConformanceError(
                f"{self.name} reads {backbone.modality}, of which the kit has no samples: give some raw ones, as "
                "`examples = [...]` on a subclass of tlbench.testing.BackboneConformance."
            )
        self.examples = list(samples[backbone.modality]() if examples is None else examples)

    @cached_property
    def shapes(self) -> list[tuple[int, ...] | None]:
        """Return the shape of each example as it is encoded, None where it is refused with a DataError."""
        found: list[tuple[int, ...] | None] = []
        for example in self.examples:
            try:
                found.append(tuple(self.encode([example]).shape[1:]))
            except ConformanceError as error:
                if not isinstance(error.__cause__, DataError):
                    raise
                found.append(None)
        if not any(shape is not None for shape in found):
            self.encode(self.examples[:1])  # raises with the reason
        return found

    @cached_property
    def taken(self) -> list[Any]:
        """Return the examples that are encoded to one and the same shape, as all should be."""
        usual = next(shape for shape in self.shapes if shape is not None)
        return [example for example, shape in zip(self.examples, self.shapes, strict=True) if shape == usual]

    def encode(self, raw: Sequence[Any]) -> Tensor:
        """Return raw examples encoded; raise ConformanceError where that fails."""
        with self.said("encode"), as_in_a_run():
            encoded = self.backbone.encode(deepcopy(list(raw)))  # a rule of its own looks at what is done in place
        if not isinstance(encoded, Tensor):
            raise ConformanceError(
                f"{self.name}: encode returns {type(encoded).__name__}; it must return one torch.Tensor, (N, ...)."
            )
        return encoded

    @cached_property
    def encoded(self) -> Tensor:
        """Return four of the examples that it takes, encoded: enough to tell, few enough for a large network."""
        return self.encode((self.taken * BATCH)[:BATCH])

    @cached_property
    def weights(self) -> Mapping[str, Tensor] | None:
        """Return the tensors of its weights' file; None for a random start."""
        with self.said("its weights"):
            path = self.backbone.weights
        return None if path is None else read_weights(Path(path))

    @property
    def takes_weights(self) -> bool:
        """Tell whether weights can ever reach it: a file of its own, or the field for `name@FILE`."""
        return self.weights is not None or (
            hasattr(self.backbone, "__dataclass_fields__") and ("weights" in self.backbone.__dataclass_fields__)
        )

    def build(self, weights: Mapping[str, Tensor] | None, seed: int = 1) -> nn.Module:
        """Return its network, drawn by a seed of torch's; raise ConformanceError where that fails."""
        with self.said("build"), as_in_a_run(), seeded(seed):
            network = self.backbone.build(weights)
        if not isinstance(network, nn.Module):
            raise ConformanceError(
                f"{self.name}: build returns {type(network).__name__}; it must return a torch.nn.Module from encoded "
                "inputs to features."
            )
        return network

    @cached_property
    def network(self) -> nn.Module:
        """Return its network with its own weights, or a random start, in evaluation mode."""
        return self.build(self.weights).eval()

    def features(self, network: nn.Module, inputs: Tensor) -> Any:
        """Return what a network makes of encoded inputs in evaluation mode, without gradients."""
        with self.said("the network"), as_in_a_run(), torch.no_grad():
            return network.eval()(inputs.clone())

    @cached_property
    def found(self) -> Any:
        """Return the network's output for all that was encoded, whatever type it is."""
        return self.features(self.network, self.encoded)

    @property
    def some_features(self) -> Tensor:
        """Return the features of all that was encoded; raise ConformanceError where they are no tensor."""
        found = self.found
        if not isinstance(found, Tensor):
            raise ConformanceError(f"{self.name}: the network returns {type(found).__name__}; features are a tensor.")
        return found

    @contextmanager
    def said(self, what: str) -> "Iterator[None]":
        """Turn what the backbone raises into a ConformanceError that says where."""
        try:
            yield
        except ConformanceError:
            raise
        except (DataError, WeightsError) as error:
            raise ConformanceError(f"{self.name}: {what} refused: {error}") from error
        except Exception as error:
            raise ConformanceError(sentence_of(error, f"{self.name}: {what}")) from error

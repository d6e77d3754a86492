"""Check the rules of a backbone's `encode`, one function a rule; each raises ConformanceError where it is broken."""

from copy import deepcopy

import numpy as np
import torch
from torch import Tensor

from tlbench.data import example_bytes
from tlbench.testing.backbone_subject import BackboneSubject
from tlbench.testing.check import hold
from tlbench.testing.recording import listed, same_bits
from tlbench.testing.surroundings import advance_generators, as_in_a_run
from tlbench.testing.variants import varied


def examples_of_all_shapes_are_taken_or_refused_in_a_sentence(subject: BackboneSubject) -> None:
    """Check that grey, colour and odd sizes are encoded to one shape, or refused with a DataError that says why."""
    shapes = {shape for shape in subject.shapes if shape is not None}
    hold(
        len(shapes) == 1,
        subject.name,
        f"encode gives rows of the shapes {listed(sorted(map(str, shapes)))}; all must have one shape. Resize images, "
        "or pad, to a size that does not depend on them.",
    )


def encoding_gives_one_compact_tensor(subject: BackboneSubject) -> None:
    """Check for a row per example, on the CPU, without gradients; of 8-bit images uint8."""
    encoded, raw = subject.encode(subject.taken), subject.taken
    hold(
        encoded.ndim > 1 and len(encoded) == len(raw),
        subject.name,
        f"encode turns {len(raw)} examples into a tensor of shape {tuple(encoded.shape)}; it must have a row for each. "
        "torch.stack([...]) of one tensor per example does.",
    )
    hold(
        encoded.device.type == "cpu" and not encoded.requires_grad,
        subject.name,
        f"encode returns a tensor on {encoded.device}{' with gradients' * encoded.requires_grad}; encoded data are "
        "kept in files. Return a plain tensor on the CPU.",
    )
    images = all(isinstance(example, np.ndarray) and example.dtype == np.uint8 for example in raw)
    hold(
        encoded.dtype == torch.uint8 or (not images and encoded.element_size() < 8) or not images,
        subject.name,
        f"encode turns uint8 images into {encoded.dtype}, {encoded.element_size()} times the bytes to keep and read. "
        "Return uint8, and scale and normalise in the network's forward.",
    )


def an_example_is_encoded_alike_whatever_its_neighbours(subject: BackboneSubject) -> None:
    """Check that examples encoded one by one, together and in another order give the same bytes."""
    together = subject.encode(subject.taken)
    backwards = subject.encode(subject.taken[::-1]).flip(0)
    alone = torch.cat([subject.encode([example]) for example in subject.taken])
    hold(
        same_bits(together, alone) and same_bits(together, backwards),
        subject.name,
        "an example is encoded otherwise with other neighbours. Take no statistic, padding or size over the batch: "
        "treat each example by itself.",
    )


def encoding_leaves_the_raw_examples_alone(subject: BackboneSubject) -> None:
    """Check that encode leaves the raw arrays as they are: other backbones are given the same."""
    examples = deepcopy(subject.taken)
    before = [example_bytes(example) for example in examples]
    with subject.said("encode"), as_in_a_run():
        subject.backbone.encode(examples)
    hold(
        [example_bytes(example) for example in examples] == before,
        subject.name,
        "encode changes the raw examples in place, and other backbones are given the same. Work on a copy, "
        "np.array(example), or normalise inside the network.",
    )


def encoding_twice_gives_the_same_bits(subject: BackboneSubject) -> None:
    """Check that encoding repeats after other work drew from the global generators: it does not augment."""
    once = subject.encode(subject.taken)
    with as_in_a_run():
        advance_generators()
        twice = subject.encode(subject.taken)
    hold(
        same_bits(once, twice),
        subject.name,
        "encoding the same examples again gives other bytes. Encoding is done once and kept: leave out random crops "
        "and flips (tlbench augments when it trains).",
    )


def the_encoding_is_named_by_its_settings(subject: BackboneSubject) -> None:
    """Check that `encoding` is equal for equal settings, and changes with settings that change the encoded bytes."""
    backbone = subject.backbone
    name = backbone.encoding
    hold(
        isinstance(name, str) and name and deepcopy(backbone).encoding == name == backbone.encoding,
        subject.name,
        f"encoding is {name!r}, and of a copy {deepcopy(backbone).encoding!r}: it must be one text that the settings "
        "alone decide. Leave ids and counters out.",
    )
    encoded = subject.encode(subject.taken)
    for changed in varied(backbone):
        try:
            other = changed.encode(list(subject.taken))
        except Exception:  # a value that goes with no image
            continue
        alike = isinstance(other, Tensor) and same_bits(encoded, other)
        hold(
            alike or changed.encoding != name,
            subject.name,
            f"{changed.spec} encodes otherwise, and both have the encoding {name!r}: one would be given the other's "
            "data from the cache. Put into `encoding` every setting that encode reads.",
        )


ENCODING_RULES = (
    examples_of_all_shapes_are_taken_or_refused_in_a_sentence,
    encoding_gives_one_compact_tensor,
    an_example_is_encoded_alike_whatever_its_neighbours,
    encoding_leaves_the_raw_examples_alone,
    encoding_twice_gives_the_same_bits,
    the_encoding_is_named_by_its_settings,
)

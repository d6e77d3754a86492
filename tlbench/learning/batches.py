"""Yield batches without end for a training: of labelled data, unlabelled inputs or episodes."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tlbench.contract import Episode, Episodes, Labelled, Recipe
from tlbench.data import draw_episode
from tlbench.errors import TrainingError
from tlbench.learning.augment import augment
from tlbench.learning.determinism import generator
from tlbench.seeds import derive

Stream = Labelled | Tensor | Episodes
RESIDENT_BYTES = 2**30  # streams up to this size live on the device as a whole


def batches_of(stream: Stream, recipe: Recipe, device: torch.device, seed: int) -> Iterator[Any]:
    """Yield batches of a stream for ever, each epoch in a new order."""
    order, noise = generator(derive(seed, "order")), generator(derive(seed, "augment"))
    if isinstance(stream, Episodes):
        episodes = Episodes(_resident(stream.data, device), stream.n_way, stream.k_shot, stream.n_query)
        while True:
            yield _episode_on(draw_episode(episodes, order), recipe, device, noise)
    data = Labelled(stream, torch.zeros(len(stream))) if isinstance(stream, Tensor) else stream
    if len(data) == 0:
        raise TrainingError("a training stream is empty: this method needs examples that the budget does not give.")
    resident = _resident(data, device)
    for rows in _rows(len(data), recipe.batch_size, order):
        inputs = augment(resident.inputs[rows].to(device), recipe.augment, noise)
        yield inputs if isinstance(stream, Tensor) else (inputs, resident.labels[rows].to(device))


def _rows(count: int, batch_size: int, order: torch.Generator) -> Iterator[Tensor]:
    """Yield row numbers from shuffled epochs put end to end: a short last batch would upset batch norms."""
    size = min(batch_size, count)
    waiting = torch.empty(0, dtype=torch.int64)
    while True:
        while len(waiting) < size:
            waiting = torch.cat([waiting, torch.randperm(count, generator=order)])
        yield waiting[:size]
        waiting = waiting[size:]


def _resident(data: Labelled, device: torch.device) -> Labelled:
    """Move small data to the device once; large data stays where it is and travels by the batch."""
    if data.inputs.numel() * data.inputs.element_size() > RESIDENT_BYTES:
        return data
    return Labelled(data.inputs.to(device), data.labels)


def _episode_on(episode: Episode, recipe: Recipe, device: torch.device, noise: torch.Generator) -> Episode:
    support, query = (
        Labelled(augment(part.inputs.to(device), recipe.augment, noise), part.labels.to(device))
        for part in (episode.support, episode.query)
    )
    return Episode(support, query)

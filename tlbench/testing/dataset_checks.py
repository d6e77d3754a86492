"""Check the rules of every dataset, one function a rule; each raises ConformanceError where the rule is broken."""

from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlbench.contract import Card, Dataset, check_classes, check_dataset, check_dataset_class
from tlbench.data import label_fault
from tlbench.errors import DataError, PluginError
from tlbench.names import plural
from tlbench.testing.check import checks_of, hold
from tlbench.testing.dataset_subject import DatasetSubject, rows_of
from tlbench.testing.error import ConformanceError
from tlbench.testing.listing import listing_sorted
from tlbench.testing.recording import listed
from tlbench.testing.run_checks import DATASET_RUN_RULES
from tlbench.testing.sending import sent
from tlbench.testing.surroundings import advance_generators, as_in_a_run, generator_states, plain, watched

COPIES = ("cop", "both", "duplicate", "same", "twice", "also in")  # a finding that holds one of these tells of copies


def it_is_declared_as_the_catalog_asks(subject: DatasetSubject) -> None:
    """Check for a class with a name that users can type, classes, and load(self, domain, split)."""
    try:
        check_dataset_class(type(subject.dataset))
        with subject.said("classes, domains or card"):
            check_dataset(subject.dataset)
    except PluginError as error:
        raise ConformanceError(str(error)) from None


def classes_are_two_or_more_distinct_texts_in_order(subject: DatasetSubject) -> None:
    """Check that the classes are distinct and sorted, or declared to stand in the order that the publisher gives."""
    with subject.said("classes"):
        check_classes(subject.dataset)
    hold(
        not isinstance(subject.dataset.classes, list),
        subject.name,
        "classes is a list, which anybody can change: write a tuple.",
    )


def the_order_of_the_file_system_has_no_say(subject: DatasetSubject) -> None:
    """Check that classes, labels and examples are the same when folders are listed the other way round."""
    if not subject.steady:
        return
    what = ""
    for order in (True, False):  # one of them may be this file system's own
        with listing_sorted(backwards=order):
            what = what or subject.compared(subject.anew(), "when the file system lists folders in another order")
    hold(not what, subject.name, f"{what}. Sort what os.listdir, scandir, iterdir and glob give.")


def the_order_of_sets_has_no_say(subject: DatasetSubject) -> None:
    """Check that a process with another hash seed finds the same classes, labels and examples."""
    found = subject.elsewhere() if subject.steady else None
    hold(
        found is None or found == subject.here(),
        subject.name,
        "two processes find other classes, labels or examples, as where a set of texts is listed: its order changes "
        "with PYTHONHASHSEED. Write sorted(set(...)).",
    )


def labels_are_integers_of_one_axis(subject: DatasetSubject) -> None:
    """Check that labels are positions in the classes, (N,); neither one-hot rows nor names nor floats."""
    for domain, split in subject.parts:
        fault = label_fault(subject.load(domain, split).labels)
        hold(fault is None, subject.name, f"{domain}/{split}: {fault}")


def there_are_as_many_inputs_as_labels(subject: DatasetSubject) -> None:
    """Check that no split is empty, and that every input can be asked for by its number."""
    for domain, split in subject.parts:
        loaded = subject.load(domain, split)
        count = len(np.asarray(loaded.labels))
        hold(count, subject.name, f"{domain}/{split} is empty. Leave the split or the domain out.")
        with subject.said(f"reading the last example of ({domain!r}, {split!r})"):
            _ = loaded.inputs[count - 1]


def labels_lie_within_the_classes(subject: DatasetSubject) -> None:
    """Check that labels run from 0 to the number of classes less one."""
    for (domain, split), seen in subject.first.items():
        if label_fault(seen.labels) is None and len(seen.labels):
            low, high, classes = int(seen.labels.min()), int(seen.labels.max()), len(subject.classes)
            hold(
                low >= 0 and high < classes,
                subject.name,
                f"{domain}/{split}: labels run from {low} to {high}, but there are {classes} classes (0 to "
                f"{classes - 1}). Number them from 0 by their position in `classes`.",
            )


def every_class_is_in_training_and_in_test(subject: DatasetSubject) -> None:
    """Check that every class is in training and in test of each domain: what is not learnt, or not tested, is none."""
    for (domain, split), seen in subject.first.items():
        within = label_fault(seen.labels) is None and set(np.unique(seen.labels)) <= set(range(len(subject.classes)))
        if split in ("train", "test") and within:
            absent = [name for label, name in enumerate(subject.classes) if not (seen.labels == label).any()]
            hold(
                not absent,
                subject.name,
                f"{domain}/{split} has no example of class {listed(list(map(repr, absent)))}. Split each class by "
                "itself, or leave the class out.",
            )
    for domain in {domain for domain, _ in subject.parts}:
        splits = {split for other, split in subject.parts if other == domain}
        hold(
            {"train", "test"} <= splits,
            subject.name,
            f"domain {domain!r} has the splits {', '.join(sorted(splits))}; train and test must be there.",
        )


def equal_arguments_give_equal_bytes(subject: DatasetSubject) -> None:
    """Check that a second load, and an equal dataset made anew, give the same examples in the same order."""
    _ = subject.first
    with as_in_a_run():
        advance_generators()
        for how, other in (("at the second load", subject.dataset), ("in an equal dataset made anew", subject.anew())):
            what = subject.compared(other, how)
            hold(
                not what,
                subject.name,
                f"{what}. Change nothing in place (index by np.random.default_rng(0).permutation(n) instead of "
                "shuffle), and draw from generators with a fixed seed.",
            )


def what_was_returned_can_be_changed_without_harm(subject: DatasetSubject) -> None:
    """Check that writing into an array that load gave does not change what the next load gives."""
    for domain, split in subject.parts if subject.steady else ():
        before = subject.first[domain, split]
        given = subject.load(domain, split)
        undo = [_overwritten(given.labels), *(_overwritten(given.inputs[row]) for row in rows_of(len(given))[:2])]
        after = subject.see(domain, split)
        for put_back in undo:
            put_back()
        hold(
            not before.differs_from(after),
            subject.name,
            f"{domain}/{split}: writing into what load returned changes the next load. Return copies, array.copy(), or "
            "make the arrays read-only, array.flags.writeable = False.",
        )


def the_fingerprint_says_what_is_in_it(subject: DatasetSubject) -> None:
    """Check that equal datasets have one fingerprint, and other examples, labels or parameters another."""
    if not subject.steady:
        return
    with subject.said("fingerprint"):
        own, again, anew = subject.dataset.fingerprint(), subject.dataset.fingerprint(), subject.anew().fingerprint()
    hold(
        isinstance(own, str) and own and own == again == anew,
        subject.name,
        f"fingerprint gives {own!r}, then {again!r}, and {anew!r} for an equal dataset: it must be one text that the "
        "content alone decides. Leave times, ids and hash() out.",
    )
    if type(subject.dataset).fingerprint is not Dataset.fingerprint:
        _hold_told_apart(subject, own)


def unknown_domains_and_splits_are_refused(subject: DatasetSubject) -> None:
    """Check that an unknown domain or split raises a DataError that names what there is."""
    domain, split = subject.parts[0]
    for arguments in ((domain, "no-such-split"), ("no-such-domain", split)):
        try:
            subject.anew().load(*arguments)
        except DataError:
            continue
        except Exception as error:
            raise ConformanceError(
                f"{subject.name}: load{arguments} raised {type(error).__name__}. Raise tlbench.DataError with the "
                "names that there are."
            ) from error
        raise ConformanceError(
            f"{subject.name}: load{arguments} returned examples. Raise tlbench.DataError for a domain or a split that "
            "there is not: a typo would be scored as if it were data."
        )


def images_are_arrays_that_backbones_take(subject: DatasetSubject) -> None:
    """Check that images are uint8, uint16 or float32 of 0 to 255, (H, W) or (H, W, C), or uint8 tensors (C, H, W)."""
    if subject.dataset.modality != "image":
        return
    for domain, split in subject.parts:
        loaded = subject.load(domain, split)
        with subject.said(f"reading examples of ({domain!r}, {split!r})"):
            images = [loaded.inputs[row] for row in rows_of(len(loaded))]
        tensors = [image for image in images if isinstance(image, Tensor)]
        for tensor in tensors:
            _hold_tensor(subject, tensor, f"{domain}/{split}: an image is a tensor, {tensor.dtype} of shape")
        if tensors:
            continue
        with subject.said(f"reading examples of ({domain!r}, {split!r})"):
            arrays = [np.asarray(image) for image in images]
        for array in arrays:
            where = f"{domain}/{split}: an image is {array.dtype} of shape {array.shape}"
            hold(
                array.ndim in (2, 3) and 0 not in array.shape,
                subject.name,
                f"{where}; it must be (H, W) or (H, W, C). Reshape flat rows, row.reshape(H, W).",
            )
            hold(
                not (array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] > 4),
                subject.name,
                f"{where}: channels stand first. Write image.transpose(1, 2, 0).",
            )
            hold(
                array.dtype in (np.uint8, np.uint16, np.float32),
                subject.name,
                f"{where}; it must be uint8 (or uint16, or float32 of 0 to 255). Write image.astype(np.uint8) after "
                "scaling to 0..255.",
            )
        if arrays and arrays[0].dtype == np.float32:
            low, high = min(float(array.min()) for array in arrays), max(float(array.max()) for array in arrays)
            hold(
                low >= 0 and 1 < high <= 255,
                subject.name,
                f"{domain}/{split}: float32 images run from {low:.3g} to {high:.3g}; they must be on the scale of 0 to "
                "255, neither normalised nor divided by it. Backbones normalise.",
            )


def _hold_tensor(subject: DatasetSubject, tensor: Tensor, where: str) -> None:
    shape = tuple(tensor.shape)
    hold(
        tensor.ndim in (2, 3) and 0 not in shape,
        subject.name,
        f"{where} {shape}; it must be (H, W) or (C, H, W). Reshape flat rows, row.reshape(H, W).",
    )
    hold(
        not (tensor.ndim == 3 and shape[2] in (1, 3) and shape[0] > 4),
        subject.name,
        f"{where} {shape}: channels stand last. Write image.permute(2, 0, 1).",
    )
    hold(
        tensor.dtype == torch.uint8,
        subject.name,
        f"{where} {shape}; it must be uint8. Write image.to(torch.uint8) after scaling to 0..255, or image.numpy() for "
        "uint16 and float32.",
    )


def what_is_told_of_examples_has_one_answer_each(subject: DatasetSubject) -> None:
    """Check that digests, groups, sources and columns are as long as the labels, and sources distinct."""
    dataset = subject.dataset
    for part in subject.parts:
        count = len(subject.first[part].labels)
        with subject.said(f"digests, groups, sources or columns of {part}"):
            told: dict[str, Any] = {
                "digests": subject.digests[part],
                "sources": dataset.sources(*part),
                "groups": dataset.groups(*part),
            }
            columns = dataset.columns(*part)
        told |= {f"column {name!r}": column.labels for name, column in columns.items()}
        for name, answers in told.items():
            found = count if answers is None else len(answers)
            hold(
                found == count,
                subject.name,
                f"{part[0]}/{part[1]}: {name} has {found} entries for {count} examples. "
                "Return one each, in the order of load.",
            )
        twice = [source for source, times in Counter(told["sources"]).items() if times > 1]
        hold(
            not twice,
            subject.name,
            f"{part[0]}/{part[1]}: sources names {listed(twice)} twice; messages could not say which example is meant.",
        )
        for name, column in columns.items():
            labels = np.asarray(column.labels)
            within = not len(labels) or (labels.min() >= 0 and labels.max() < len(column.classes))
            hold(
                label_fault(labels) is None and within,
                subject.name,
                f"{part[0]}/{part[1]}: column {name!r} must hold positions in its {len(column.classes)} classes.",
            )


def no_test_example_is_in_training_unsaid(subject: DatasetSubject) -> None:
    """Check for copies of test examples in the training split, which are leakage unless `findings` tells of them."""
    for domain in {domain for domain, _ in subject.parts}:
        training = set(subject.digests.get((domain, "train"), ()))
        copies = sum(digest in training for digest in subject.digests.get((domain, "test"), ()))
        said = any(word in finding.lower() for finding in subject.findings for word in COPIES)
        hold(
            not copies or said,
            subject.name,
            f"domain {domain!r}: {plural(copies, 'test example')} also in training, byte for byte. Split by content, "
            "or return a sentence from findings() that tells of the copies.",
        )


def no_group_is_parted(subject: DatasetSubject) -> None:
    """Check that no group, such as images of one patient, is in training and in test unless `findings` tells of it."""
    for domain in {domain for domain, _ in subject.parts}:
        with subject.said("groups"):
            train, test = (subject.dataset.groups(domain, split) for split in ("train", "test"))
        shared = sorted(set(train or ()) & set(test or ()))
        hold(
            not shared or any("group" in finding.lower() for finding in subject.findings),
            subject.name,
            f"domain {domain!r}: group {listed(list(map(repr, shared)))} is in training and in test. Split by groups, "
            "or return a sentence from findings() that tells of it.",
        )


def it_can_be_sent_to_another_process(subject: DatasetSubject) -> None:
    """Check that a pickled copy gives the same, loaded or not."""
    for dataset in (subject.anew(), subject.dataset):
        if not subject.steady:
            continue
        with subject.said("pickling it for a worker process"):
            copy = sent(dataset)
        what = subject.compared(copy, "in a pickled copy")
        hold(not what, subject.name, f"{what}. Keep what decides the data in fields.")


def loading_opens_no_socket_and_writes_no_file(subject: DatasetSubject) -> None:
    """Check that load neither downloads nor writes: `prepare` does, which is asked once and given a folder."""
    _ = subject.first
    other = subject.anew()
    with watched() as traces:
        for part in subject.parts:
            subject.see(*part, other)
    hold(
        not traces.found,
        subject.name,
        f"in load {listed(traces.found)}. Fetch and unpack in prepare(self, folder); load finds the folder as "
        "self.folder.",
    )


def loading_leaves_the_global_generators_alone(subject: DatasetSubject) -> None:
    """Check that load neither seeds nor draws from the global generators: later work must not depend on it."""
    with as_in_a_run():
        advance_generators()  # else one that seeds them would find them as it left them
        before = generator_states()
        other = subject.anew()
        for part in subject.parts:
            subject.see(*part, other)
        moved = [name for name, state in generator_states().items() if plain(state) != plain(before[name])]
    hold(
        not moved,
        subject.name,
        f"load seeds or draws from the global generator of {listed(moved)}. Use a generator of its own, "
        "np.random.default_rng(0).",
    )


def findings_and_card_are_as_pages_show_them(subject: DatasetSubject) -> None:
    """Check that findings are sentences and the card is a Card."""
    strange = [finding for finding in subject.findings if not (isinstance(finding, str) and finding.endswith("."))]
    hold(not strange, subject.name, f"findings returns {strange[:1]}; they are sentences, each with a full stop.")
    with subject.said("card or label"):
        card, label = subject.dataset.card, subject.dataset.label
    hold(
        isinstance(card, Card) and isinstance(label, str),
        subject.name,
        f"card is {type(card).__name__}; it must be a tlbench.contract.dataset.Card.",
    )


DATASET_CHECKS = (
    *checks_of(
        (
            it_is_declared_as_the_catalog_asks,
            classes_are_two_or_more_distinct_texts_in_order,
            the_order_of_the_file_system_has_no_say,
            the_order_of_sets_has_no_say,
            labels_are_integers_of_one_axis,
            there_are_as_many_inputs_as_labels,
            labels_lie_within_the_classes,
            every_class_is_in_training_and_in_test,
            equal_arguments_give_equal_bytes,
            what_was_returned_can_be_changed_without_harm,
            the_fingerprint_says_what_is_in_it,
            unknown_domains_and_splits_are_refused,
            images_are_arrays_that_backbones_take,
            what_is_told_of_examples_has_one_answer_each,
            no_test_example_is_in_training_unsaid,
            no_group_is_parted,
            it_can_be_sent_to_another_process,
            loading_opens_no_socket_and_writes_no_file,
            loading_leaves_the_global_generators_alone,
            findings_and_card_are_as_pages_show_them,
        )
    ),
    *checks_of(DATASET_RUN_RULES, in_a_run=True),
)


def _overwritten(array: Any) -> Any:
    """Write into an array, where that is possible, and return what puts it back."""
    if not isinstance(array, np.ndarray) or not array.flags.writeable or not array.size:
        return lambda: None
    before = array.copy()
    array[...] = (array == 0).astype(array.dtype)

    def put_back() -> None:
        array[...] = before

    return put_back


def _hold_told_apart(subject: DatasetSubject, own: str) -> None:
    """Hold that variants of the dataset with other bytes have other fingerprints."""
    from tlbench.testing.variants import varied

    for other in varied(subject.dataset):
        try:
            what = subject.compared(other, "")
            fingerprint = other.fingerprint()
        except Exception:  # a value that goes with no data
            continue
        hold(
            not what or fingerprint != own,
            subject.name,
            f"{other.label} holds other data, and both have the fingerprint {own[:16]}: results would be mixed up. Let "
            "it depend on every example and label.",
        )
    for other, what in subject.swapped():
        hold(
            other.fingerprint() != own,
            subject.name,
            f"{what}, and the fingerprint stays the same: results would be mixed up. Let it depend on every example "
            "and label.",
        )

"""Measure how often the most likely class is the right one, over examples and over classes."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, recall_score

from tlbench import Metric

Logits = NDArray[np.float32]  # (N, C)
Labels = NDArray[np.int64]  # (N,)


def accuracy(logits: Logits, labels: Labels) -> float:
    """Return the share of examples whose highest logit is that of their label."""
    return float((logits.argmax(axis=1) == labels).mean())


def balanced_accuracy(logits: Logits, labels: Labels) -> float:
    """Return the mean over the classes of the share of their examples that is found."""
    return float(recall_by_class(logits, labels).mean())


def worst_class_accuracy(logits: Logits, labels: Labels) -> float:
    """Return the share that is found of the class that is found least."""
    return float(recall_by_class(logits, labels).min())


def macro_f1(logits: Logits, labels: Labels) -> float:
    """Return the mean over the classes of the harmonic mean of precision and recall."""
    score = f1_score(labels, logits.argmax(axis=1), labels=np.unique(labels), average="macro", zero_division=0)
    return float(score)


def recall_by_class(logits: Logits, labels: Labels) -> NDArray[np.float64]:
    """Return each class's share of examples found, over the classes that the labels hold."""
    # A class without a test example has no recall. Were predicted classes averaged as well, as is scikit-learn's
    # own default, two strategies would be scored over different sets of classes.
    return np.asarray(recall_score(labels, logits.argmax(axis=1), labels=np.unique(labels), average=None))


def sensitivity(logits: Logits, labels: Labels) -> float:
    """Return the share that is found of the second of two classes; NaN, undefined, where there is none to find."""
    return _recall_of_two(logits, labels, 1)


def specificity(logits: Logits, labels: Labels) -> float:
    """Return the share that is found of the first of two classes; NaN, undefined, where there is none to find."""
    return _recall_of_two(logits, labels, 0)


def _recall_of_two(logits: Logits, labels: Labels, which: int) -> float:
    own = labels == which
    if logits.shape[1] != 2 or not own.any():
        return float("nan")
    return float((logits[own].argmax(axis=1) == which).mean())


ACCURACY = Metric("accuracy", accuracy, description="share of test examples classified rightly")
BALANCED_ACCURACY = Metric(
    "balanced-accuracy",
    balanced_accuracy,
    description="mean over classes of the share of their examples classified rightly",
    citation="Brodersen et al., The Balanced Accuracy and Its Posterior Distribution, ICPR 2010",
)
WORST_CLASS_ACCURACY = Metric(
    "worst-class-accuracy",
    worst_class_accuracy,
    description="share of examples classified rightly in the class where it is least",
)
MACRO_F1 = Metric(
    "macro-f1",
    macro_f1,
    description="mean over classes of the harmonic mean of precision and recall",
)
SENSITIVITY = Metric(
    "sensitivity",
    sensitivity,
    description="share of the second of two classes, the positive one, that is found; undefined without an example",
    classes=2,
    positive=True,
)
SPECIFICITY = Metric(
    "specificity",
    specificity,
    description="share of the first of two classes, the negative one, that is found; undefined without an example",
    classes=2,
    positive=True,
)

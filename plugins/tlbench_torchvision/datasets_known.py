"""List the classification datasets of torchvision: how each names its splits, and what its authors ask to be cited."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tlbench import UnknownNameError, near_miss


@dataclass(frozen=True)
class Known:
    """Describe how a class of `torchvision.datasets` is asked for its splits."""

    citation: str
    where: str  # what it looks for below its root
    splits: Mapping[str, Mapping[str, object]]  # ours -> keywords of the constructor; without `test` for none
    license: str = ""  # where the publisher states one
    options: Mapping[str, object] = field(default_factory=dict)  # further keywords, with what they are by default
    note: str = ""
    fetched: bool = True  # whether torchvision can download it


_BY_FLAG = {"train": {"train": True}, "test": {"train": False}}
_TWO = {"train": {"split": "train"}, "test": {"split": "test"}}
_THREE = {**_TWO, "val": {"split": "val"}}
_WHOLE: Mapping[str, Mapping[str, object]] = {"train": {}}
_VAL_IS_TEST = "Published without test labels: its validation split is the test split."

KNOWN: Mapping[str, Known] = {
    "CIFAR10": Known(
        "A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009", "cifar-10-batches-py", _BY_FLAG
    ),
    "CIFAR100": Known(
        "A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009", "cifar-100-python", _BY_FLAG
    ),
    "Caltech101": Known("L. Fei-Fei, R. Fergus, P. Perona: Caltech 101, 2004", "caltech101", _WHOLE),
    "Caltech256": Known(
        "G. Griffin, A. Holub, P. Perona: Caltech-256 Object Category Dataset, 2007", "caltech256", _WHOLE
    ),
    "Country211": Known(
        "A. Radford et al.: Learning Transferable Visual Models From Natural Language Supervision, 2021",
        "country211",
        {**_TWO, "val": {"split": "valid"}},
    ),
    "DTD": Known(
        "M. Cimpoi et al.: Describing Textures in the Wild, 2014", "dtd/dtd", _THREE, options={"partition": 1}
    ),
    "EMNIST": Known(
        "G. Cohen et al.: EMNIST: an extension of MNIST to handwritten letters, 2017",
        "EMNIST/raw",
        _BY_FLAG,
        options={"split": "balanced"},
        note="Letters are transposed, as torchvision serves them.",
    ),
    "EuroSAT": Known(
        "P. Helber et al.: EuroSAT: A Novel Dataset and Deep Learning Benchmark for Land Use and Land Cover "
        "Classification, 2019",
        "eurosat/2750",
        _WHOLE,
        license="MIT",
    ),
    "FER2013": Known(
        "I. Goodfellow et al.: Challenges in Representation Learning, 2013", "fer2013", _TWO, fetched=False
    ),
    "FGVCAircraft": Known(
        "S. Maji et al.: Fine-Grained Visual Classification of Aircraft, 2013",
        "fgvc-aircraft-2013b",
        _THREE,
        options={"annotation_level": "variant"},
    ),
    "FashionMNIST": Known(
        "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning "
        "Algorithms, 2017",
        "FashionMNIST/raw",
        _BY_FLAG,
        license="MIT",
    ),
    "Flowers102": Known(
        "M.-E. Nilsback, A. Zisserman: Automated Flower Classification over a Large Number of Classes, 2008",
        "flowers-102",
        _THREE,
    ),
    "Food101": Known(
        "L. Bossard, M. Guillaumin, L. Van Gool: Food-101 - Mining Discriminative Components with Random Forests, 2014",
        "food-101",
        _TWO,
    ),
    "GTSRB": Known(
        "J. Stallkamp et al.: The German Traffic Sign Recognition Benchmark, 2011",
        "gtsrb",
        _TWO,
    ),
    "Imagenette": Known(
        "J. Howard: Imagenette, 2019",
        "imagenette2",
        {"train": {"split": "train"}, "test": {"split": "val"}},
        license="Apache-2.0",
        options={"size": "full"},
        note=_VAL_IS_TEST,
    ),
    "KMNIST": Known(
        "T. Clanuwat et al.: Deep Learning for Classical Japanese Literature, 2018",
        "KMNIST/raw",
        _BY_FLAG,
        license="CC BY-SA 4.0",
    ),
    "MNIST": Known(
        "Y. LeCun et al.: Gradient-based learning applied to document recognition, 1998", "MNIST/raw", _BY_FLAG
    ),
    "OxfordIIITPet": Known(
        "O. M. Parkhi et al.: Cats and Dogs, 2012",
        "oxford-iiit-pet",
        {"train": {"split": "trainval"}, "test": {"split": "test"}},
        license="CC BY-SA 4.0",
        options={"target_types": "category"},
    ),
    "RenderedSST2": Known(
        "A. Radford et al.: Learning Transferable Visual Models From Natural Language Supervision, 2021",
        "rendered-sst2",
        _THREE,
    ),
    "SEMEION": Known("M. Buscema: MetaNet: The Theory of Independent Judges, 1998", "semeion.data", _WHOLE),
    "STL10": Known(
        "A. Coates, H. Lee, A. Y. Ng: An Analysis of Single-Layer Networks in Unsupervised Feature Learning, 2011",
        "stl10_binary",
        _TWO,
    ),
    "SUN397": Known(
        "J. Xiao et al.: SUN Database: Large-scale Scene Recognition from Abbey to Zoo, 2010", "SUN397", _WHOLE
    ),
    "SVHN": Known(
        "Y. Netzer et al.: Reading Digits in Natural Images with Unsupervised Feature Learning, 2011",
        "train_32x32.mat",
        _TWO,
    ),
    "StanfordCars": Known(
        "J. Krause et al.: 3D Object Representations for Fine-Grained Categorization, 2013",
        "stanford_cars",
        _TWO,
        fetched=False,
    ),
    "USPS": Known(
        "J. J. Hull: A Database for Handwritten Text Recognition Research, 1994", "usps.bz2 and usps.t.bz2", _BY_FLAG
    ),
}


def known(name: str) -> Known:
    """Return how a dataset is asked for; raise UnknownNameError, with the nearest name, where it is not here."""
    if name in KNOWN:
        return KNOWN[name]
    raise UnknownNameError(
        f"torchvision dataset {name!r} is none for classification, or unknown.{near_miss(name, KNOWN)} There are: "
        f"{', '.join(sorted(KNOWN))}."
    )

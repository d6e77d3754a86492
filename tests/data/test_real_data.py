"""Real photographs and real pretrained weights, where the machine has them: a loader that loses accuracy is seen."""

from pathlib import Path

import pytest
import torch

import tlbench
from tlbench.contract import Block, Suite
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.learning import predict

CIFAR_PLUGIN = Path(__file__).parent / "cifar_resnet.py"
CPU = torch.device("cpu")


@pytest.fixture
def cifar(real_data):
    return (
        f"cifar_resnet20@{real_data}/weights/resnet20_cifar10.safetensors",
        f"npz:{real_data}/cifar10_small/cifar10_small.npz",
    )


def test_the_untouched_cifar_resnet_keeps_its_accuracy_through_our_loading(cifar, tmp_path):
    backbone, dataset = cifar
    resources = Resources(Catalog(Host([CIFAR_PLUGIN])), Cache(tmp_path))
    test = resources.encoded(dataset, "all", "test", backbone)
    entry = resources.backbone(backbone)
    features = predict(entry.backbone.build(entry.weights), test.inputs, CPU)
    logits = features @ entry.weights["linear.weight"].T + entry.weights["linear.bias"]
    accuracy = float((logits.argmax(1).numpy() == test.labels).mean())
    assert accuracy == pytest.approx(0.915, abs=0.002)


@pytest.mark.slow
def test_a_cifar_resnet_from_a_local_plugin_file_runs_to_a_sensible_table(cifar, tmp_path):
    backbone, dataset = cifar
    block = Block(("linear-probe", "nearest-neighbours"), (backbone,), (dataset,), ("5-shot", "full"))
    results = tlbench.run(Suite("cifar", (block,), replicates=2), out=tmp_path, plugins=[CIFAR_PLUGIN])
    table = results.summary().set_index(["strategy", "budget"])["mean"]
    # The backbone has seen CIFAR-10: five labels per class bring back most of its .915.
    assert table["linear-probe", "5-shot"] > 0.8
    assert table["linear-probe", "full"] > 0.88
    assert set(results.frame()["pretrained_on"]) == {"CIFAR-10"}


@pytest.mark.slow
def test_probing_flowers_on_real_imagenet_weights_is_far_above_chance_and_scratch(real_data, tmp_path):
    backbone = f"mobilenetv2_100(input_size=96)@{real_data}/weights/mobilenetv2_100_imagenet.safetensors"
    dataset = f"zip:{real_data}/flowers12/flowers12.zip"
    block = Block(("linear-probe",), (backbone,), (dataset,), ("5-shot", "full"))
    results = tlbench.run(Suite("flowers", (block,), replicates=1), out=tmp_path)
    table = results.summary().set_index("budget")["mean"]
    assert table["full"] > 0.85
    assert table["5-shot"] > 0.6
    used = results.records[0].provenance["backbone"]["used"]
    assert used["arguments"]["pad_type"] == "same"  # both from the file's own metadata
    assert used["preprocessing"]["mean"] == [0.5, 0.5, 0.5]

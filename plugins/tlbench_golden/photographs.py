"""Run twelve kinds of flowers from pretrained weights: ImageNet's, and those of a net for birds, which is farther."""

from collections.abc import Iterator

from tlbench import Block, Suite
from tlbench_golden.check import Checks, Row, Setup
from tlbench_golden.runs import accuracies

CHECKS = Checks()
FLOWERS = "flowers12/flowers12.zip"
SQUEEZENET = "weights/squeezenet1_1_imagenet.safetensors"
MOBILENET, BIRDS = "weights/mobilenetv2_100_imagenet.safetensors", "weights/mobilenetv2_100_inat_bird.safetensors"
BUDGETS = ("5-shot", "10-shot")
TUNED = ("layer-decay", "lora", "l2-sp")
UNBOUNDED = float("inf")


@CHECKS.rows(
    "scratch", "linear-probe", "finetune", "lp-ft", *TUNED, kind="order", files=(FLOWERS, SQUEEZENET)
)  # fmt: skip
def flowers_from_squeezenet(setup: Setup) -> Iterator[Row]:
    """Yield what transfer gains over scratch, and gentle fine-tunings over the plain one."""
    strategies = ("scratch", "linear-probe", "finetune", "lp-ft", *TUNED)
    backbone = f"tv.squeezenet1_1(input_size=96)@{setup.file(SQUEEZENET)}"
    scores = _scores(setup, "flowers-squeezenet", strategies, backbone, BUDGETS, replicates=1)
    for budget, found in scores.items():
        for name in ("linear-probe", "finetune"):
            gain = found[name] - found["scratch"]
            yield Row(
                name, f"over scratch, SqueezeNet 1.1, {budget}", "arXiv:1411.1792", "far ahead", gain, 0.2, UNBOUNDED
            )
        for name, source in (
            ("lp-ft", "arXiv:2202.10054"),
            ("layer-decay", "arXiv:1801.06146"),
            ("lora", "arXiv:2106.09685"),
            ("l2-sp", "arXiv:1802.01483"),
        ):
            gap = found[name] - found["finetune"]
            yield Row(
                name,
                f"less finetune, SqueezeNet 1.1, {budget}",
                source,
                "not behind but for noise",
                gap,
                -0.05,
                UNBOUNDED,
            )


@CHECKS.rows("linear-probe", "prototypes", kind="published", files=(FLOWERS, MOBILENET, BIRDS, SQUEEZENET))
def flowers_from_near_and_far(setup: Setup) -> Iterator[Row]:
    """Yield probes of MobileNetV2 pretrained on ImageNet and on birds, which are farther from flowers."""
    found = {}
    for name, file in (("imagenet", MOBILENET), ("birds", BIRDS)):
        backbone = f"mobilenetv2_100(input_size=96)@{setup.file(file)}"
        probes = ("linear-probe", "prototypes")
        found[name] = _scores(setup, f"flowers-{name}", probes, backbone, BUDGETS, replicates=3)
    for budget in BUDGETS:
        for method in ("linear-probe", "prototypes"):
            gap = found["imagenet"][budget][method] - found["birds"][budget][method]
            yield Row(
                method, f"from ImageNet over from birds, {budget}", "arXiv:1411.1792", "ahead", gap, 0.02, UNBOUNDED
            )
    [full] = _scores(
        setup, "flowers-full", ("linear-probe",), f"tv.squeezenet1_1@{setup.file(SQUEEZENET)}", ("full",), replicates=1
    ).values()
    yield Row("linear-probe", "accuracy, SqueezeNet 1.1 at 224, all labels", "pooled features, logistic regression",
              ".946", full["linear-probe"], 0.92, 0.98)  # fmt: skip


def _scores(
    setup: Setup, name: str, strategies, backbone: str, budgets, replicates: int
) -> dict[str, dict[str, float]]:
    """Return accuracies by budget and strategy."""
    block = Block(tuple(strategies), (backbone,), (f"zip:{setup.file(FLOWERS)}",), tuple(budgets))
    means = accuracies(setup, Suite(name, (block,), replicates=replicates))
    return {budget: dict(group[["strategy", "accuracy"]].values) for budget, group in means.groupby("budget")}

"""List the names of torchvision's classification models, as users write them."""

PREFIX = "tv."


def all_names() -> list[str]:
    """Return every classification model's name with its prefix."""
    from torchvision import models

    return [PREFIX + name for name in models.list_models(module=models)]

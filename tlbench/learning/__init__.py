"""Give strategies their workbench: fresh backbones, features, the one training loop."""

"""Placeholder."""

from tlbench_golden.check import Checks

CHECKS = Checks()

"""Define everything that tlbench raises on purpose.

TlbenchError
├── UnknownNameError   a strategy, backbone, dataset, metric, suite ... that no plugin offers
├── ParameterError     a parameter or a setting that does not exist, or has a wrong type or range
├── PluginError        a plugin that cannot be used, or two that claim one name
├── DataError          a dataset that cannot be read as what it says it is
├── WeightsError       weights that are unsafe to read, or do not fit
├── DeviceError        a device that was asked for and is not there
├── StoreError         a results folder that cannot be read or written
├── PlanError          a plan in which nothing can run
└── TrainingError      a loss that became infinite or not a number

The command line turns each into one line and exit code 2.
"""


class TlbenchError(Exception):
    """Report what a user can mend, and how: the root of all errors, whose text says what, which and what to do."""


class UnknownNameError(TlbenchError):
    """Report a name that no installed plugin offers."""


class ParameterError(TlbenchError):
    """Report a parameter, key or setting that is unknown, or of a wrong type or range."""


class PluginError(TlbenchError):
    """Report a plugin that cannot be used, or two plugins that claim one name."""


class DataError(TlbenchError):
    """Report a dataset that cannot be read as what it says it is."""


class WeightsError(TlbenchError):
    """Report weights that are unsafe to read, missing, or do not fit the network."""


class DeviceError(TlbenchError):
    """Report a device that was asked for and is not there."""


class StoreError(TlbenchError):
    """Report a results folder that cannot be read or written."""


class PlanError(TlbenchError):
    """Report a plan in which nothing can run."""


class TrainingError(TlbenchError):
    """Report a loss that became infinite or not a number; the text names the step."""

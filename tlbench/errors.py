"""Name everything tlbench raises on purpose.

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
    """Describe the root of all errors that a user can mend: its text says what, which and what to do."""


class UnknownNameError(TlbenchError):
    """Describe a name that no installed plugin offers."""


class ParameterError(TlbenchError):
    """Describe a parameter, key or setting that is unknown, or of a wrong type or range."""


class PluginError(TlbenchError):
    """Describe a plugin that cannot be used, or two plugins that claim one name."""


class DataError(TlbenchError):
    """Describe a dataset that cannot be read as what it says it is."""


class WeightsError(TlbenchError):
    """Weigh that are unsafe to read, missing, or do not fit the network."""


class DeviceError(TlbenchError):
    """Describe a device that was asked for and is not there."""


class StoreError(TlbenchError):
    """Describe a results folder that cannot be read or written."""


class PlanError(TlbenchError):
    """Describe a plan in which nothing can run."""


class TrainingError(TlbenchError):
    """Describe a loss that became infinite or not a number; the text names the step."""

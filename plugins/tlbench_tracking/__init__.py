"""Offer experiment trackers: TensorBoard and MLflow are told what the records say while a run goes on."""

from tlbench import hookimpl


@hookimpl
def tlbench_trackers():
    """Offer the trackers; their libraries are imported when one is opened."""
    from tlbench import Tracker
    from tlbench_tracking.mlflow_runs import open_mlflow
    from tlbench_tracking.tensorboard_files import open_tensorboard

    return [
        Tracker("mlflow", open_mlflow, "a run of an MLflow experiment per cell; mlflow:FOLDER or mlflow:URI"),
        Tracker("tensorboard", open_tensorboard, "scalars and texts for TensorBoard; tensorboard:FOLDER"),
    ]

"""Write records as runs of an MLflow experiment."""

import os
import re
import time
from collections.abc import Iterator

from tlbench import PluginError, Record, hookimpl
from tlbench_tracking.facts import numbers, record_digest, texts
from tlbench_tracking.place import require, writable_folder

CELL, RECORD = "tlbench.contract.cell", "tlbench.contract.record"
LONGEST = 5000  # characters of a tag's value, as MLflow has it
MOST = 100  # tags or parameters of one request, as MLflow has it
# Nothing is sent to MLflow's makers, folders are allowed, and a server that is away does not hold a run up for long.
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def open_mlflow(place: str, plan) -> "MlflowRuns":
    """Return an observer that writes to a folder or a server; raises TlbenchError where that cannot be."""
    require("mlflow", "mlflow")
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if "://" not in place and not place.startswith(("file:", "databricks")):
        place = str(writable_folder("mlflow", place).resolve())
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=place)
    name = plan.suite.name
    experiment = client.get_experiment_by_name(name)
    if experiment is not None and experiment.lifecycle_stage != "active":
        raise PluginError(f"the MLflow experiment {name!r} in {place} is deleted. Restore it, or write elsewhere.")
    return MlflowRuns(client, client.create_experiment(name) if experiment is None else experiment.experiment_id)


class MlflowRuns:
    """Write a run per cell into the experiment of the suite.

    Runs are known by tags that hold the cell and a digest of its record: what is there is not written again, and a
    run that was cut short, or whose cell was run anew, is replaced.
    """

    def __init__(self, client, experiment: str) -> None:
        self.client, self.experiment = client, experiment
        self.artifacts = True
        self.known = {run.data.tags[CELL]: run for run in self._runs() if CELL in run.data.tags}

    def _runs(self) -> Iterator[object]:
        token = None
        while True:
            page = self.client.search_runs([self.experiment], max_results=1000, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    @hookimpl
    def tlbench_cell_finished(self, cell, record: Record) -> None:
        """Write a record, unless it is there."""
        earlier = self.known.get(record.cell)
        if earlier is not None:
            whole = earlier.info.status in ("FINISHED", "FAILED")
            if whole and earlier.data.tags.get(RECORD) == record_digest(record):
                return
            self.client.delete_run(earlier.info.run_id)
        self.known[record.cell] = self._write(record)

    def _write(self, record: Record):
        labels, client = record.labels, self.client
        title = f"{labels['strategy']}, {labels['transfer']}, {labels['budget']}, replicate {labels['replicate']}"
        tags = {CELL: record.cell, RECORD: record_digest(record)}
        run = client.create_run(self.experiment, run_name=title, tags=tags)
        for metrics, params, further in _requests(record):
            client.log_batch(run.info.run_id, metrics=metrics, params=params, tags=further)
        self._keep(run, record)
        client.set_terminated(run.info.run_id, "FINISHED" if record.ok else "FAILED")
        return client.get_run(run.info.run_id)

    def _keep(self, run, record: Record) -> None:
        """Store the record itself with a run; a server may have nowhere to put it."""
        if not self.artifacts:
            return
        local = "://" not in run.info.artifact_uri or run.info.artifact_uri.startswith("file:")
        try:
            self.client.log_dict(run.info.run_id, record.to_json(), "record.json")
        except Exception:
            if local:
                raise
            self.artifacts = False


def _requests(record: Record) -> Iterator[tuple[list, list, list]]:
    """Yield metrics, parameters and tags, as many at a time as MLflow takes."""
    from mlflow.entities import Metric, Param, RunTag

    now, step = int(time.time() * 1000), int(record.labels["replicate"])
    metrics = [Metric(_name(name), value, now, step) for name, value in numbers(record).items()]
    params = [Param(_name(name), value[:LONGEST]) for name, value in texts("", record.labels)]
    origins = {kind: origin for kind, origin in record.provenance.items() if kind != "metrics"}
    facts = {"provenance": origins, "environment": record.environment, "ledger": record.ledger}
    if record.failure:
        facts["failure"] = {"kind": record.failure.kind, "message": record.failure.message}
    tags = [RunTag(_name(name), value[:LONGEST]) for name, value in texts("", facts)]
    yield metrics, params, []
    for start in range(0, len(tags), MOST):
        yield [], [], tags[start : start + MOST]


def _name(text: str) -> str:
    """Return a name that MLflow allows."""
    return re.sub(r"[^\w.:/ -]", "_", text)

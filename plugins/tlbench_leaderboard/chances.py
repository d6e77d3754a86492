"""Print the chance that reruns find a forged row, exactly: what docs/trust.md cites."""

from collections.abc import Iterator

from tlbench_leaderboard.sampling import found

REPLICATES = (3, 5, 10)
RERUNS = (1, 2, 3)


def chance_of_row(replicates: int, changed: int, rerun: int) -> float:
    """Return the chance that a row of which some replicates were changed is found by a sample of it."""
    return 1.0 if rerun >= replicates else found(replicates, rerun, changed)


def chance_of_any(rows: int, replicates: int, changed: int, rerun: int) -> float:
    """Return the chance that one at least of several rows, forged alike, is found: rows are sampled by themselves."""
    return 1 - (1 - chance_of_row(replicates, changed, rerun)) ** rows


def chance_of_best_try(replicates: int, changed: int, tries: int) -> float:
    """Return the chance that none of several tries passes, each sampled by one record more than the one before."""
    caught = 1.0
    for number in range(tries):
        caught *= chance_of_row(replicates, changed, number + 1)
    return caught


def chance_table() -> Iterator[str]:
    """Yield the lines of a Markdown table: chances by replicates, changed records and reruns of a row."""
    heads = [f"{count} rerun{'s' * (count > 1)}" for count in RERUNS]
    yield f"| replicates | changed | {' | '.join(heads)} | 5 rows alike, 1 rerun of each | none of 3 tries passes |"
    yield f"| --- | --- | {'--- | ' * (len(heads) + 2)}".rstrip()
    for replicates in REPLICATES:
        for changed in dict.fromkeys((1, replicates // 2, replicates)):
            chances = [chance_of_row(replicates, changed, rerun) for rerun in RERUNS]
            chances += [chance_of_any(5, replicates, changed, 1), chance_of_best_try(replicates, changed, 3)]
            yield f"| {replicates} | {changed} | {' | '.join(f'{100 * each:.0f} %' for each in chances)} |"


def sampled_from_all(records: int, forged: int, sample: int) -> float:
    """Return the chance of a sample from all records together, whatever their rows."""
    return found(records, sample, forged)


if __name__ == "__main__":
    print("\n".join(chance_table()))

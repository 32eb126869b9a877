"""The whole of a comparison: data, splits, jobs, figures, reports."""

import shlex
from pathlib import Path
from typing import Any

from fastcnn.compare.candidates import candidates
from fastcnn.compare.folder import ComparisonFolder
from fastcnn.compare.jobs import Job, all_jobs
from fastcnn.compare.machine import machine
from fastcnn.compare.options import CompareOptions
from fastcnn.compare.pool import Pool
from fastcnn.compare.progress import Progress
from fastcnn.compare.report.write import write_reports
from fastcnn.compare.results import compile_results
from fastcnn.compare.run import run_jobs
from fastcnn.compare.subject import Subject, subject
from fastcnn.errors import OptionError, unknown
from fastcnn.kernels.threads import effective_cores, resolve_threads


def compare_models(data: Any = None, models: Any = None, **options: Any) -> dict[str, Any]:
    """Train and test models on identical splits; measure, test and report the differences.

    data: a name or path as for `fastcnn train`, a Dataset, or (images, labels)
    models: names of models and baselines, {"name": ..., option: ...} for such with options, paths
        of TOML models; or {title: scikit-learn estimator}
    options: the fields of `fastcnn.compare.options.CompareOptions`: folds, test, images, sizes,
        seeds, budget, epochs, optimizers, out, resume, jobs, ...

    Returns what is in results.json; the folder, result["folder"], also holds results.csv,
    report.md and report.html. With `resume` the options that are not given are those of the folder.
    """
    given = {"data": data, "models": models, **options}
    chosen = _options({name: value for name, value in given.items() if value is not None})
    return compare(chosen)


def compare(options: CompareOptions) -> dict[str, Any]:
    """The same, for options that are checked already."""
    found = candidates(options)
    resolve_threads(options.threads)
    images = subject(options)
    default = Path("runs") / f"compare-{images.dataset.name}"
    folder = ComparisonFolder.create(options.out, default, options.resume)
    folder.begin(options.arguments(), images.dataset.fingerprint())
    threads = options.threads or max(1, effective_cores() // options.jobs)
    where = machine() | {"processes": options.jobs, "threads": threads}
    jobs = all_jobs(found, images.splits, threads, options.budget_seconds, options.jobs == 1)
    try:
        results = _run(options, jobs, images, folder)
    except KeyboardInterrupt:
        again = f"fastcnn compare --out {shlex.quote(str(folder.path))} --resume"
        raise KeyboardInterrupt(f"go on with: {again}") from None
    document = compile_results(options, found, images, results, where, folder.path)
    write_reports(folder, document, images)
    return document


def _options(given: dict[str, Any]) -> CompareOptions:
    if given.get("resume"):
        if not given.get("out"):
            raise OptionError("resume needs out: the folder of the comparison that is to go on")
        given = ComparisonFolder(given["out"]).read_record()["arguments"] | given
    names = CompareOptions.__dataclass_fields__
    for name in given:
        if name not in names:
            raise unknown("option of compare", name, names)
    return CompareOptions(**given)


def _run(
    options: CompareOptions, jobs: list[Job], images: Subject, folder: ComparisonFolder
) -> list[dict[str, Any]]:
    """The results of all jobs, those of an earlier run included."""
    classes = len(images.dataset.classes)
    earlier = {job: folder.finished(job, classes) for job in jobs}
    results = [result for result in earlier.values() if result is not None]
    waiting = [job for job in jobs if earlier[job] is None]
    progress = Progress(len(jobs), len(results), options.quiet)

    def save(job: Job, result: dict[str, Any]) -> None:
        folder.save(job, result)
        results.append(result)
        progress.tell(result)

    pool = Pool(options.jobs, options.backend, options.address)
    with progress:
        run_jobs(waiting, images.arrays, pool, save)
    return results

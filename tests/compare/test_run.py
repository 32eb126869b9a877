"""Jobs in processes: those that die, and those that others may take."""

import pytest

from fastcnn.compare.candidates import Given
from fastcnn.compare.jobs import all_jobs
from fastcnn.compare.pool import Pool
from fastcnn.compare.run import Arrays, run_jobs
from fastcnn.compare.splits import cross_validation
from fastcnn.errors import OptionError
from tests.compare.cheap import Broken, Deadly, Nearest, images

X, Y = images()


def jobs_of(models, folds=2, sizes=(40,)):
    candidates = [Given(title, {}, estimator) for title, estimator in models.items()]
    return all_jobs(candidates, cross_validation(Y, folds, sizes, [0]), 1, None)


def outcome(models, pool, folds=2, sizes=(40,)):
    jobs = jobs_of(models, folds, sizes)
    found = {}
    run_jobs(jobs, Arrays(X, Y, X, Y), pool, lambda job, result: found.update({job: result}))
    assert set(found) == set(jobs)
    return [found[job] for job in jobs]


def accuracies(results):
    return [result.get("test_accuracy") for result in results]


def test_processes_give_the_same_as_one():
    models = {"few": Nearest(1), "chance": Nearest(0), "broken": Broken()}
    here, there = (outcome(models, Pool(n), 3, (20, 40)) for n in (1, 2))
    assert accuracies(here) == accuracies(there)
    assert [r["model"] for r in here if r["status"] == "failed"] == ["broken"] * 6
    assert [r["size"] for r in here] == [20] * 9 + [40] * 9


def test_a_process_that_dies_takes_only_its_job_with_it():
    results = outcome({"good": Nearest(), "deadly": Deadly()}, Pool(2))
    assert {r["model"] for r in results if r["status"] == "failed"} == {"deadly"}
    assert all("process died" in r["error"] for r in results if r["model"] == "deadly")


def test_an_interrupt_while_a_result_is_saved_warns_of_nothing(recwarn):
    def save(job, result):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs_of({"cheap": Nearest()}, folds=3), Arrays(X, Y, X, Y), Pool(2), save)
    assert not [w for w in recwarn if "cancelled" in str(w.message)]


def test_dask_needs_a_scheduler():
    pytest.importorskip("distributed")
    with pytest.raises(OptionError, match="needs an address"):
        outcome({"good": Nearest()}, Pool(backend="dask"))


def test_dask_takes_jobs():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    )
    with cluster:
        pool = Pool(backend="dask", address=cluster.scheduler_address)
        models = {"good": Nearest(), "broken": Broken()}
        assert accuracies(outcome(models, pool)) == accuracies(outcome(models, Pool()))


def test_ray_takes_jobs():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    models = {"good": Nearest(), "broken": Broken()}
    try:
        there = outcome(models, Pool(2, backend="ray"))
    finally:
        ray.shutdown()
    assert accuracies(there) == accuracies(outcome(models, Pool()))

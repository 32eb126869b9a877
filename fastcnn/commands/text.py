"""Results as text for people; `--json` prints the same figures for programs."""

import textwrap
from typing import Any

from fastcnn.engine.table import table


def train_text(results: dict[str, Any]) -> str:
    if results["status"] == "interrupted":
        done = f"{results['epochs']} whole epochs and {results['batch']} batches"
        return f"stopped after {done}, saved {results['checkpoint_path']}"
    first = [f"{part}_{name}" for part in ("test", "val", "train") for name in ("accuracy", "loss")]
    metrics = [name for name in results if name.startswith(("test_", "train_", "val_"))]
    figures = [
        f"{_title(name)} {results[name]:.4f}"
        for name in dict.fromkeys((*first, *metrics))
        if isinstance(results.get(name), float)
    ]
    speed = (
        f", {results['images_per_second']:,.0f} images/s" if results["images_per_second"] else ""
    )
    stopped = f"; {results['stopped']}" if results["stopped"] else ""
    training = results.get("training_seconds")  # without validation and what callbacks do
    training = f" (training {training:.1f} s)" if training is not None else ""
    epochs = "" if results["epochs"] is None else f"{results['epochs']} epochs, "
    return "\n".join(
        [
            ", ".join(figures),
            f"{epochs}{results['seconds']:.1f} s{training}{speed}{stopped}",
            f"saved {results['model_path']}",
        ]
    )


def _title(figure: str) -> str:
    """ "test accuracy" of test_accuracy; "test_plain_" is without the recipe's views."""
    begins = {"val_": "validation ", "train_": "training ", "test_plain_": "plain test "}
    for begin, text in begins.items():
        if figure.startswith(begin):
            return figure.replace(begin, text, 1)
    return figure.replace("_", " ", 1)


def lr_find_text(results: dict[str, Any]) -> str:
    sweep = f"{results['rates'][0]:.3g} to {results['rates'][-1]:.3g}"
    return "\n".join(
        [
            f"suggested learning rate {results['suggestion']:.2g}",
            f"{len(results['rates'])} batches, rates {sweep}, {results['stopped']}",
            f"saved {results['picture']}",
        ]
    )


def evaluate_text(results: dict[str, Any]) -> str:
    rows = [("class", "images", "accuracy")]
    for name, row in results["classes"].items():
        accuracy = "-" if row["accuracy"] is None else f"{row['accuracy']:.4f}"
        rows.append((name, f"{row['images']:,}", accuracy))
    accuracy = f"{results['accuracy']:.4f}" if "accuracy" in results else "-"
    rows.append(("all", f"{results['images']:,}", accuracy))
    loss = "" if results["loss"] is None else f" loss {results['loss']:.4f},"
    head = f"{results['data']}, {results['part']}:{loss}"
    known = ("loss", "accuracy")
    metrics = {k: v for k, v in results.items() if isinstance(v, float) and k not in known}
    figures = "".join(f", {name} {value:.4f}" for name, value in metrics.items())
    return f"{head} accuracy {accuracy}{figures}\n\n{table(rows, right=(1, 2))}"


def predict_text(results: list[dict[str, Any]]) -> str:
    rows = [
        (result["image"], *(f"{c['class']} {_figure(c):.4f}" for c in result["classes"]))
        for result in results
    ]
    return table(rows)


def _figure(row: dict[str, Any]) -> float:
    return row["probability"] if "probability" in row else row["score"]


def models_text(
    rows: list[tuple[str, int, str, str]],
    baselines: list[tuple[str, str, str]],
    recipes: list[tuple[str, str, str]],
) -> str:
    head = ("name", "parameters", "input", "layers")
    body = ((name, f"{count:,}", shape, text) for name, count, shape, text in rows)
    networks = table([head, *body], right=(1,))
    classical = table([("classical baseline", "also", "what it is"), *baselines])
    return f"{networks}\n\n{classical}\n\n{table([('recipe', 'data', 'what it is'), *recipes])}"


def plugins_text(results: dict[str, Any]) -> str:
    lines = []
    for group, entries in results["plugins"].items():
        lines += [f"{group} ({len(entries)})", *(_plugin(entry) for entry in entries), ""]
    lines += [f"PROBLEM: {text}" for text in results["problems"]]
    return "\n".join(lines).rstrip()


def _plugin(entry: dict[str, Any]) -> str:
    """Name and options, wrapped, with the package unless it is ours; below, the first line."""
    ours = entry["package"] == "fastcnn"
    package = "" if ours else f"  [{entry['package']} {entry['version'] or ''}]".replace(" ]", "]")
    also = f"  (also {', '.join(entry['aliases'])})" if entry["aliases"] else ""
    head = f"{entry['name']}{entry['signature']}{also}{package}"
    wrapped = textwrap.fill(head, 100, initial_indent="  ", subsequent_indent=" " * 8)
    return f"{wrapped}\n      {entry['summary']}"


def doctor_text(report: dict[str, Any]) -> str:
    kernels, check = report["kernels"], report["self_check"]
    missing = f"; missing: {', '.join(kernels['missing'])}" if kernels["missing"] else ""
    result = check.get("error") or f"largest difference {check['largest_difference']:.1e}"
    missing_data = "not found; downloaded when asked for"
    isas = ", ".join(report["isas"])
    verdict = "agrees with" if check["ok"] else "DIFFERS FROM"
    rows = [
        ("versions", "  ".join(f"{k} {v}" for k, v in report["versions"].items())),
        ("backend", f"{report['backend']} (available: {', '.join(report['backends'])})"),
        ("instruction set", f"{report['isa'] or '-'} (available: {isas or 'none'})"),
        ("threads", f"{report['threads']} of {report['cores']} cores"),
        ("OpenMP", "yes" if report["openmp"] else "no: compiled kernels use one thread"),
        ("kernels", f"{kernels['compiled']} of {report['backend']}{missing}"),
        ("self-check", f"{check['kernel']} {verdict} the reference ({result})"),
        ("data folder", report["data_dir"] or "none named (--data-dir or FASTCNN_DATA)"),
        ("cache", report["cache_dir"]),
        ("Numba's cache", report["numba_cache"] or "none: compiled anew in every process"),
        *((f"  {name}", path or missing_data) for name, path in report["data"].items()),
    ]
    return table(rows) + ("\n\nall well" if report["ok"] else "\n\nsomething is wrong, see above")

"""`pumgpt bench`: how well models understand products."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pumgpt.cli.options import FILE, MODEL_HELP, require_extra
from pumgpt.errors import BackendError, UsageError

if TYPE_CHECKING:
    from pumgpt.backends.protocol import Backend
    from pumgpt.bench.asking.answer_cache import AnswerCache
    from pumgpt.bench.asking.cases import BenchCase
    from pumgpt.bench.benchmark import BenchResult, ModelResult
    from pumgpt.bench.judging.outcomes import Calibrate
    from pumgpt.bench.suites.items import SuiteData
    from pumgpt.bench.suites.suite import Suite

BASELINES_HELP = (
    "Or a baseline: majority, nearest (looks most alike), title (stands in the title); or predictions:FILE, what another "
    "program predicts, as JSON lines of id, category and attributes."
)


@click.command("bench")
@click.argument("suite_name", metavar="SUITE")
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("nano",),
    show_default=True,
    metavar="M",
    help=f"{MODEL_HELP} {BASELINES_HELP} Several are compared.",
)
@click.option("--data", type=FILE, metavar="DIR", help="Where the suite's files lie. Default: beside its YAML.")
@click.option("--limit", type=click.IntRange(min=1), metavar="K", help="K products only, drawn by the suite's seed.")
@click.option(
    "--out", "out_dir", type=FILE, required=True, metavar="DIR", help="results.json and the reports go there."
)
@click.option("--device", help="cpu, cuda, cuda:1, mps. By default the best there is.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Products that are asked at once."
)
@click.option("--restart", is_flag=True, help="Ask everything again instead of using the answers kept in DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json too, and nothing else, on standard output.")
def command(
    suite_name: str,
    models: tuple[str, ...],
    data: Path | None,
    limit: int | None,
    out_dir: Path,
    device: str | None,
    batch_size: int,
    restart: bool,
    as_json: bool,
) -> int:
    """Ask models the questions of SUITE and hold the answers against the truth.

    SUITE is samples (drawn, needs no data), fashion, grocery, grocery-iconic, clothing, implicitave, ae-110k, oa-mine,
    open-domain, or a YAML file of your own. Leaves results.json, report.md and report.html in DIR.
    Interrupted, the same command resumes.
    """
    if len(set(models)) < len(models):
        raise UsageError("--model names one model twice; name each once")
    require_extra("bench", "bench", "matplotlib", "sklearn", "scipy", "rouge_score", "sacrebleu")
    from pumgpt.bench.asking.cases import build_cases
    from pumgpt.bench.suites.loader import load_items
    from pumgpt.bench.suites.suite import data_folder, load_suite
    from pumgpt.cli.console import quiet_stdout

    began = time.time()
    suite = load_suite(suite_name)
    out_dir.mkdir(parents=True, exist_ok=True)
    with quiet_stdout():
        loaded = load_items(suite, data_folder(suite_name, data), limit)
        cases = build_cases(suite, loaded)
        measurement = _Measurement(suite, loaded, cases, out_dir / "answers", device, batch_size, restart)
        results = [measurement.run(model) for model in models]
    return _conclude(measurement.result(results), out_dir, models, began, as_json)


class _Measurement:
    """One model after the other on the same cases, so that no two of them are in memory."""

    def __init__(
        self,
        suite: Suite,
        data: SuiteData,
        cases: list[BenchCase],
        folder: Path,
        device: str | None,
        batch_size: int,
        restart: bool,
    ) -> None:
        self.suite, self.data, self.cases = suite, data, cases
        self.folder, self.device, self.batch_size, self.restart = folder, device, batch_size, restart

    def run(self, model: str) -> ModelResult:
        from dataclasses import replace

        from pumgpt.bench.asking.answer_cache import AnswerCache
        from pumgpt.bench.asking.runner import ask, make_requests
        from pumgpt.bench.benchmark import judge_answers
        from pumgpt.bench.reporting.page import evidence_maps
        from pumgpt.bench.reporting.results import choose_examples
        from pumgpt.cli.progress import RowsBar

        suite, data = self.suite, self.data
        backend = self._load(model)
        try:
            with AnswerCache(self.folder, backend, self.restart) as cache:
                with RowsBar(model, len(data.items)) as bar:
                    answers = ask(
                        backend,
                        data.items,
                        lambda item: make_requests(suite, data, item),
                        cache,
                        self.batch_size,
                        lambda done: bar.update(done, 0, 0),
                    )
                filled = self._fill(model, backend, cache)
        except BackendError as error:
            raise BackendError(
                f"--model {model}: {error}; the answers so far are kept, the same command resumes"
            ) from error
        items = {item.product.id: item for item in data.items}
        judged = judge_answers(backend, answers, self.cases, items, _calibrate(backend))
        judged = replace(judged, name=model, **filled)
        failures = choose_examples(self.result([judged]).failures[model])
        return replace(judged, evidence=evidence_maps(backend, suite, data, failures))

    def _fill(self, model: str, backend: Backend, cache: AnswerCache) -> dict[str, Any]:
        """Have the products' fields filled, as far as the suite asks for it; gives these parts of a `ModelResult`."""
        from pumgpt.bench.asking.product_fields import DEFAULT, fill_altered, fill_fields, sample_products
        from pumgpt.bench.baselines.backends import is_baseline
        from pumgpt.bench.judging.fields import score_filled
        from pumgpt.bench.judging.photo_robustness import score_altered
        from pumgpt.bench.judging.unlearned_kinds import is_unlearned, score_unlearned
        from pumgpt.cli.progress import RowsBar

        suite, data = self.suite, self.data
        scores: dict[str, Any] = {}
        if suite.product_fields:
            with RowsBar(f"{model}, fields", len(data.items)) as bar:
                filled = fill_fields(backend, suite, data, cache, self.batch_size, lambda done: bar.update(done, 0, 0))
            scores["fields"] = score_filled(filled, suite, data.items)
            learned = backend.capabilities.taxonomy
            if learned is not None and is_unlearned(suite, backend.capabilities):
                records = filled[suite.product_fields[0]][DEFAULT]
                scores["unlearned"] = score_unlearned(records, suite, data.items, learned)
        # Baselines copy labels or compare pixels: how they bear an altered photo says nothing of any model.
        sample = [] if is_baseline(model) else sample_products(suite, data.items)
        if sample:
            with RowsBar(f"{model}, photos altered", len(sample)) as bar:
                altered = fill_altered(
                    backend, suite, data, cache, self.batch_size, lambda done: bar.update(done, 0, 0)
                )
            scores["altered"] = score_altered(altered, suite, sample)
        return scores

    def result(self, models: list[ModelResult]) -> BenchResult:
        from pumgpt.bench.benchmark import BenchResult

        return BenchResult(self.suite, self.data, tuple(self.cases), tuple(models))

    def _load(self, model: str) -> Backend:
        from pumgpt.bench.baselines.backends import BASELINES, PREDICTIONS, Majority, make_baseline, stored_predictions

        if model == Majority.name:
            return Majority(self.cases)
        if model in BASELINES:
            return make_baseline(model, self.data.fit)
        if model.startswith(PREDICTIONS):
            return stored_predictions(Path(model.removeprefix(PREDICTIONS)), self.data)
        from pumgpt.backends.load import load_backend

        return load_backend(model, self.device)


def _calibrate(backend: Backend) -> Calibrate | None:
    """With a calibration that the model brings, as `enrich` uses it."""
    calibration = backend.capabilities.calibration
    if calibration is None:
        return None
    from pumgpt.backends.calibration import listed_key

    def calibrate(field: str, raw: float, listed: bool) -> float:
        return float(calibration.confidence(listed_key(field) if listed else field, raw))

    return calibrate


def _conclude(result: BenchResult, out_dir: Path, models: tuple[str, ...], began: float, as_json: bool) -> int:
    from pumgpt.bench.reporting.markdown import render_markdown
    from pumgpt.bench.reporting.page import write_report
    from pumgpt.bench.reporting.plots import write_plots
    from pumgpt.bench.reporting.results import to_document, write_results
    from pumgpt.cli.bench_view import print_result, print_troubles
    from pumgpt.cli.console import print_json, say

    words = ["pumgpt bench", result.suite.name, *(f"--model {model}" for model in models)]
    command_line = " ".join(words)
    document = to_document(result, _run_info(result, began))
    write_results(document, out_dir / "results.json")
    (out_dir / "report.md").write_text(render_markdown(result, command_line), encoding="utf-8")
    write_report(out_dir / "report.html", result, command_line)
    write_plots(out_dir, result)
    print_troubles(result)
    if as_json:
        print_json(document)
    else:
        print_result(result)
    say(f"{out_dir / 'report.html'} tells it with pictures, {out_dir / 'results.json'} holds everything")
    return 0


def _run_info(result: BenchResult, began: float) -> dict[str, Any]:
    """What depends on clock and machine."""
    import os
    import platform
    from datetime import UTC, datetime
    from importlib.metadata import version

    products = max(1, len(result.data.items))
    return {
        "began": datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - began, 2),
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "python": platform.python_version(),
        "pumgpt": version("pumgpt"),
        "models": {
            model.name: {
                "seconds_per_product": round(model.seconds / products, 4),
                "tokens_per_product": None if model.num_tokens is None else round(model.num_tokens / products, 1),
            }
            for model in result.models
        },
    }

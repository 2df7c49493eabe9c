"""Put what `pumgpt bench` measured into docs/pumbench.md.

    python scripts/publish_bench.py runs/bench/*/results.json

What stands between `<!-- bench: SUITE -->` and `<!-- /bench: SUITE -->` is written anew; all other words are people's.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from pumgpt.bench.reporting.headlines import HEADLINES
from pumgpt.bench.reporting.results import ComparisonJson, MeasuredJson, Results, read_results
from pumgpt.bench.reporting.tables import render_rows
from pumgpt.errors import PumGPTError


def main() -> int:
    parser = argparse.ArgumentParser(description="Put what `pumgpt bench` measured into a document.")
    parser.add_argument("results", type=Path, nargs="+", help="results.json of one suite or more")
    parser.add_argument("--doc", type=Path, default=Path("docs/pumbench.md"))
    options = parser.parse_args()
    text = options.doc.read_text(encoding="utf-8")
    try:
        for path in options.results:
            text = put_in(text, read_results(path), options.doc)
    except (PumGPTError, OSError) as error:
        print(f"publish_bench: {error}", file=sys.stderr)
        return 1
    options.doc.write_text(text, encoding="utf-8")
    return 0


def put_in(text: str, results: Results, doc: Path) -> str:
    """The document with this suite's part renewed. Raises `PumGPTError` where it has no place for it."""
    name = results.suite.name
    block = re.compile(rf"(<!-- bench: {re.escape(name)} -->\n).*?(<!-- /bench: {re.escape(name)} -->)", re.DOTALL)
    if not block.search(text):
        raise PumGPTError(
            f"{doc}: has no '<!-- bench: {name} -->' and '<!-- /bench: {name} -->'; write them where it belongs"
        )
    part = "\n".join(sections(results))
    return block.sub(lambda match: match[1] + part + match[2], text)


def sections(results: Results) -> list[str]:
    suite = results.suite
    options = " ".join(f"--model {model.name}" for model in results.models)
    data = "" if suite.name == "samples" else " --data ../shared/data"
    revisions = ", ".join(f"{model.name} {model.revision}" for model in results.models)
    seconds = ", ".join(f"{name} {told['seconds_per_product']:.3g}" for name, told in results.run["models"].items())
    head = (
        f"```bash\npumgpt bench {suite.name} {options}{data} --out runs/bench/{suite.name}\n```\n\n"
        f"Version {suite.version}, seed {suite.seed}, data `{suite.data_hash}`: {suite.products:,} products, {suite.pictures} "
        f"pictures of no product, {results.cases:,} questions. Revisions: {revisions}. Seconds a product: {seconds}.\n"
    )
    tables = [f"**{condition}**\n\n{scores_table(results, condition)}" for condition in results.scores]
    return [head, *tables, failures_table(results), ceilings_table(results), differences(results.comparisons)]


def scores_table(results: Results, condition: str) -> str:
    names = [model.name for model in results.models]
    rows = []
    for headline in HEADLINES:
        cells = results.scores[condition].get(headline.slot, {}).get(headline.metric, {})
        if cells:
            count = max(cell.count for cell in cells.values())
            title = f"{headline.name} ({headline.slot}: {headline.metric})" + (
                ", less is better" * headline.low_is_good
            )
            rows.append([title, f"{count:,}", *(_cell(cells.get(name)) for name in names)])
    return render_rows(["", "n", *names], rows)


def _cell(measured: MeasuredJson | None) -> str:
    if measured is None or measured.value is None:
        return ""
    if measured.low is None or measured.high is None:
        return f"{measured.value:.3f}"
    return f"{measured.value:.3f} [{measured.low:.3f}, {measured.high:.3f}]"


def failures_table(results: Results) -> str:
    kinds = dict.fromkeys(kind for found in results.failures.values() for kind in found.kinds)
    rows = [[kind, *(str(found.kinds.get(kind, 0)) for found in results.failures.values())] for kind in kinds]
    return f"**What goes wrong**\n\n{render_rows(['kind', *results.failures], rows)}" if rows else ""


def ceilings_table(results: Results) -> str:
    noise = results.label_noise
    if not noise.conflicting_groups:
        return ""
    rows = [
        [c.field, str(c.groups), _cell(c.same_photo), str(c.same_photo.count), _cell(c.asked)] for c in noise.ceilings
    ]
    heads = [
        "field",
        "conflicting groups",
        "ceiling among products that share a photo",
        "products",
        "ceiling on those asked",
    ]
    note = (
        f"**The ceiling**: {noise.conflicting_groups} of {noise.same_photo_groups} groups of identical photos carry labels that "
        "conflict."
    )
    return f"{note}\n\n{render_rows(heads, rows)}"


def differences(comparisons: list[ComparisonJson]) -> str:
    """How many differences to the first model are more than noise."""
    if not comparisons:
        return ""
    first = comparisons[0].first
    lines = []
    for other in dict.fromkeys(one.second for one in comparisons if one.first == first):
        own = [one for one in comparisons if (one.first, one.second) == (first, other)]
        better = sum(one.told_apart and (one.difference.value or 0) > 0 for one in own)
        worse = sum(one.told_apart and (one.difference.value or 0) < 0 for one in own)
        lines.append(
            f"- {first} against {other}: better on {better}, worse on {worse}, not told apart on {len(own) - better - worse} of "
            f"{len(own)} kinds of question and condition"
        )
    note = f"Paired sign-flip tests over products, corrected for {len(comparisons)} comparisons (Holm, 0.05):"
    return "\n".join([note, "", *lines, ""])


if __name__ == "__main__":
    sys.exit(main())

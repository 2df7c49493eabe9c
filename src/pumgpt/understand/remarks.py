"""What a user should know before a run: which of the shop's words the model can tell, and whether it was calibrated."""

from __future__ import annotations

from collections.abc import Sequence

from pumgpt.backends.protocol import Backend
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.understand.plan import Plan


def vocabulary_remarks(backend: Backend, plan: Plan) -> list[str]:
    """Warnings about the shop's categories and attributes, and which of them the model can tell, one line each."""
    remarks = list(plan.taxonomy.warnings) if plan.taxonomy else []
    if plan.taxonomy is not None and plan.crosswalk is not None and "category" in plan.asked:
        remarks.append(category_remark(backend.name, plan.taxonomy, plan.crosswalk))
    if plan.unlearnt and "attribute_qa" in plan.asked:
        unlearnt = [spec.name for spec in plan.unlearnt]
        known = ", ".join(name for name in plan.attribute_names if name not in unlearnt) or "none"
        unknown = _some(unlearnt)
        remarks.append(
            f"attributes that {backend.name} tells from a photo: {known}; only where the title or description "
            f"states them, or after pumgpt remember: {unknown}"
        )
    return remarks


def calibration_remarks(backend: Backend) -> list[str]:
    """A warning where nobody measured what the backend's probabilities mean."""
    own = backend.capabilities
    if own.calibration is not None or not own.gives_probabilities:
        return []
    return [
        f"{backend.name} is not calibrated: how often its confidences are right is unknown, and little may be filled; "
        "`pumgpt remember LABELLED OUT --model M` calibrates a PumGPT, --precision 0 fills every field"
    ]


def category_remark(model: str, taxonomy: Taxonomy, crosswalk: Crosswalk) -> str:
    """'12 of 40 categories can be told', and which can't. A category with others below it counts where it is one itself."""
    told = {row.path for rows in crosswalk.counterparts.values() for row in rows if row.path is not None}
    above = {path[:depth] for path in taxonomy.paths for depth in range(1, len(path))}
    leaves = [path for path in taxonomy.paths if path not in above]
    rest = [path for path in leaves if path not in told]
    remark = (
        f"{len(leaves) - len(rest):,} of {len(leaves):,} categories of --taxonomy can be told by {model} "
        f"({crosswalk.name})"
    )
    if not rest:
        return remark
    return (
        f"{remark}; for the rest, such as {_some([path[-1] for path in rest])}: pumgpt remember, or a --category-map "
        "(pumgpt taxonomy match writes one to edit)"
    )


def _some(names: Sequence[str], at_most: int = 5) -> str:
    shown = ", ".join(names[:at_most])
    return shown if len(names) <= at_most else f"{shown} and {len(names) - at_most:,} more"

"""The public Python interface: `load` a model, `enrich` a catalogue, the records and the errors.

    from pumgpt.api import enrich, load

    record = load("nano").understand("photo.jpg", title="Shirt")
    summary = enrich("catalog.csv", "filled.csv")

All names except `enrich` can be imported from `pumgpt` too; `pumgpt.enrich` is the package that does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL.Image import Image

from pumgpt.backends.calibration import PrecisionOf
from pumgpt.backends.protocol import Backend
from pumgpt.backends.registry import MemoryUse
from pumgpt.catalog.photos.decode import encode_losslessly
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.understanding import (
    AnswerField,
    AttributeField,
    CaptionField,
    CategoryChoice,
    CategoryField,
    CorrectionField,
    Evidence,
    EvidenceKind,
    ModelInfo,
    Understanding,
)
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.enrich.summary import Summary
from pumgpt.errors import (
    BackendError,
    CatalogError,
    InjectionError,
    ModelError,
    PhotoError,
    PumGPTError,
    RecipeError,
    SchemaError,
    UsageError,
)

__all__ = [
    "AnswerField",
    "AttributeField",
    "AttributeSchema",
    "AttributeSpec",
    "BackendError",
    "CaptionField",
    "CatalogError",
    "CategoryChoice",
    "CategoryField",
    "CorrectionField",
    "Evidence",
    "ImageRef",
    "InjectionError",
    "Model",
    "ModelError",
    "ModelInfo",
    "PhotoError",
    "Product",
    "PumGPTError",
    "RecipeError",
    "SchemaError",
    "Summary",
    "Taxonomy",
    "Understanding",
    "UsageError",
    "enrich",
    "load",
]

DEFAULT_MODEL = "nano"


class Model:
    """A loaded model."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def understand(
        self,
        *photos: str | Path | bytes | Image,
        title: str | None = None,
        tasks: Sequence[str] | None = None,
        questions: Sequence[str] = (),
        taxonomy: Taxonomy | None = None,
        schema: AttributeSchema | None = None,
        precision: float = 0.9,
        precision_of: PrecisionOf = "all",
        evidence: bool | EvidenceKind = False,
    ) -> Understanding:
        """Caption, category and attributes of one product, shown in `photos`: paths, encoded bytes, or pictures of PIL.

        Args:
            photos: all of the same product; none if only the title is known.
            title: the product's title.
            tasks: what to ask; by default caption, category and attributes.
            questions: further questions in plain words.
            taxonomy: the valid categories; by default those that the model was trained on.
            schema: the attributes to fill; by default those that the model was trained on.
            precision: abstain so that this share of the filled fields is right on validation data; 0 fills every field.
            precision_of: what `precision` is asked of: `all` filled values of a field together, or `each` value by its
                own confidence.
            evidence: whether to return maps with the fields of where the answer would change if the photo were covered there;
                "attention" for where the model looked, which is fast and shows no reasons.

        Raises `PhotoError` for a photo that can't be used, `UsageError` for an unknown task or something that is no photo,
        `BackendError` if the model doesn't answer.
        """
        from pumgpt.understand.ask import understand_one
        from pumgpt.understand.intake import open_product
        from pumgpt.understand.plan import make_plan

        plan = make_plan(
            self.backend,
            tasks=tasks,
            taxonomy=taxonomy,
            schema=schema,
            questions=questions,
            precision=precision,
            precision_of=precision_of,
            evidence=evidence,
        )
        refs = tuple(_image_ref(photo) for photo in photos)
        return understand_one(self.backend, plan, open_product(Product(id="1", images=refs, title=title)))


def load(
    spec: str = DEFAULT_MODEL, device: str | None = None, batch_size: int | None = None, memory: MemoryUse = "all"
) -> Model:
    """Load a model. `spec` is the name of a shipped checkpoint, a folder, a hub name, or a registered scheme such as
    `openai:NAME@BASE_URL`.

    `device` is by default the best one available; `batch_size` is how many photos go through the model at once; with `memory`
    "none" it answers without what it remembers of labelled products and of ImageNet. Raises `ModelError` if there is no such
    model.
    """
    from pumgpt.backends.load import load_backend

    return Model(load_backend(spec, device, batch_size, memory))


def enrich(
    in_path: str | Path,
    out_path: str | Path,
    model: str | Model = DEFAULT_MODEL,
    *,
    tasks: Sequence[str] | None = None,
    taxonomy: str | Path | None = None,
    schema: str | Path | None = None,
    category_map: str | Path | None = None,
    value_map: str | Path | None = None,
    category_attributes: bool = False,
    columns: str | Path | None = None,
    ids: str | None = None,
    precision: float = 0.9,
    precision_of: PrecisionOf = "all",
    overwrite_values: bool = False,
    limit: int | None = None,
    restart: bool = False,
    report_path: str | Path | None = None,
    allow_private_urls: bool = False,
    progress: Callable[[Summary], None] | None = None,
) -> Summary:
    """Fill the catalogue `in_path` and write it to `out_path`, as `pumgpt enrich` does with the options of these names.

    An interrupted run is resumed, unless `restart`. Rows that can't be used go to `OUT.rejected.jsonl`. `progress` is
    called with the summary so far after each batch.

    Raises `CatalogError` for a file that can't be read or written, `SchemaError` for a vocabulary, `ModelError` for a
    model, `UsageError` if the options contradict each other or `out_path` holds another run.
    """
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.enrich.job import enrich as enrich_catalog
    from pumgpt.enrich.job import open_inputs

    target = Path(out_path)
    reader, backend, plan = open_inputs(
        Path(in_path),
        target,
        lambda: (load(model) if isinstance(model, str) else model).backend,
        columns=_path_or_none(columns),
        ids=ids,
        tasks=tasks,
        taxonomy=_path_or_none(taxonomy),
        schema=_path_or_none(schema),
        category_map=_path_or_none(category_map),
        value_map=_path_or_none(value_map),
        category_attributes=category_attributes,
        precision=precision,
        precision_of=precision_of,
        overwrite_values=overwrite_values,
        evidence=report_path is not None,
    )
    with PhotoDownloads(allow_private=allow_private_urls) as downloads:
        return enrich_catalog(
            reader,
            target,
            backend,
            plan,
            limit=limit,
            restart=restart,
            report_path=_path_or_none(report_path),
            downloads=downloads,
            progress=progress,
        )


def _image_ref(photo: str | Path | bytes | Image) -> ImageRef:
    if isinstance(photo, bytes):
        return ImageRef(data=photo)
    if isinstance(photo, Image):
        return ImageRef(data=encode_losslessly(photo))
    if isinstance(photo, str | Path):
        return ImageRef(path=str(photo))
    raise UsageError(
        f"a photo is a path, bytes or a picture of PIL, not {type(photo).__name__}; give several as understand(*photos)"
    )


def _path_or_none(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)

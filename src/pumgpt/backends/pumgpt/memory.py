"""Retrieval for closed questions: labelled products that are similar to the one asked about count in its answers.

Of each product in the memory a key is kept, a projection of what the towers see in its photos, and its labels. `weighing`
combines the labels of the neighbours, and what a linear classifier learned from all of them, with the model's own answer.
Whether a question can be answered at all, the model alone decides by default.

Shapes: B products asked about, N products in the memory, K neighbours, V vision width, D key width, C choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from pumgpt.backends.calibration import listed_key
from pumgpt.backends.pumgpt.linear_probe import LinearProbe
from pumgpt.backends.pumgpt.weighing import Weighing
from pumgpt.catalog.question import Choices
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.errors import ModelError, first_line
from pumgpt.model.card import MEMORY_FILE
from pumgpt.tasks.answers import normalise

KEY_DIM = 256
NUM_NEIGHBOURS = 1_024
"""Up to so many of the most similar products count; those behind them would weigh next to nothing."""
REACH = 0.2
"""How fast the classifier's say falls with the similarity of the nearest product, in cosine: of what resembles nothing that it
learned from, it knows nothing."""
UNLABELLED = -1
"""Stands for the label of a product that has none for a field, and for one that is not among the choices."""

_INT8_MAX = 127


class _Description(BaseModel):
    """The metadata of the file, beside its tensors."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, list[str]]
    weighings: dict[str, Weighing]


@dataclass(frozen=True)
class Memory:
    """Keys and labels of N products, and how they count.

    `weighings` are by the name of the field, for photos alone, and '<field> | listing' where the model read the listing too.
    """

    centre_V: Tensor
    projection_VD: Tensor
    keys_ND: Tensor
    """Unit vectors."""
    labels: dict[str, Tensor]
    """Field -> for each product (N,) the index of its label in `values`, or `UNLABELLED`."""
    values: dict[str, tuple[str, ...]]
    weighings: dict[str, Weighing]
    _choice_index: dict[tuple[str, Choices], Tensor] = field(default_factory=dict, compare=False, repr=False)
    _probes: dict[tuple[str, float], LinearProbe] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.keys_ND)

    @classmethod
    def of(
        cls,
        features_NV: Tensor,
        labels: Sequence[Mapping[str, str]],
        weighings: Mapping[str, Weighing],
        dim: int = KEY_DIM,
    ) -> Memory:
        """A memory of products by the features of their photos (`EncodedPhotos.features_BV`) and their labels, field by field.

        Keys are the `dim` strongest principal components of the features, as far as so many products tell them.
        """
        centre_V = features_NV.mean(0)
        # Channels differ in scale; at equal spread none of them decides the components alone.
        spread_V = features_NV.std(0, correction=0).clamp_min(1e-6)
        scaled_NV = (features_NV - centre_V) / spread_V
        projection_VD = _directions(scaled_NV, dim) / spread_V[:, None]
        empty = cls(
            centre_V, projection_VD, projection_VD.new_zeros(0, projection_VD.shape[1]), {}, {}, dict(weighings)
        )
        return empty.joined(features_NV, labels)

    def joined(self, features_MV: Tensor, labels: Sequence[Mapping[str, str]]) -> Memory:
        """This memory and M more products, found by the same projection."""
        if len(features_MV) != len(labels):
            raise ValueError(f"{len(features_MV)} products with features, {len(labels)} with labels")
        folded = [{fold_attribute(name): value for name, value in product.items()} for product in labels]
        names = dict.fromkeys([*self.labels, *(name for product in folded for name in product)])
        values, columns = {}, {}
        for name in names:
            own = self.values.get(name, ())
            values[name] = tuple(
                dict.fromkeys([*own, *sorted({product[name] for product in folded if name in product})])
            )
            index = {value: number for number, value in enumerate(values[name])}
            new = [index[product[name]] if name in product else UNLABELLED for product in folded]
            old_N = self.labels.get(name, torch.full((len(self),), UNLABELLED))
            columns[name] = torch.cat([old_N, torch.tensor(new, dtype=torch.long, device=old_N.device)])
        keys_ND = torch.cat([self.keys_ND, self.keys_of(features_MV)])
        return replace(self, keys_ND=keys_ND, labels=columns, values=values, _choice_index={}, _probes={})

    def with_weighings(self, weighings: Mapping[str, Weighing]) -> Memory:
        """The same products with other weighings."""
        return replace(self, weighings=dict(weighings))

    def to(self, device: torch.device | str) -> Memory:
        return replace(
            self,
            centre_V=self.centre_V.to(device),
            projection_VD=self.projection_VD.to(device),
            keys_ND=self.keys_ND.to(device),
            labels={name: column.to(device) for name, column in self.labels.items()},
            _choice_index={},
            _probes={},
        )

    def keys_of(self, features_BV: Tensor) -> Tensor:
        """Keys (B, D) of features."""
        return F.normalize((features_BV.float() - self.centre_V) @ self.projection_VD, dim=-1)

    def neighbours(self, features_BV: Tensor, excluded_BN: Tensor | None = None) -> Neighbours:
        """The most similar products to each of B. A row of NaN, of a product without a photo, is similar to none.

        `excluded_BN` says for each which products of the memory have no say.
        """
        # -inf gives products without a photo, which are NaN, a weight of zero everywhere.
        keys_BD = self.keys_of(features_BV)
        similarity_BN = (keys_BD @ self.keys_ND.T).nan_to_num(-torch.inf)
        if excluded_BN is not None:
            similarity_BN = similarity_BN.masked_fill(excluded_BN, -torch.inf)
        similarity_BK, index_BK = similarity_BN.topk(min(NUM_NEIGHBOURS, len(self)), dim=-1)
        return Neighbours(self, keys_BD, similarity_BK, index_BK, excluded_BN)

    def probe(self, name: str, ridge: float) -> LinearProbe:
        """The linear classifier of a field's values, learned from the products that have one."""
        if (name, ridge) not in self._probes:
            labelled_N = self.labels[name] != UNLABELLED
            keys_ND, label_N = self.keys_ND[labelled_N], self.labels[name][labelled_N]
            self._probes[name, ridge] = LinearProbe.fit(keys_ND, label_N, len(self.values[name]), ridge)
        return self._probes[name, ridge]

    def weighing(self, name: str, listed: bool) -> Weighing | None:
        """How products count for a field; None where they don't."""
        return self.weighings.get(listed_key(name) if listed else name) if name in self.values else None

    def choice_index(self, name: str, choices: Choices) -> Tensor:
        """For each value of a field its index among `choices`, or `UNLABELLED`."""
        if (name, choices) not in self._choice_index:
            index = {normalise(value): number for number, value in enumerate(choices.values)}
            found = [index.get(normalise(value), UNLABELLED) for value in self.values[name]]
            self._choice_index[name, choices] = torch.tensor(found, dtype=torch.long, device=self.keys_ND.device)
        return self._choice_index[name, choices]

    def save(self, folder: Path) -> None:
        """Write `memory/memory.safetensors` into a checkpoint's folder. Keys are kept in 8 bits, labels in 16."""
        # Each key at its own scale, which isn't kept: loading normalises the keys again.
        largest_N1 = self.keys_ND.abs().amax(1, keepdim=True).clamp_min(1e-9)
        tensors = {
            "centre": self.centre_V.float(),
            "projection": self.projection_VD.half(),
            "keys": (self.keys_ND / largest_N1 * _INT8_MAX).round().to(torch.int8),
            **{f"labels.{name}": column.to(torch.int16) for name, column in self.labels.items()},
        }
        description = _Description(values={n: list(v) for n, v in self.values.items()}, weighings=self.weighings)
        path = folder / MEMORY_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        contiguous = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, path, metadata={"description": description.model_dump_json()})
        path.chmod(0o644)

    @classmethod
    def load(cls, folder: Path) -> Memory | None:
        """The memory of a checkpoint, None where it has none. Raises `ModelError` naming the file."""
        path = folder / MEMORY_FILE
        if not path.is_file():
            return None
        try:
            with safe_open(path, "pt") as file:
                description = _Description.model_validate_json((file.metadata() or {}).get("description", ""))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            labels = {name: tensors[f"labels.{name}"].long() for name in description.values}
            keys_ND = F.normalize(tensors["keys"].float(), dim=-1)
            memory = cls(
                tensors["centre"].float(),
                tensors["projection"].float(),
                keys_ND,
                labels,
                {name: tuple(values) for name, values in description.values.items()},
                description.weighings,
            )
        except (OSError, SafetensorError, ValidationError, KeyError) as error:
            raise ModelError(f"{path}: is not a memory ({first_line(error)}); delete it or make it again") from error
        return memory


@dataclass(frozen=True)
class Neighbours:
    """The products of a memory that are most similar to each of B products."""

    memory: Memory
    keys_BD: Tensor
    similarity_BK: Tensor
    index_BK: Tensor
    excluded_BN: Tensor | None = None

    def counts(self, rows: Tensor, name: str, choices: Choices, temperature: float) -> Tensor:
        """For some of the products (R,), the weight of the neighbours labelled with each choice: (R, C)."""
        memory = self.memory
        label_RK = memory.labels[name][self.index_BK[rows]]
        choice_RK = memory.choice_index(name, choices)[label_RK.clamp_min(0)]
        # Index 0 stands in for a label that is missing, and must not count as a vote for it.
        votes_RK = (label_RK != UNLABELLED) & (choice_RK != UNLABELLED)
        weight_RK = ((self.similarity_BK[rows] - 1) / temperature).exp() * votes_RK
        empty_RC = weight_RK.new_zeros(len(rows), len(choices.values))
        return empty_RC.scatter_add(1, choice_RK.clamp_min(0), weight_RK)

    def weigh(self, shares_RC: Tensor, rows: Tensor, name: str, choices: Choices, listed: bool) -> Tensor:
        """The model's shares (R, C + 1) of the choices and, last, of *cannot be inferred*, combined with the neighbours'."""
        name = fold_attribute(name)
        weighing = self.memory.weighing(name, listed)
        if weighing is None:
            return shares_RC
        counts_RC = self.counts(rows, name, choices, weighing.temperature)
        if weighing.linear:
            classified_RC = self.classified(rows, name, choices, weighing.ridge, weighing.scale)
            counts_RC = counts_RC + weighing.linear * classified_RC
        return weighing.weigh(shares_RC, counts_RC)

    def classified(self, rows: Tensor, name: str, choices: Choices, ridge: float, scale: float) -> Tensor:
        """For some of the products (R,), the linear classifier's shares of the choices, less where no product resembles them:
        (R, C).
        """
        memory = self.memory
        choice_V = memory.choice_index(name, choices)
        shown_V = choice_V != UNLABELLED
        classified_RC = self.similarity_BK.new_zeros(len(rows), len(choices.values))
        if not shown_V.any():
            return classified_RC
        shares_RV = (self._scores(rows, name, ridge)[:, shown_V] * scale).softmax(-1)
        nearness_R1 = ((self.similarity_BK[rows, :1] - 1) / REACH).exp()
        # A product without a photo is NaN all through, and similar to none.
        weighed_RV = torch.where(nearness_R1 > 0, shares_RV * nearness_R1, 0)
        classified_RC.index_add_(1, choice_V[shown_V], weighed_RV)
        return classified_RC

    def examples(self, row: int, name: str, value: str) -> int:
        """How many products with this value of a field have a say about one of the products."""
        memory = self.memory
        same_N = torch.zeros(len(memory), dtype=torch.bool, device=memory.keys_ND.device)
        for number, known in enumerate(memory.values.get(name, ())):
            if normalise(known) == normalise(value):
                same_N |= memory.labels[name] == number
        if self.excluded_BN is not None:
            same_N &= ~self.excluded_BN[row]
        return int(same_N.sum())

    def _scores(self, rows: Tensor, name: str, ridge: float) -> Tensor:
        """Of all values of the field; products that have no say about a product haven't taught the classifier either."""
        probe = self.memory.probe(name, ridge)
        if self.excluded_BN is None:
            return probe.scores(self.keys_BD[rows])
        labelled_N = self.memory.labels[name] != UNLABELLED
        left_out = [self.excluded_BN[row, labelled_N].nonzero()[:, 0] for row in rows.tolist()]
        keys_RD = self.keys_BD[rows]
        return torch.stack([probe.scores_without(key_D, out) for key_D, out in zip(keys_RD, left_out, strict=True)])


def _directions(scaled_NV: Tensor, dim: int) -> Tensor:
    """The strongest principal directions (V, D): at most `dim`, and no more than N products span. What lies across those is
    noise to every new photo.
    """
    count, width = scaled_NV.shape
    if count > width:
        _, directions_VV = torch.linalg.eigh(scaled_NV.T @ scaled_NV)  # by rising strength
        strongest_VD: Tensor = directions_VV.flip(1)[:, :dim]
        return strongest_VD
    strength_N, directions_NN = torch.linalg.eigh(scaled_NV @ scaled_NV.T)
    strength_N, directions_NN = strength_N.flip(0), directions_NN.flip(1)
    told = max(int((strength_N > 1e-6 * strength_N[0].clamp_min(1e-12)).sum()), 1)
    kept = min(dim, told)
    directions_VD: Tensor = F.normalize(scaled_NV.T @ directions_NN[:, :kept], dim=0)
    return directions_VD

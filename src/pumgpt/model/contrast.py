"""Photo-text similarity, as in BLIP-2's first stage (arXiv 2301.12597, section 3.1): the Q-Former reads the photo with its
queries, and the text with its text branch; a photo fits a text as well as its best-fitting query does.

Shapes: B photos, R texts, S tokens, M queries, E Q-Former width, J similarity space.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pumgpt.model.qformer import QFormer


class ContrastiveHead(nn.Module):
    """Token embeddings of the text branch, the two projections and the learned temperature."""

    def __init__(self, hidden_size: int, dim: int, vocab_size: int, max_length: int) -> None:
        super().__init__()
        self.max_length = max_length
        self.word_embeddings = nn.Embedding(vocab_size, hidden_size)
        self.position_embeddings = nn.Embedding(max_length, hidden_size)
        self.photo_projection = nn.Linear(hidden_size, dim)
        self.text_projection = nn.Linear(hidden_size, dim)
        self.log_scale = nn.Parameter(torch.tensor(2.66))

    def embed_photos(self, queries_BME: Tensor) -> Tensor:
        """Unit vectors (B, M, J), one for each query."""
        return F.normalize(self.photo_projection(queries_BME), dim=-1)

    def embed_texts(self, qformer: QFormer, input_ids_RS: Tensor, attention_mask_RS: Tensor) -> Tensor:
        """Unit vectors (R, J): the mean over a text's tokens after the Q-Former's text branch."""
        input_ids, mask = input_ids_RS[:, : self.max_length], attention_mask_RS[:, : self.max_length]
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        embeds = self.word_embeddings(input_ids) + self.position_embeddings(positions)
        hidden = qformer.model(query_embeds=embeds, query_length=0, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return F.normalize(self.text_projection((hidden * weights).sum(1) / weights.sum(1).clamp_min(1)), dim=-1)

    def similarity(self, photos_BMJ: Tensor, texts_RJ: Tensor) -> Tensor:
        """Cosine similarity (B, R): of the query that fits best."""
        return torch.einsum("bmj,rj->bmr", photos_BMJ, texts_RJ).amax(1)

    def loss(self, photos_BMJ: Tensor, texts_RJ: Tensor, same_BR: Tensor | None = None) -> Tensor:
        """Symmetric cross-entropy over the batch; photo i belongs to text i. Pairs marked in `same_BR` (an equal text
        elsewhere in the batch) count as right as well.
        """
        logits = self.similarity(photos_BMJ, texts_RJ) * self.log_scale.exp().clamp(max=100)
        target = torch.eye(logits.shape[0], device=logits.device) if same_BR is None else same_BR.to(logits.dtype)
        rows, columns = target / target.sum(1, keepdim=True), target.T / target.T.sum(1, keepdim=True)
        return (F.cross_entropy(logits, rows) + F.cross_entropy(logits.T, columns)) / 2

"""Metrics of closed answers (right or wrong, by value, by level of the taxonomy, refused or not) and of open text.

A prediction of None is an answer withheld: a closed one is never right, a text scores 0. Text is compared by its words, which
are lower-cased word characters.
Legend: R resamples, P products, V values.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pumgpt.bench.stats.intervals import (
    NUM_RESAMPLES,
    Measured,
    bootstrap_mean,
    bootstrap_ratio,
    nothing_measured,
    percentile_interval,
    proportion,
    resample_weights,
    wilson,
)

Path = tuple[str, ...]
Words = tuple[str, ...]
Counts = Counter[Words]

# Both as in the paper on CIDEr-D and its authors' code: figures with other values don't compare.
NUM_ORDERS = 4
SIGMA = 6.0
"""Width, in words, of the penalty on a difference in length."""


def accuracy(truths: Sequence[object], predictions: Sequence[object]) -> Measured:
    """Share of the products whose prediction is the truth."""
    return proportion([truth == prediction for truth, prediction in zip(truths, predictions, strict=True)])


def macro_f1(truths: Sequence[str], predictions: Sequence[str | None]) -> Measured:
    """F1 of each value, averaged with equal weight over the values that occur in the truth.

    Values that only a model names are no class of their own, so that models are averaged over the same classes; naming
    one is still a miss of the true value. The interval is a bootstrap over products.
    """
    if not truths:
        return nothing_measured()
    from sklearn.metrics import f1_score

    # Sorted, since a set's order changes between runs, and with it the last digits of the sums.
    values = sorted(set(truths))
    # All values that never occur in the truth share one code, which no class has.
    code = {value: number for number, value in enumerate(values)}
    true_P = np.array([code[truth] for truth in truths])
    predicted_P = np.array(
        [code.get(predicted, len(values)) if predicted is not None else len(values) for predicted in predictions]
    )
    value = f1_score(true_P, predicted_P, labels=range(len(values)), average="macro", zero_division=0)
    macro_R = _weighted_macro_f1(true_P, predicted_P, len(values), resample_weights(len(true_P)))
    return Measured(float(value), *percentile_interval(macro_R), len(true_P))


def _weighted_macro_f1(
    true_P: NDArray[np.int64], predicted_P: NDArray[np.int64], num_values: int, weights_RP: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Macro-F1 of every resample at once; a value that a resample lacks is left out of its average."""
    values_V = np.arange(num_values)
    true_PV = (true_P[:, None] == values_V).astype(np.float32)
    predicted_PV = (predicted_P[:, None] == values_V).astype(np.float32)
    hits_RV = weights_RP @ (true_PV * predicted_PV)
    support_RV = weights_RP @ true_PV
    # F1 = 2 TP / (true + predicted). Where that sum is 0 there are no hits either, so any denominator will do.
    f1_RV = 2 * hits_RV / np.maximum(support_RV + weights_RP @ predicted_PV, 1)
    present_RV = support_RV > 0
    macro_R: NDArray[np.float64] = (f1_RV * present_RV).sum(axis=1) / present_RV.sum(axis=1)
    return macro_R


def level_accuracy(truths: Sequence[Path], predictions: Sequence[Path | None], level: int) -> Measured:
    """Share of the products whose first `level` steps from the root are right, of those whose truth is that deep.

    A prediction that stops above `level` is wrong there.
    """
    return proportion(
        [
            predicted is not None and predicted[:level] == truth[:level]
            for truth, predicted in zip(truths, predictions, strict=True)
            if len(truth) >= level
        ]
    )


def hierarchical_f1(truths: Sequence[Path], predictions: Sequence[Path | None]) -> Measured:
    """F1 over the nodes on the way from the root, summed over products (Kiritchenko et al. 2006; the root not counted).

    A near miss in the right branch earns what it shares with the truth.
    """
    shared = [_num_shared(truth, predicted or ()) for truth, predicted in zip(truths, predictions, strict=True)]
    nodes = [len(truth) + len(predicted or ()) for truth, predicted in zip(truths, predictions, strict=True)]
    # Sums over products, not the mean of each product's F1: deep paths count more, as in the paper.
    return bootstrap_ratio(2 * np.asarray(shared), nodes)


def _num_shared(one: Path, other: Path) -> int:
    for depth, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return depth
    return min(len(one), len(other))


def coverage_and_precision(right: Sequence[bool], filled: Sequence[bool]) -> tuple[Measured, Measured]:
    """Share of the fields that are filled, and share of the filled that are right."""
    num_right = sum(r and f for r, f in zip(right, filled, strict=True))
    return proportion(filled), wilson(num_right, sum(filled))


def refusal_scores(
    unanswerable: Sequence[bool], refused: Sequence[bool], products: Sequence[str]
) -> dict[str, Measured]:
    """How well a model refuses.

    Precision: of the refusals, how many were due. Recall: of those due, how many were made. Over-refusal: of what could
    be answered, how much was refused. One entry for each question; `products` names its product, and the bootstrap keeps
    a product's questions together.
    """
    due, made = np.asarray(unanswerable, dtype=bool), np.asarray(refused, dtype=bool)
    if not len(due):
        return {name: nothing_measured() for name in ("precision", "recall", "over-refusal")}
    # The product of each question as a number from 0, to sum questions by product.
    _, owner = np.unique(np.asarray(products), return_inverse=True)

    def ratio(top: NDArray[np.bool_], bottom: NDArray[np.bool_]) -> Measured:
        tops_P, bottoms_P = np.bincount(owner, top), np.bincount(owner, bottom)
        return bootstrap_ratio(tops_P, bottoms_P, count=int(bottom.sum()))

    return {
        "precision": ratio(due & made, made),
        "recall": ratio(due & made, due),
        "over-refusal": ratio(~due & made, ~due),
    }


def split_words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def count_ngrams(words: Sequence[str], order: int) -> Counts:
    return Counter(tuple(words[start : start + order]) for start in range(len(words) - order + 1))


class CIDErD:
    """CIDEr-D (Vedantam et al. 2015, arXiv 1411.5726, section 5 and equation 6).

    An n-gram weighs its count times `log(num_products / num_products whose references hold it)`: what every reference
    has is worth nothing.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        """`references`: for each product, its reference texts. They are the corpus for the weights as well."""
        self._references = [[split_words(text) for text in texts] for texts in references]
        self._log_corpus = math.log(len(references)) if references else 0.0
        self._document_counts: Counts = Counter()
        for texts in self._references:
            # A set: several references of one product that share an n-gram count as one document.
            self._document_counts.update(
                {ngram for words in texts for order in range(1, NUM_ORDERS + 1) for ngram in count_ngrams(words, order)}
            )

    def scores(self, candidates: Sequence[str | None]) -> list[float]:
        """One score for each product, 0 to 10; a caption withheld (None) scores 0."""
        scores = []
        for text, references in zip(candidates, self._references, strict=True):
            words = split_words(text or "")
            similarities = [self._similarity(words, reference) for reference in references] if words else []
            # Times 10, as the paper scales CIDEr-D.
            scores.append(10.0 * float(np.mean(similarities)) if similarities else 0.0)
        return scores

    def _similarity(self, candidate: list[str], reference: list[str]) -> float:
        """Mean over n-gram orders of the clipped cosine, times the penalty on a difference in length."""
        cosines = [
            self._clipped_cosine(count_ngrams(candidate, order), count_ngrams(reference, order))
            for order in range(1, NUM_ORDERS + 1)
        ]
        penalty = math.exp(-((len(candidate) - len(reference)) ** 2) / (2 * SIGMA**2))
        return penalty * sum(cosines) / NUM_ORDERS

    def _clipped_cosine(self, candidate: Counts, reference: Counts) -> float:
        """The cosine of two texts' weights, for n-grams of one order."""
        ours, theirs = self._weigh(candidate), self._weigh(reference)
        norm = _norm(ours.values()) * _norm(theirs.values())
        if norm == 0.0:
            return 0.0
        # Clipped to the reference's weight: repeating a good word gains nothing.
        shared = sum(min(weight, theirs[ngram]) * theirs[ngram] for ngram, weight in ours.items() if ngram in theirs)
        return shared / norm

    def _weigh(self, counts: Counts) -> dict[Words, float]:
        # Counts are not divided by the text's length, as in the authors' code, so that figures compare.
        return {
            # An n-gram that no reference has is as rare as one that a single product's references have.
            ngram: count * (self._log_corpus - math.log(max(1, self._document_counts[ngram])))
            for ngram, count in counts.items()
        }


def _norm(weights: Iterable[float]) -> float:
    return math.sqrt(sum(weight**2 for weight in weights))


def cider(candidates: Sequence[str | None], references: Sequence[Sequence[str]]) -> Measured:
    """Mean CIDEr-D."""
    # The bootstrap resamples scores and keeps the corpus weights: those of a resample would be another metric.
    return bootstrap_mean(CIDErD(references).scores(candidates))


def rouge_l(candidates: Sequence[str | None], references: Sequence[Sequence[str]]) -> Measured:
    """Mean ROUGE-L F1 against the nearest reference; a caption withheld scores 0."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], tokenizer=_WordTokenizer())
    return bootstrap_mean(
        [
            max((scorer.score(text, candidate)["rougeL"].fmeasure for text in texts), default=0.0) if candidate else 0.0
            for candidate, texts in zip(candidates, references, strict=True)
        ]
    )


class _WordTokenizer:
    """The words of this file, for `rouge-score`, whose own tokenizer drops all that is not ASCII."""

    def tokenize(self, text: str) -> list[str]:
        return split_words(text)


def bleu(candidates: Sequence[str | None], references: Sequence[Sequence[str]]) -> Measured:
    """Corpus BLEU-4 in 0..1 as sacrebleu computes it (lower-cased, its own tokenizer), with its bootstrap interval.

    A caption withheld counts as an empty one. A product without as many references as another lacks the last ones.
    """
    if not candidates:
        return nothing_measured()
    from sacrebleu.metrics.bleu import BLEU

    most = max(map(len, references))
    columns: Any = [[texts[place] if place < len(texts) else None for texts in references] for place in range(most)]
    # A perfect caption of two words has no n-gram of four, which is no mistake: only the orders that texts have count.
    metric = BLEU(lowercase=True, effective_order=True)
    score: Any = metric.corpus_score([text or "" for text in candidates], columns, n_bootstrap=NUM_RESAMPLES)
    # Every resample of a single text is that text.
    if len(candidates) == 1:
        return Measured(score.score / 100, score.score / 100, score.score / 100, 1)
    # Its interval is around the mean of the resamples, and need not hold the score itself.
    middle, half = score._mean / 100, score._ci / 100
    low, high = max(0.0, min(middle - half, score.score / 100)), min(1.0, max(middle + half, score.score / 100))
    return Measured(score.score / 100, low, high, len(candidates))


def token_f1(candidate: str, truths: Sequence[str]) -> float:
    """F1 of the words of an answer against the nearest of its references, as SQuAD scores answers; articles count."""
    stated = split_words(candidate)
    best = 0.0
    for true in map(split_words, truths):
        shared = sum((Counter(stated) & Counter(true)).values())
        # Without shared words both may be empty, and the denominator 0.
        best = max(best, 2 * shared / (len(stated) + len(true)) if shared else 0.0)
    return best

"""Scores of a model that need no target label."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scipy.stats import rankdata
from torch import Tensor
from torch.nn.functional import log_softmax, normalize

from sourcefree.losses.information import entropy, information_maximization

DOMINANT = 0.8  # a larger share in one class is taken for collapse
_LOUDER = 2.0  # times, for a standard deviation of the score: chosen on depth-b and nir-1 (1 and 2 were tried)
_TEMPERATURES = (0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0)


def pair_agreement(logits: Tensor, source_logits: Tensor) -> float:
    """Return the share of held-out pairs on which the model gives the source model's answer; in 0..1, higher is better.

    Args:
        logits: (N, K) of the model on the target images of held-out pairs.
        source_logits: (N, K) of the source model on their source images.
    """
    return float((logits.argmax(-1) == source_logits.argmax(-1)).float().mean())


def agreement_by_scene(logits: Tensor, source_logits: Tensor, scenes: Tensor) -> list[int]:
    """Return on how many held-out pairs of each scene the model gives the source model's answer, S numbers.

    Args:
        logits: (N, K) of the model on the target images of held-out pairs.
        source_logits: (N, K) of the source model on their source images.
        scenes: (N,) number of the scene of each pair; the result is in the order of these numbers.
    """
    agree = logits.argmax(-1) == source_logits.argmax(-1)
    return [int(agree[scenes == number].sum()) for number in sorted(set(scenes.tolist()))]


def pair_divergence(logits: Tensor, source_logits: Tensor) -> float:
    """Return the mean KL(source model on source || model on target) over held-out pairs in nats; lower is better.

    Args:
        logits: (N, K) of the model on the target images of held-out pairs.
        source_logits: (N, K) of the source model on their source images.
    """
    return float(pair_divergences(logits, source_logits).mean())


def pair_divergences(logits: Tensor, source_logits: Tensor) -> Tensor:
    """Return KL(source model on source || model on target) of each held-out pair, (N,) nats; see :func:`pair_divergence`."""
    teacher, student = log_softmax(source_logits.double(), -1), log_softmax(logits.double(), -1)
    return (teacher.exp() * (teacher - student)).sum(-1)


def pair_information(logits: Tensor, source_logits: Tensor) -> Tensor:
    """Return what a model's answer on each held-out pair tells of the source model's answer, (N,) nats; higher is better.

    ``sum_k s_k log(p_k / mean p_k)`` with s the source model's answer on the source image and p the model's on the target
    image, at the temperature that tells most. So only what the answers say counts, not how loudly: the mean is 0 for a model
    that answers the same for every image and for one whose answers have nothing to do with the scene, where agreement
    would praise both if one class is frequent and divergence would praise the one that hedges.

    Args:
        logits: (N, K) of the model on the target images of held-out pairs.
        source_logits: (N, K) of the source model on their source images.

    Reference: ours; a lower bound of the mutual information of both answers, as in Barber and Agakov, 2003.
    """
    source = source_logits.float().softmax(-1)
    best = torch.zeros(len(logits))
    for temperature in _TEMPERATURES:
        own = log_softmax(logits.float() / temperature, -1)
        information = (source * (own - own.exp().mean(0).clamp_min(1e-12).log())).sum(-1)
        if information.mean() > best.mean():
            best = information
    return best


def target_information(logits: Tensor, *, temperature: float) -> float:
    """Return the mutual information of a model's answers on target images, no surer than is honest; nats, higher is better.

    Plain information praises whatever is sure and varied, right or wrong: sharpening raises it, and distillation at a high
    temperature lowers it. On pairs and on mixtures it shows how sure a model may be: one whose answers there have little to do
    with the source model's is toned down until it says nothing. So these say how far to trust the answers, and the target
    images say how much they tell.

    Args:
        logits: (N, K) on target images.
        temperature: :func:`sourcefree.selection.temperature.trusted_temperature` of the model.

    Reference: ours; see :func:`mutual_information`.
    """
    return mutual_information(logits.float() / temperature)


def mutual_information(logits: Tensor) -> float:
    """Return H(mean p) - mean H(p) in nats; in 0..log K, higher is better.

    Args:
        logits: (N, K) on target images.

    Reference: [SHOT]; as a validation score: Bridle et al., 1991.
    """
    return -float(information_maximization(logits))


def mean_confidence(logits: Tensor) -> float:
    """Return the mean probability of the predicted class; how sure, not how right."""
    return float(logits.float().softmax(-1).amax(-1).mean())


def dominant_share(logits: Tensor) -> float:
    """Return the share of images that get the most frequent prediction; 1 means collapse to one class."""
    counts = torch.bincount(logits.argmax(-1), minlength=logits.shape[1])
    return float(counts.max()) / max(1, len(logits))


def soft_neighbourhood_density(
    logits: Tensor, *, temperature: float = 0.05, block: int = 1024, most: int = 10_000
) -> float:
    """Return the mean entropy of each image's similarity to all others, in nats; in 0..log(N - 1), higher is better.

    High where images lie in large dense groups: the answers' vectors are compared by cosine, a softmax at a low temperature
    turns each row into a distribution over the other images. Of more than ``most`` images so many of a fixed shuffle are
    looked at, and of them ``block`` at a time: time would grow with N squared, and memory with N.

    Args:
        logits: (N, K) on target images.
        temperature: of the softmax over similarities.
        block: rows at a time.
        most: images that take part.

    Reference: Saito et al., "Tune it the right way: unsupervised validation of domain adaptation via soft neighborhood
    density", ICCV 2021, equations 2 to 4. Its caveat: a model collapsed to one class scores highest.
    """
    if len(logits) > most:
        logits = logits[torch.randperm(len(logits), generator=torch.Generator().manual_seed(0))[:most]]
    points = normalize(logits.float().softmax(-1))
    if len(points) < 2:
        return 0.0  # there is no neighbour
    total = 0.0
    for start in range(0, len(points), block):
        rows = points[start : start + block] @ points.T / temperature
        own = torch.arange(len(rows))
        rows[own, own + start] = -torch.inf
        total += float(entropy(rows.softmax(-1)).sum())
    return total / len(points)


def nuclear_norm(logits: Tensor) -> float:
    """Return the nuclear norm of the probabilities over N; higher is better: confident answers, many classes.

    Args:
        logits: (N, K) on target images.

    Reference: BNM (Cui et al., CVPR 2020), over the whole set in place of a batch.
    """
    return float(torch.linalg.matrix_norm(logits.float().softmax(-1), ord="nuc")) / max(1, len(logits))


def class_correlation(logits: Tensor) -> float:
    """Return ``-trace(P^T P) / ||P^T P||_F``; in -sqrt(K)..-1, higher is better in our one sign for all scores.

    Args:
        logits: (N, K) on target images.

    Reference: Corr-C (Tu et al., "Assessing model out-of-distribution generalization with softmax prediction probability
    baselines and a correlation method", 2023). Read as the validation literature uses it, lower is better, with the sign
    turned: sure and varied answers score lowest then, so whether it tells anything must be measured.
    """
    probabilities = logits.float().softmax(-1)
    classes = probabilities.T @ probabilities
    return -float(classes.trace() / torch.linalg.matrix_norm(classes))


def ensemble_agreement(answers: Sequence[Tensor], scores: Sequence[float] | None = None) -> list[float]:
    """Return, for each of several models, how often it gives the answer of all of them together; higher is better.

    Args:
        answers: (N, K) probabilities of each model on the same target images.
        scores: one a model, higher is better: the better ones are heard more, ``e^2`` times more for a standard deviation.
            Without them all are heard alike, and many poor models outvote a few good ones.

    Reference: EnsV (Hu et al., "EnsV: enhancing model selection without labels by ensembling", 2024): the mean of the
    probabilities of all candidates is the reference. Deviations: agreement, not a distance; the scores are ours.
    """
    weights = torch.softmax(_LOUDER * _standardised(scores or [0.0] * len(answers)), 0)
    together = torch.tensordot(weights, torch.stack(list(answers)).double(), 1).argmax(-1)
    return [float((own.argmax(-1) == together).float().mean()) for own in answers]


def combined_rank(scores: Sequence[Sequence[float]]) -> list[float]:
    """Return, for each of several models, the share of the others that it is ahead of, mean over scores; in 0..1.

    Scores of different units count alike, and each makes up for what the other does not see.

    Args:
        scores: of each score one value a model, higher is better; of models that are alike, half are behind each other.
    """
    ranks = [(rankdata(values) - 1) / max(len(values) - 1, 1) for values in scores]
    return [float(sum(places)) / len(scores) for places in zip(*ranks, strict=True)]


def _standardised(values: Sequence[float]) -> Tensor:
    centred = torch.tensor(values, dtype=torch.float64)
    centred = centred - centred.mean()
    return centred / centred.std(correction=0).clamp_min(1e-12)

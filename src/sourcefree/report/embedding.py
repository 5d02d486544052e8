"""Two-dimensional maps of features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

_FEWEST_FOR_TSNE = 12  # below, neighbourhoods mean nothing and PCA tells as much
_PCA_SIZE = 50


def feature_map(features: NDArray[np.floating], *, seed: int = 0) -> NDArray[np.float64]:
    """Return (N, 2) positions in which near features lie near each other; the same input gives the same map.

    PCA to 50 dimensions, then t-SNE started from PCA; PCA alone for a handful of images.

    Args:
        features: (N, D) features, finite, N >= 1.
        seed: random state of t-SNE.

    Reference:
        van der Maaten and Hinton, Visualizing Data using t-SNE, JMLR 2008.
    """
    features = np.asarray(features, dtype=np.float64)
    count = len(features)
    centred = features - features.mean(axis=0)
    if count < 2 or not centred.any():
        return np.zeros((count, 2))
    size = min(_PCA_SIZE, *features.shape)
    # One thread: sums in another order would change the map between machines with more or fewer cores.
    with threadpool_limits(limits=1):
        reduced = PCA(n_components=size, svd_solver="full").fit_transform(centred)
        if count < _FEWEST_FOR_TSNE or size < 2:
            return _two_columns(reduced)
        perplexity = min(30.0, (count - 1) / 3)
        tsne = TSNE(init="pca", perplexity=perplexity, max_iter=750, random_state=seed, n_jobs=1)
        return np.asarray(tsne.fit_transform(reduced), dtype=np.float64)


def turned_onto(points: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points turned and mirrored to lie as close to reference as possible, at unit spread.

    A map has no up or left of its own; turning one onto the other lets the eye follow a class across maps.

    Args:
        points: (N, 2) map to turn.
        reference: (N, 2) map of the same images.

    Reference:
        Orthogonal Procrustes problem, Schönemann 1966.
    """
    moved, fixed = unit_spread(points), unit_spread(reference)
    left, _, right = np.linalg.svd(moved.T @ fixed)
    return np.asarray(moved @ (left @ right))


def unit_spread(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points centred, with a root mean square distance of 1 from the centre.

    Args:
        points: (N, 2) map.
    """
    centred = points - points.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=1).mean())
    return np.asarray(centred / spread if spread > 0 else centred)


def _two_columns(reduced: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first two columns, zeros for one that is missing."""
    result = np.zeros((len(reduced), 2))
    width = min(2, reduced.shape[1])
    result[:, :width] = reduced[:, :width]
    return result

"""Kullback-Leibler divergence."""

from dataclasses import replace

from fastcnn.engine.expected import OF_CLASSES, PROBABILITIES
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("kl_divergence")
class KLDivergence(Loss):
    """loss = sum over k of t[k] log(t[k] / y[k]), both clipped to [1e-7, 1]

    Targets are probabilities (N, K), outputs too; no gradient flows to clipped outputs.
    Source: Kullback, Leibler, On information and sufficiency (1951).
    """

    expected = replace(OF_CLASSES, outputs=PROBABILITIES, sums_to_one=True)

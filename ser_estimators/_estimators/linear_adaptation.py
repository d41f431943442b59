"""Fit the linear classifier of a trained model to a few more clips."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.class_weight import compute_sample_weight

from .._utils.stack_level import find_stack_level

__all__ = ["adapt_coefficients"]

Floats = NDArray[np.float64]

_MAX_ITER = 1000


def adapt_coefficients(
    X: Floats,
    codes: NDArray[np.intp],
    coef: Floats,
    intercept: Floats,
    *,
    C: float,
    temperature: float = 1.0,
    offset: Floats | float = 0.0,
) -> tuple[Floats, Floats]:
    """Return softmax coefficients that fit additional clips and stay near given ones.

    They minimize the log loss of the clips, in which all classes have the same weight, plus the
    squared norm of the change of the coefficients, both divided by the temperature, over 2C.
    Classes without a clip take no part: that they were not seen does not make them less probable.

    Parameters
    ----------
    X : ndarray of shape (n_clips, n_features), float64
        The columns that the classifier sees.
    codes : ndarray of shape (n_clips,)
        Positions of the classes, at least two different ones.
    coef : ndarray of shape (n_classes, n_features), float64
        Given coefficients.
    intercept : ndarray of shape (n_classes,), float64
        Given intercepts.
    C : float > 0
        Inverse strength of the penalty.
    temperature : float > 0, default=1.0
        Number by which the scores of the classifier are divided.
    offset : ndarray of shape (n_clips, n_classes) or float, default=0.0
        Added to the scores before.

    Returns
    -------
    coef : ndarray of shape (n_classes, n_features), float64
    intercept : ndarray of shape (n_classes,), float64
    """
    present, rows = np.unique(codes, return_inverse=True)
    weight = compute_sample_weight("balanced", rows)
    others = np.broadcast_to(offset, (len(X), len(coef)))[:, present]
    scores = (X @ coef[present].T + intercept[present] + others) / temperature
    design = np.column_stack([X, np.ones(len(X))])
    clips = np.arange(len(X))

    def objective(flat: Floats) -> tuple[float, Floats]:
        change = flat.reshape(len(present), -1)
        logs = log_softmax(scores + design @ change.T, axis=1)
        residual = np.exp(logs)
        residual[clips, rows] -= 1
        gradient = (residual * weight[:, None]).T @ design + change / C
        loss = -(weight * logs[clips, rows]).sum() + np.square(change).sum() / (2 * C)
        return float(loss), gradient.ravel()

    start = np.zeros(len(present) * design.shape[1])
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": _MAX_ITER})
    if found.status == 1:
        warnings.warn(
            f"adaptation has not converged after {_MAX_ITER} iterations; lower C",
            ConvergenceWarning,
            stacklevel=find_stack_level(),
        )
    change = temperature * found.x.reshape(len(present), -1)
    coef, intercept = coef.copy(), intercept.copy()
    coef[present] += change[:, :-1]
    intercept[present] += change[:, -1]
    return coef, intercept

"""Int8 for linear layers: fixed activation ranges, smoothed channels, and weights of 7 bits that no kernel saturates.

The product x @ W, x float32 (rows, width) and W (width, columns), is computed as

    x @ W ~ a_scale * w_scale * (x8 - zero) @ W8      with x8 = round(x / even / a_scale) + zero, uint8
                                                      and W8 = round(even * W / w_scale), int8

with one `a_scale` and one `zero` for the layer, determined on texts beforehand. With ranges of each batch (dynamic
quantization) the score of a pair would depend on the other pairs of its batch. `even`, one number for each channel, is
SmoothQuant's smoothing (Xiao et al. 2023, equation 4): it moves part of the range of wide channels into the weights.

`WEIGHT_TOP` is 63, not 127: the products of uint8 and int8 are added in pairs in 16 bits by processors with AVX2 but
without VNNI (the instruction vpmaddubsw), which saturates at 32767. 2 * 255 * 63 = 32130 stays below, so that every
processor computes the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

WEIGHT_TOP = 63
"""Largest absolute value of an int8 weight that is multiplied with an activation."""

TABLE_TOP = 127
"""Largest absolute value of an int8 number that is converted to float32 before it is used."""

STRENGTHS = (0.0, 0.3, 0.5, 0.65, 0.8)
"""Strengths of the smoothing that are tried; the exponent alpha of SmoothQuant, 0 for none."""

RANGES = (1.0, 0.9, 0.8, 0.65, 0.5)
"""Parts of the observed range of the activations that are tried: what lies outside is clipped."""

ROWS_TRIED = 1024
"""Rows on which smoothings and ranges are compared; all rows are used for what follows."""

DAMPING = 0.01
"""Part of the mean power of the channels that is added to each, so that few rows do not decide everything."""

BLOCK = 128
"""Channels whose rounding errors are passed on together."""

SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
"""Parts of a column's largest weight that are tried as the largest representable one."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What linear layers read: `low` and `high` of each channel (width,), and a sample of rows (rows, width)."""

    low: Float
    high: Float
    rows: Float


@dataclass(frozen=True, slots=True)
class Quantized:
    """Linear layers in int8 that read the same input; see the formula of this module.

    `even` (width,) is the smoothing, `a_scale` and `a_zero` the range of the input. Of each layer, in order: `weights`
    int8 (width, columns), `w_scales` float32 (columns,), and `shifts` (columns,), the mean error of the rounding, which
    is added to the bias.
    """

    even: Float
    a_scale: np.float32
    a_zero: np.uint8
    weights: tuple[NDArray[np.int8], ...]
    w_scales: tuple[Float, ...]
    shifts: tuple[Float, ...]


def quantize_layers(observed: Observed, weights: list[Float], top: int = WEIGHT_TOP) -> Quantized:
    """Return the layers with `weights`, each (width, columns), in int8, with the least squared error of their products.

    The smoothing and the range of the input that they share are chosen on the rows of `observed`.
    """
    tried = replace(observed, rows=observed.rows[:: max(1, len(observed.rows) // ROWS_TRIED)])
    exact = [tried.rows @ weight for weight in weights]  # each (rows, columns)
    smoothed = [_rounded(tried, weights, strength, top) for strength in STRENGTHS]
    _, first = min((_fit(layers, tried, exact) for layers in smoothed), key=lambda found: found[0])
    narrowed = [_narrowed(first, tried, part) for part in RANGES]
    _, chosen = min((_fit(layers, tried, exact) for layers in narrowed), key=lambda found: found[0])
    return compensate(chosen, observed, weights, top)


def _rounded(observed: Observed, weights: list[Float], strength: float, top: int) -> Quantized:
    """Return the layers with one smoothing, the whole range of the input, and no shifts."""
    even = smoothing(observed, weights, strength)
    power = np.square(observed.rows / even).mean(0)
    small, scales = zip(*(quantize_weight(weight * even[:, None], power, top) for weight in weights), strict=True)
    return Quantized(even, *activation_range(observed, even, 1.0), small, scales, ())


def _narrowed(layers: Quantized, observed: Observed, part: float) -> Quantized:
    scale, zero = activation_range(observed, layers.even, part)
    return replace(layers, a_scale=scale, a_zero=zero)


def _fit(layers: Quantized, observed: Observed, exact: list[Float]) -> tuple[float, Quantized]:
    """Return the squared error of the products that is left by the best shifts, and the layers with these."""
    gaps = [whole - made for whole, made in zip(exact, products(layers, observed.rows), strict=True)]
    shifts = tuple(gap.mean(0) for gap in gaps)
    error = sum(float(np.square(gap - shift).sum()) for gap, shift in zip(gaps, shifts, strict=True))
    return error, replace(layers, shifts=shifts)


def compensate(layers: Quantized, observed: Observed, weights: list[Float], top: int) -> Quantized:
    """Return `layers` with weights that make up for the rounding of the input, and for each other's rounding.

    The weights are first fitted to the rounded input by least squares, and then rounded channel by channel, where the
    error of each is passed on to those after it (GPTQ, Frantar et al. 2023, algorithm 1).
    """
    read = rounded_input(layers, observed.rows)  # (rows, width)
    power = (read.T @ read).astype(np.float64)
    damping = DAMPING * float(np.diagonal(power).mean())
    power[np.diag_indices_from(power)] += damping
    inverse = np.linalg.inv(power)
    upper = np.linalg.cholesky((inverse + inverse.T) / 2).T.astype(np.float32)
    made, shifts = [], []
    for weight, scale in zip(weights, layers.w_scales, strict=True):
        exact = observed.rows @ weight
        smooth = weight * layers.even[:, None]
        missed = read.T @ (exact - read @ smooth)
        fitted = smooth + (inverse @ missed.astype(np.float64)).astype(np.float32)
        made.append(round_in_turn(fitted, scale, upper, top))
        shifts.append((exact - read @ (made[-1] * scale)).mean(0))
    return replace(layers, weights=tuple(made), shifts=tuple(shifts))


def round_in_turn(weight: Float, scale: Float, upper: Float, top: int) -> NDArray[np.int8]:
    """Return `weight` (width, columns) in units of `scale` (columns,) as int8, rounded channel by channel.

    `upper` (width, width) is the upper Cholesky factor of the inverse of the input's second moments.
    """
    rest = weight / scale
    small = np.zeros(weight.shape, np.int8)
    for start in range(0, len(rest), BLOCK):
        end = min(start + BLOCK, len(rest))
        errors = np.zeros((end - start, rest.shape[1]), np.float32)
        for place in range(start, end):
            chosen = np.clip(np.rint(rest[place]), -top, top)
            small[place] = chosen.astype(np.int8)
            errors[place - start] = (rest[place] - chosen) / upper[place, place]
            rest[place + 1 : end] -= np.outer(upper[place, place + 1 : end], errors[place - start])
        rest[end:] -= upper[start:end, end:].T @ errors
    return small


def smoothing(observed: Observed, weights: list[Float], strength: float) -> Float:
    """Return the divisor of each channel, (width,), with the geometric mean 1: equation 4 of SmoothQuant."""
    if not strength:
        return np.ones_like(observed.low)
    reach = np.maximum(np.maximum(-observed.low, observed.high), 1e-3)
    grip = np.maximum(np.abs(np.concatenate(weights, 1)).max(1), 1e-3)
    even = reach**strength / grip ** (1 - strength)
    return np.asarray(even / np.exp(np.log(even).mean()), np.float32)


def activation_range(observed: Observed, even: Float, part: float) -> tuple[np.float32, np.uint8]:
    """Return scale and zero of an input whose channels are divided by `even`; `part` of the range is representable.

    The range contains 0, so that 0 is exact.
    """
    low = part * min(0.0, float((observed.low / even).min()))
    high = part * max(0.0, float((observed.high / even).max()))
    scale = np.float32(max(high - low, 1e-6) / 255)
    return scale, np.uint8(np.clip(np.rint(-low / scale), 0, 255))


def quantize_weight(weight: Float, power: Float, top: int = WEIGHT_TOP) -> tuple[NDArray[np.int8], Float]:
    """Return int8 weights (width, columns) and the scale of each column, of least error for inputs of this `power`.

    `power` (width,) is the mean square of each channel of the input; `top` the largest absolute int8 value.
    """
    full = np.maximum(np.abs(weight).max(0) / top, 1e-12).astype(np.float32)
    scales = np.stack([full * np.float32(shrink) for shrink in SHRINKS])
    errors = []
    for scale in scales:
        small = np.clip(np.rint(weight / scale), -top, top)
        errors.append(power @ np.square(small * scale - weight))  # (columns,)
    chosen = scales[np.argmin(errors, 0), np.arange(weight.shape[1])]
    return np.clip(np.rint(weight / chosen), -top, top).astype(np.int8), chosen


def products(layers: Quantized, rows: Float) -> list[Float]:
    """Return the outputs of the int8 layers for `rows` (rows, width): each (rows, columns), float32, without shifts."""
    read = rounded_input(layers, rows)
    return [
        np.asarray((read @ weight.astype(np.float32)) * scale)
        for weight, scale in zip(layers.weights, layers.w_scales, strict=True)
    ]


def rounded_input(layers: Quantized, rows: Float) -> Float:
    """Return what the int8 layers make of `rows` (rows, width): smoothed, and rounded to steps of `a_scale`."""
    zero = np.float32(layers.a_zero)
    x8 = np.clip(np.rint(rows / layers.even / layers.a_scale) + zero, 0, 255) - zero
    return np.asarray(x8 * layers.a_scale, np.float32)


def quantize_rows(table: Float) -> tuple[NDArray[np.int8], Float]:
    """Return int8 rows and their scales (rows, 1), so that rows * scales is near the table.

    >>> rows, scales = quantize_rows(np.array([[127.0, -63.5]], np.float32))
    >>> rows.tolist(), scales.tolist()
    ([[127, -64]], [[1.0]])
    """
    scales = np.abs(table).max(1, keepdims=True) / np.float32(TABLE_TOP)
    scales = np.where(scales > 0, scales, 1.0).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales

"""Int8 numbers that are right on every processor, and nearer to float32 than rounding alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from resift.rerank.training.export.quantization import (
    WEIGHT_TOP,
    Float,
    Observed,
    activation_range,
    products,
    quantize_layers,
    round_in_turn,
)

WIDTH, COLUMNS = 48, 20


def correlated(rows: int, seed: int) -> Float:
    """Return inputs of a layer: correlated channels, two of them with a range that is twenty times as wide."""
    draw = np.random.default_rng(seed)
    mixing = np.random.default_rng(1).normal(size=(WIDTH, WIDTH))
    made = draw.normal(size=(rows, WIDTH)) @ mixing / WIDTH**0.5 + draw.normal(size=(rows, WIDTH)) * 0.2
    made[:, :2] *= 20
    return np.asarray(made, np.float32)


def observed(rows: Float) -> Observed:
    return Observed(rows.min(0), rows.max(0), rows)


def saturating_product(x8: NDArray[np.int64], w8: NDArray[np.int64]) -> NDArray[np.int64]:
    """Multiply as vpmaddubsw does: products of neighbours are added in 16 bits, which saturate."""
    pairs = x8[:, :, None] * w8[None]  # (rows, width, columns)
    sums = np.clip(pairs[:, ::2] + pairs[:, 1::2], -32768, 32767)
    return np.asarray(sums.sum(1))


@pytest.mark.parametrize(("top", "right"), [(WEIGHT_TOP, True), (127, False)])
def test_weights_of_seven_bits_never_saturate_sixteen_bits_and_those_of_eight_do(top: int, right: bool) -> None:
    draw = np.random.default_rng(0)
    x8 = draw.integers(0, 256, (40, WIDTH))
    x8[0] = 255
    w8 = draw.integers(-top, top + 1, (WIDTH, COLUMNS))
    w8[:, 0], w8[:, 1] = top, -top
    assert (saturating_product(x8, w8) == x8 @ w8).all() == right


def test_all_quantized_weights_have_seven_bits() -> None:
    rows = correlated(300, 0)
    layers = quantize_layers(
        observed(rows), [np.random.default_rng(3).normal(size=(WIDTH, COLUMNS)).astype(np.float32)]
    )
    assert np.abs(layers.weights[0].astype(int)).max() <= WEIGHT_TOP == 63


def test_the_error_on_unseen_rows_is_far_below_that_of_rounding_alone() -> None:
    weights = [np.random.default_rng(seed).normal(size=(WIDTH, COLUMNS)).astype(np.float32) for seed in (3, 4)]
    seen, unseen = correlated(3000, 0), correlated(500, 9)
    layers = quantize_layers(observed(seen), weights)
    scale = np.float32(np.ptp(seen) / 255)
    for weight, made, shift in zip(weights, products(layers, unseen), layers.shifts, strict=True):
        exact = unseen @ weight
        steps = np.abs(weight).max(0) / 63
        plain = (np.rint(unseen / scale) * scale) @ (np.rint(weight / steps) * steps)
        assert np.square(exact - made - shift).mean() < 0.35 * np.square(exact - plain).mean()
        assert np.square(exact - made - shift).mean() < 0.001 * exact.var()


def test_without_correlations_rounding_in_turn_is_rounding() -> None:
    weight = np.random.default_rng(5).normal(size=(200, 7)).astype(np.float32)
    scale = np.full(7, 0.05, np.float32)
    made = round_in_turn(weight, scale, np.eye(200, dtype=np.float32), 63)
    assert made.tolist() == np.clip(np.rint(weight / scale), -63, 63).astype(int).tolist()


def test_zero_is_exact_in_every_range() -> None:
    for low, high in ((-3.0, 1.0), (0.5, 2.0), (-2.0, -1.0), (0.0, 0.0)):
        rows = np.full((4, 3), low, np.float32)
        rows[0] = high
        scale, zero = activation_range(observed(rows), np.ones(3, np.float32), 1.0)
        assert 0 <= int(zero) <= 255 and scale > 0
        reach = [(step - float(zero)) * float(scale) for step in (0, 255)]
        assert reach[0] <= min(low, 0) + float(scale) and reach[1] >= max(high, 0) - float(scale)

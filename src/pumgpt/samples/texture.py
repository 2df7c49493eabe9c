"""Cloth and other surfaces: functions that give every point of a product its paint."""

from __future__ import annotations

import numpy as np

from pumgpt.samples.canvas import Fabric, FloatArray, resize
from pumgpt.samples.colour import RGB, contrast, mix, shift


def _colour(paint: RGB) -> FloatArray:
    return np.array(paint, dtype=np.float32)


def _blend(first: RGB, second: RGB, share: FloatArray) -> FloatArray:
    return np.asarray(_colour(first) + (_colour(second) - _colour(first)) * share[..., None].astype(np.float32))


def _step(value: FloatArray, edge: float = 0.06) -> FloatArray:
    """0 below zero, 1 above, with a soft edge."""
    return np.clip(value / edge + 0.5, 0, 1)


def woven(paint: RGB, rng: np.random.Generator, grain: float = 0.035) -> Fabric:
    """Plain cloth: one paint with the unevenness of yarn."""
    # A tile that repeats: yarn is finer than anybody looks, and noise for every pixel costs time.
    tile = rng.normal(0, grain, (64, 64)).astype(np.float32)

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        noise = tile[(y * 260).astype(int) % 64, (x * 260).astype(int) % 64]
        return np.asarray(_colour(paint) * (1 + noise[..., None]))

    return fabric


def stripes(paint: RGB, other: RGB, period: float, share: float, upright: bool) -> Fabric:
    """Two paints in turn."""

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        wave = ((x if upright else y + 0.02 * np.cos(x * 7)) / period) % 1.0
        return _blend(paint, other, _step(np.float32(share / 2) - np.abs(wave - 0.5)))

    return fabric


def checks(paint: RGB, other: RGB, period: float) -> Fabric:
    """A woven check: both directions lay half of `other` over `paint`, with a thin line of a third paint between."""
    third = shift(mix(paint, other, 0.5), -0.15)

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        across, down = (x / period) % 1.0, (y / period) % 1.0
        share = 0.5 * _step(0.22 - np.abs(across - 0.5)) + 0.5 * _step(0.22 - np.abs(down - 0.5))
        cloth = _blend(paint, other, share)
        thin = np.maximum(_step(0.02 - np.abs(across - 0.06), 0.04), _step(0.02 - np.abs(down - 0.06), 0.04))
        return cloth + (_colour(third) - cloth) * (0.6 * thin)[..., None]

    return fabric


def dots(paint: RGB, other: RGB, period: float, size: float) -> Fabric:
    """Polka dots, every second row moved by half."""

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        # Rows that stand one above the other would read as lines.
        row = np.floor(y / period)
        across = ((x / period + 0.5 * (row % 2)) % 1.0) - 0.5
        down = ((y / period) % 1.0) - 0.5
        return _blend(paint, other, _step(np.float32(size) - np.hypot(across, down), 0.12))

    return fabric


def floral(paint: RGB, petals: list[RGB], rng: np.random.Generator, period: float) -> Fabric:
    """Small blossoms of several paints, strewn over a ground."""
    jitter = rng.uniform(-0.22, 0.22, (16, 16, 2)).astype(np.float32)
    which = rng.integers(0, len(petals), (16, 16))
    table = np.array(petals, dtype=np.float32)
    turn = rng.uniform(0, 6.3, (16, 16)).astype(np.float32)

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        column, row = np.floor(x / period).astype(int) % 16, np.floor(y / period).astype(int) % 16
        across = (x / period) % 1.0 - 0.5 + jitter[row, column, 0]
        down = (y / period) % 1.0 - 0.5 + jitter[row, column, 1]
        radius, angle = np.hypot(across, down), np.arctan2(down, across)
        blossom = _step(0.2 + 0.08 * np.cos(5 * angle + turn[row, column]) - radius, 0.07)
        heart = _step(0.06 - radius, 0.05)
        cloth = _colour(paint) * (1 - blossom[..., None]) + table[which[row, column]] * blossom[..., None]
        return np.asarray(cloth * (1 - heart[..., None]) + _colour((0.95, 0.8, 0.3)) * heart[..., None])

    return fabric


def blotches(paint: RGB, others: list[RGB], rng: np.random.Generator, hills: int = 18) -> Fabric:
    """Camouflage or marbling: soft noise cut at levels."""
    fields = [resize(rng.uniform(-1, 1, (hills, hills)).astype(np.float32), 256, 256) for _ in others]

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        cloth = np.broadcast_to(_colour(paint), (*x.shape, 3))
        rows, columns = ((y + 0.8) * 160).astype(int) % 256, ((x + 0.8) * 160).astype(int) % 256
        for field, other in zip(fields, others, strict=True):
            share = _step(field[rows, columns] - 0.22, 0.1)[..., None]
            cloth = cloth * (1 - share) + _colour(other) * share
        return cloth

    return fabric


def denim(paint: RGB, rng: np.random.Generator, fade: float) -> Fabric:
    """Twill with a lighter, worn middle of each leg; `fade` 0 is raw denim."""
    cloth = woven(paint, rng, 0.07)

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        worn = np.exp(-(((np.abs(x) - 0.12) / 0.05) ** 2) - ((y + 0.08) / 0.24) ** 2)
        worn = worn + 0.5 * np.exp(-(((np.abs(x) - 0.11) / 0.04) ** 2) - ((y - 0.28) / 0.12) ** 2)
        twill = 0.025 * np.sin((x + y) * 700)
        return np.asarray(
            cloth(x, y) * (1 + twill[..., None]) + (fade * 0.28 * worn)[..., None] * _colour((0.9, 1.0, 1.1))
        )

    return fabric


def knit(paint: RGB, rng: np.random.Generator, period: float = 0.018) -> Fabric:
    """Ribbed knitwear."""
    cloth = woven(paint, rng, 0.05)

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        rib = 0.08 * np.cos(2 * np.pi * x / period) + 0.03 * np.cos(2 * np.pi * y / (period * 0.6))
        return cloth(x, y) * (1 + rib[..., None])

    return fabric


def fade(top: RGB, bottom: RGB, start: float, end: float) -> Fabric:
    """From one paint to the other, downwards."""

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        return _blend(top, bottom, np.clip((y - start) / (end - start), 0, 1))

    return fabric


def printed(paint: RGB, rng: np.random.Generator, kinds: tuple[str, ...]) -> tuple[Fabric, str]:
    """A cloth of one of `kinds` whose ground is `paint`, and how a caption calls it ("" for plain)."""
    other = contrast(paint, rng)
    kind = str(rng.choice(list(kinds)))
    if kind == "stripes":
        return stripes(paint, other, rng.uniform(0.04, 0.11), rng.uniform(0.2, 0.42), False), "striped"
    if kind == "pinstripes":
        return stripes(paint, mix(paint, other, 0.7), rng.uniform(0.022, 0.04), 0.2, True), "striped"
    if kind == "checks":
        return checks(paint, other, rng.uniform(0.05, 0.11)), "checked"
    if kind == "dots":
        return dots(paint, other, rng.uniform(0.035, 0.07), rng.uniform(0.18, 0.3)), "dotted"
    if kind == "floral":
        petals = [other, shift(mix(paint, (0.9, 0.35, 0.4), 0.7), 0.05), mix(paint, (0.25, 0.5, 0.3), 0.7)]
        return floral(paint, petals, rng, rng.uniform(0.05, 0.09)), "floral"
    if kind == "camouflage":
        others = [shift(paint, -0.14), shift(paint, 0.13), mix(paint, (0.2, 0.15, 0.1), 0.6)]
        return blotches(paint, others, rng), "camouflage"
    return woven(paint, rng), ""

"""Which seeds are drawn for what.

A drawing that something was trained or fitted on measures nothing. Every range has one purpose and meets no other, and whoever
draws takes its seeds from here. `draw_product` and `draw_foreign` make different pictures of one seed.
"""

from __future__ import annotations

TRAINING = range(0, 100_000)
"""Products and foreign pictures to train on, and to fit the benchmark's baselines on."""
DEMO = range(900_000, 900_030)
"""The products of the sample catalogue."""
BENCH = range(900_030, 900_060)
"""As many again of the same kinds, for the benchmark's suite `samples`."""
DEMO_SCENE = range(900_101, 900_102)
"""The sample catalogue's photo that shows no product."""
BENCH_FOREIGN = range(950_000, 960_000)
"""Foreign pictures that the benchmark asks about."""
CALIBRATION_FOREIGN = range(960_000, 970_000)
"""Foreign pictures by which confidences are calibrated."""
MEMORY_FOREIGN = range(970_000, 980_000)
"""Foreign pictures by which `pumgpt remember` fits how much remembered products count."""
TESTS = range(980_000, 990_000)
"""What tests ask a model about."""

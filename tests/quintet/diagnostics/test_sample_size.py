import pytest

from quintet.diagnostics.sample_size import advice, fit

SIZES = [100, 200, 400, 800, 1600]


@pytest.mark.parametrize(
    ("limit", "slope", "exponent", "mode"), [(0.99, -1.0, 0.5, "max"), (20.0, 90.0, 1.0, "min")]
)
def test_a_known_curve_is_found_again(limit, slope, exponent, mode):
    found = fit(SIZES, [limit + slope * n**-exponent for n in SIZES], mode)
    assert found.exponent == exponent
    assert found.at(1e12) == pytest.approx(limit, rel=1e-4)
    assert found.error < 1e-9


def test_a_rising_curve_asks_for_labels_and_a_flat_one_does_not():
    rising = fit(SIZES, [0.9 - 3 * n**-0.5 for n in SIZES], "max")
    assert "would help" in advice(rising, 1600, "accuracy", "max")
    flat = fit(SIZES, [0.90, 0.91, 0.90, 0.91, 0.90], "max")
    assert "hardly help" in advice(flat, 1600, "accuracy", "max")


def test_the_direction_of_the_metric_counts():
    falling = fit(SIZES, [50 + 300 * n**-0.5 for n in SIZES], "min")
    assert falling.gain(1600, "min") > 0 > falling.gain(1600, "max")


def test_no_curve_promises_better_than_perfect():
    steep = fit([126, 251, 503, 880, 1257], [0.950, 0.961, 0.972, 0.994, 0.989], "max")
    assert steep.at(1257) < steep.at(1e9) <= 1

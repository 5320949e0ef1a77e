import io
from dataclasses import replace

import pytest
import torch
from sklearn import preprocessing

from quintet.base.errors import Code
from quintet.data.samples import Samples
from quintet.data.scaling.preprocess import Preprocess
from quintet.data.sources.bundled import breast_cancer, diabetes, digits
from quintet.data.sources.series import elnino, sunspots
from quintet.data.sources.text import unicode_names
from quintet.data.splitting.split import split
from refusals import Refusal

SCALERS = {
    "standard": preprocessing.StandardScaler(),
    "minmax": preprocessing.MinMaxScaler(),
    "robust": preprocessing.RobustScaler(),
}


def table(x: torch.Tensor, cardinalities: list[int] | None = None) -> Samples:
    y = torch.arange(len(x), dtype=torch.float32)[:, None]
    return Samples(x, y, "regression", "table", cardinalities=cardinalities or [])


def fitted(samples: Samples, index: torch.Tensor, scale="standard") -> Preprocess:
    return Preprocess(scale).fit(samples.x[index], samples.y[index], samples)


def same(a: Preprocess, b: Preprocess) -> bool:
    return str(a.state_dict()) == str(b.state_dict())


@pytest.mark.parametrize("scale", SCALERS)
def test_tables_scale_as_scikit_learn_does(scale) -> None:
    samples = breast_cancer()
    ours = fitted(samples, torch.arange(400), scale).transform(samples.x)
    theirs = SCALERS[scale].fit(samples.x[:400].double()).transform(samples.x.double())
    torch.testing.assert_close(ours, torch.from_numpy(theirs).float(), rtol=1e-4, atol=1e-5)


def test_quantiles_are_scikit_learns_but_for_the_outermost() -> None:
    """Ties included: `breast_cancer` has columns with many zeros."""
    samples = breast_cancer()
    ours = fitted(samples, torch.arange(400), "quantile").transform(samples.x)
    judge = preprocessing.QuantileTransformer(n_quantiles=400)
    ranks = torch.from_numpy(judge.fit(samples.x[:400].double()).transform(samples.x.double()))
    inner = (ranks > 0) & (ranks < 1)
    wanted = torch.special.ndtri(ranks * (1 - 1 / 400) + 0.5 / 400).float()
    torch.testing.assert_close(ours[inner], wanted[inner], rtol=0, atol=0.02)
    assert ours.abs().max() == pytest.approx(
        float(torch.special.ndtri(torch.tensor(1 - 0.5 / 400))), rel=1e-4
    )


def test_a_constant_column_and_one_without_values_become_0_under_quantiles() -> None:
    x = torch.tensor([[1.0, torch.nan, 5.0], [1.0, torch.nan, 7.0], [1.0, torch.nan, 6.0]])
    ours = fitted(table(x), torch.arange(3), "quantile")
    new = ours.transform(torch.tensor([[1.0, 3.0, torch.nan], [2.0, torch.nan, 6.0]]))
    assert torch.equal(new, torch.zeros(2, 3))


def test_a_checkpoint_of_a_version_without_quantiles_still_loads() -> None:
    samples = diabetes()
    state = fitted(samples, torch.arange(300)).state_dict()
    del state["quantiles"]
    loaded = Preprocess()
    loaded.load_state_dict(state)
    assert torch.equal(
        loaded.transform(samples.x), fitted(samples, torch.arange(300)).transform(samples.x)
    )


@pytest.mark.parametrize("source", [breast_cancer, diabetes, digits, sunspots, elnino])
def test_what_is_not_training_leaves_no_trace(source) -> None:
    samples = source()
    train, valid, tested = split(samples, 0.1, 0.2, seed=0)
    before = fitted(samples, train)
    y = samples.y.clone()
    x = samples.x.clone()
    for part in (valid, tested):
        x[part] = 1e6
        if samples.task == "regression":
            y[part] = -1e6
    assert same(before, fitted(replace(samples, x=x, y=y), train))


def test_images_are_scaled_by_channel_and_sequences_by_feature() -> None:
    x = torch.cat([digits().x, 100 + 9 * digits().x], dim=1)
    samples = replace(digits(), x=x)
    scaled = fitted(samples, torch.arange(len(x))).transform(x)
    torch.testing.assert_close(scaled.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        scaled.std(dim=(0, 2, 3), correction=0), torch.ones(2), atol=1e-4, rtol=0
    )
    series = elnino()
    scaled = fitted(series, torch.arange(500)).transform(series.x[:500])
    assert abs(float(scaled.mean())) < 1e-4
    assert scaled.shape == (500, 24, 1)


def test_missing_values_become_the_training_median() -> None:
    x = torch.tensor([[1.0], [2.0], [9.0], [float("nan")]])
    pre = fitted(table(x), torch.arange(4), "none")
    assert pre.transform(torch.tensor([[float("nan")], [5.0]])).tolist() == [[2.0], [5.0]]


def test_a_missing_value_in_a_column_complete_in_training_is_filled_too() -> None:
    pre = fitted(table(torch.tensor([[1.0], [2.0], [9.0]])), torch.arange(3), "none")
    assert pre.transform(torch.tensor([[float("nan")]])).tolist() == [[2.0]]


def test_a_constant_column_and_an_empty_one_do_no_harm() -> None:
    x = torch.tensor([[0.1, float("nan"), 1.0], [0.1, float("nan"), 2.0], [0.1, float("nan"), 6.0]])
    for scale in ("standard", "minmax", "robust", "none"):
        pre = fitted(table(x), torch.arange(3), scale)
        out = pre.transform(torch.tensor([[0.1, 1e6, 1.0]]))
        assert out.isfinite().all()
        assert float(out[0, 1]) == 0.0
        assert abs(float(out[0, 0])) <= 0.11


def test_a_zero_comes_back_as_a_zero() -> None:
    x = torch.linspace(0, 1, 40)[:, None] * torch.linspace(0.1, 712.3, 200)
    fit = fitted(table(x), torch.arange(40))
    back = fit.restore(fit.transform(x.clone()))
    assert (back[0] == 0).all()
    assert torch.allclose(back, x)


def test_a_category_not_seen_in_training_is_unknown() -> None:
    x = torch.tensor([[0.5, 1.0], [0.7, 3.0], [0.1, 2.0]])
    pre = fitted(table(x, [4]), torch.arange(2))
    assert pre.transform(x)[:, 1].tolist() == [1.0, 3.0, 0.0]


def test_a_regression_target_is_scaled_robustly_and_back() -> None:
    samples = diabetes()
    y = samples.y.clone()
    y[:20] += 1500
    clean, spoilt = (
        fitted(replace(samples, y=target), torch.arange(442)) for target in (samples.y, y)
    )
    assert abs(spoilt.target_width / clean.target_width - 1) < 0.15
    torch.testing.assert_close(clean.restore_target(clean.transform_target(y)), y)


@pytest.mark.parametrize(("y", "width"), [([3.0] * 8, 1.0), ([3.0] * 15 + [7.0], 0.968245)])
def test_a_target_without_spread_has_a_width(y: list[float], width: float) -> None:
    samples = Samples(torch.rand(len(y), 1), torch.tensor(y)[:, None], "regression", "table")
    assert float(fitted(samples, torch.arange(len(y))).target_width) == pytest.approx(width)


def test_tokens_and_class_targets_pass_untouched() -> None:
    samples = unicode_names()
    pre = fitted(samples, torch.arange(1000))
    assert torch.equal(pre.transform(samples.x), samples.x)
    assert torch.equal(pre.transform_target(samples.y), samples.y)


def test_the_state_survives_a_checkpoint_that_holds_no_code() -> None:
    samples = table(torch.tensor([[0.5, 1.0], [0.7, 3.0], [0.1, 2.0]]), [4])
    pre = fitted(samples, torch.arange(2), "robust")
    buffer = io.BytesIO()
    torch.save(pre.state_dict(), buffer)
    buffer.seek(0)
    again = Preprocess()
    again.load_state_dict(torch.load(buffer, weights_only=True))
    assert same(pre, again)
    assert torch.equal(pre.transform(samples.x), again.transform(samples.x))


def test_other_features_than_in_training_are_refused() -> None:
    pre = fitted(breast_cancer(), torch.arange(400))
    with Refusal(Code.INCOMPATIBLE, match="31 features, but there were 30"):
        pre.transform(torch.zeros(2, 31))


def test_an_unknown_scale_is_refused() -> None:
    with Refusal(
        Code.UNKNOWN_NAME,
        "data.scale",
        "standart",
        allowed=("standard", "minmax", "robust", "quantile", "none"),
    ):
        Preprocess("standart")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        *((name, lambda t: t[:1]) for name in ("centre", "fill", "width", "target_width")),
        *((name, lambda t: t[None]) for name in ("centre", "target_centre")),
        ("quantiles", lambda t: t[:, :1]),
        ("quantiles", lambda t: t.sum()),
        ("left_out", lambda _: torch.ones(2, dtype=torch.bool)),
        ("seen", lambda seen: seen[:1]),
        ("categorical", lambda count: count + 1),
    ],
)
def test_a_state_whose_parts_do_not_fit_is_refused(name, make) -> None:
    """It may come with an untrusted checkpoint."""
    x = torch.cat([torch.randn(30, 3), torch.randint(3, (30, 2)).float()], dim=1)
    samples = Samples(x, torch.randn(30, 2), "regression", "table", cardinalities=[3, 3])
    state = fitted(samples, torch.arange(30), "quantile").state_dict()
    Preprocess("quantile").load_state_dict(state)
    with pytest.raises(ValueError, match=r"shape|seen"):
        Preprocess("quantile").load_state_dict({**state, name: make(state[name])})

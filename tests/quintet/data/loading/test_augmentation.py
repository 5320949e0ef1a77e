import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.data.loading.augmentation import DEFAULTS, Mixed, augmentation
from quintet.data.loading.loader import AugmentedLoader, TensorLoader
from quintet.data.module import DataModule
from quintet.data.sources.bundled import diabetes, digits, digits_masks, fair, wine
from quintet.data.sources.text import unicode_names

IMAGES = digits()
PICTURES = torch.rand(32, 3, 12, 10, generator=torch.Generator().manual_seed(0))
TARGETS = torch.arange(32) % 4


def changed(chosen, seed: int = 0, x: torch.Tensor = PICTURES):
    found = augmentation(chosen, IMAGES)
    assert found is not None
    return found(x, TARGETS[: len(x)], torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_change_depends_on_its_generator_alone(name: str) -> None:
    torch.manual_seed(1)
    first, _ = changed(name)
    torch.manual_seed(2)
    again, _ = changed(name)
    other, _ = changed(name, seed=1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == PICTURES.shape
    assert first.isfinite().all()


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_strength_of_nothing_changes_nothing(name: str) -> None:
    x, y = changed({name: 0})
    assert torch.equal(x, PICTURES)
    assert torch.equal(y, TARGETS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_batch_itself_is_left_alone(name: str) -> None:
    before = PICTURES.clone()
    changed(name)
    assert torch.equal(PICTURES, before)


def test_a_crop_shifts_by_whole_pixels() -> None:
    ramp = (torch.arange(12)[:, None] * 100 + torch.arange(10)).float().expand(64, 1, 12, 10)
    x, _ = changed({"crop": 0.25}, x=ramp[:32])
    shifts = x[:, 0, 5, 5] - ramp[:32, 0, 5, 5]
    down, right = (shifts / 100).round(), shifts - (shifts / 100).round() * 100
    assert down.abs().max() == 3
    assert right.abs().max() == 2
    assert len(shifts.unique()) > 10


def test_a_flip_mirrors_about_half_of_the_images() -> None:
    x, _ = changed("flip")
    same = (x == PICTURES).flatten(1).all(dim=1)
    mirrored = (x == PICTURES.flip(-1)).flatten(1).all(dim=1)
    assert bool((same | mirrored).all())
    assert 8 < int(mirrored.sum()) < 24


def test_a_rotation_turns_by_up_to_its_angle() -> None:
    line = torch.zeros(32, 1, 21, 31)
    line[:, :, 10] = 1  # level, in pictures that are not square
    x, _ = changed({"rotate": 20}, x=line)
    rows = torch.arange(21.0)[:, None]
    heights = (x[:, 0] * rows).sum(1) / x[:, 0].sum(1)
    slopes = (heights[:, 23] - heights[:, 7]) / 16
    angles = slopes.atan().rad2deg()
    assert 12 < float(angles.abs().max()) < 20.5
    assert float(angles.min()) < 0 < float(angles.max())


def test_colours_keep_the_picture() -> None:
    x, _ = changed("colour")
    for changed_one, original in zip(x, PICTURES, strict=True):
        joined = torch.stack([changed_one.mean(0).flatten(), original.mean(0).flatten()])
        assert float(joined.corrcoef()[0, 1]) > 0.99
    assert not torch.allclose(x, PICTURES, atol=0.05)


def test_mixup_blends_inputs_and_targets_alike() -> None:
    x, y = changed({"mixup": 1})
    assert isinstance(y, Mixed)
    other = (x - y.share * PICTURES) / (1 - y.share)
    for index in range(32):
        distance = (PICTURES - other[index]).flatten(1).abs().amax(dim=1)
        assert float(distance.min()) < 1e-4
        assert TARGETS[int(distance.argmin())] == y.second[index]
    assert torch.equal(y.first, TARGETS)


def test_cutmix_pastes_as_much_as_it_says() -> None:
    x, y = changed({"cutmix": 1}, seed=3)
    assert isinstance(y, Mixed)
    kept = (x == PICTURES).all(dim=1).float().mean(dim=(1, 2))
    assert 0 < y.share < 1
    partners = kept < 1
    torch.testing.assert_close(kept[partners], torch.full_like(kept[partners], y.share))


def test_of_two_mixes_a_batch_gets_one() -> None:
    shares = {changed(["mixup", "cutmix"], seed)[1].share for seed in range(20)}
    areas = [round(share * 120, 6) % 1 == 0 for share in shares]
    assert 4 < sum(areas) < 16


@pytest.mark.parametrize(
    ("source", "name"),
    [(wine, "flip"), (wine, "crop"), (wine, "cutmix"), (fair, "rotate"), (diabetes, "colour"),
     (unicode_names, "mixup"), (unicode_names, "flip")],
)  # fmt: skip
def test_what_has_no_meaning_is_refused_with_a_reason(source, name: str) -> None:
    with pytest.raises(UserError) as caught:
        augmentation([name], source())
    assert (caught.value.code, caught.value.key) == (Code.INCOMPATIBLE, "data.augment")


def test_a_table_of_categories_is_not_blended() -> None:
    samples = wine()
    samples.cardinalities = [3]
    with pytest.raises(UserError) as caught:
        augmentation("mixup", samples)
    assert (caught.value.key, caught.value.value) == ("data.augment", "mixup")


@pytest.mark.parametrize(
    ("chosen", "key"),
    [("flop", "data.augment"), ({"rotate": 200}, "data.augment.rotate"),
     ({"flip": -1}, "data.augment.flip"), ({"crop": "much"}, "data.augment.crop")],
)  # fmt: skip
def test_what_cannot_be_is_refused(chosen, key: str) -> None:
    with pytest.raises(UserError) as caught:
        augmentation(chosen, IMAGES)
    assert caught.value.key == key


def batches(epoch: int = 0, **more):
    loader = TensorLoader(PICTURES, TARGETS, 8, shuffle=True, seed=5)
    found = augmentation(["crop", "mixup"], IMAGES)
    assert found is not None
    augmented = AugmentedLoader(loader, found, seed=5, **more)
    augmented.sampler.set_epoch(epoch)
    return [x for x, _ in augmented]


def test_an_epoch_repeats_itself_and_epochs_and_ranks_differ() -> None:
    first = batches()
    torch.rand(7)
    assert all(torch.equal(a, b) for a, b in zip(first, batches(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, batches(1), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, batches(rank=1), strict=True))


def test_only_training_is_changed() -> None:
    module = DataModule(digits, augment=["crop", "mixup"], batch_size=64)
    module.load()

    class Trainer:
        global_rank, world_size = 0, 1

        class strategy:
            root_device = torch.device("cpu")

    plain = DataModule(digits, batch_size=64)
    plain.load()
    module.trainer = Trainer()
    for name in ("val_dataloader", "test_dataloader"):
        for (x, y), (own_x, own_y) in zip(
            getattr(module, name)(), getattr(plain, name)(), strict=True
        ):
            assert torch.equal(x, own_x)
            assert torch.equal(y, own_y)
    x, y = next(iter(module.train_dataloader()))
    assert isinstance(y, Mixed)
    assert not torch.equal(x, next(iter(plain.train_dataloader()))[0])
    assert any("changed at random: crop 0.125, mixup 0.2" in s for s in module.data_summary)


def test_the_loss_of_mixed_targets_is_the_mean_of_both(tmp_path) -> None:
    from torchmetrics.classification import MulticlassAccuracy

    from quintet.modules.supervised import SupervisedModule

    loss = torch.nn.CrossEntropyLoss()
    model = torch.nn.Linear(4, 3)
    module = SupervisedModule(
        model, loss, MulticlassAccuracy(3), lambda m: torch.optim.SGD(m.parameters()),
        lambda o: torch.optim.lr_scheduler.ConstantLR(o), metric_name="accuracy",
        task="multiclass",
    )  # fmt: skip
    x, first, second = torch.rand(6, 4), torch.arange(6) % 3, (torch.arange(6) + 1) % 3
    found = module.training_step((x, Mixed(first, second, 0.3)), 0)
    expected = 0.3 * loss(model(x), first) + 0.7 * loss(model(x), second)
    torch.testing.assert_close(found, expected)


def masked(chosen, seed: int = 0):
    """Change pictures whose first channel is their own mask."""
    y = torch.randint(0, 3, (32, 12, 10), generator=torch.Generator().manual_seed(3))
    x = PICTURES.clone()
    x[:, 0] = y
    found = augmentation(chosen, digits_masks())
    assert found is not None
    return found(x, y, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["crop", "flip", "cutmix"])
def test_masks_move_with_their_images(name: str) -> None:
    x, y = masked(name)
    assert torch.equal(x[:, 0], y.float())
    assert y.dtype == torch.int64


def test_a_mask_turns_with_its_image() -> None:
    x, y = masked({"rotate": 90})
    assert set(y.unique().tolist()) == {0, 1, 2}
    near = (x[:, 0] - y).abs() < 0.75  # an image is interpolated, a mask is not
    assert float(near.float().mean()) > 0.8


def test_mixup_weighs_the_losses_of_two_masks() -> None:
    y = masked("mixup")[1]
    assert isinstance(y, Mixed)
    assert y.first.shape == y.second.shape == (32, 12, 10)

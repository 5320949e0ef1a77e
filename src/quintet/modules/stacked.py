"""Many supervised modules that train as one: each step is one batched computation.

The members' parameters are stacked (`torch.func.stack_module_state`), and each member's own become
views of its slice. A member is therefore in the same state as if trained alone: its own optimizer,
schedules and metrics work on it, and its state can be saved.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple, cast

import lightning.pytorch as L
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from quintet.modules.dropout_masks import Masks, masked
from quintet.modules.supervised import SupervisedModule, split_batch
from quintet.options.models.packed_ensemble import PackedEnsemble
from quintet.options.torch_internals import bare_step


class JointBatch(NamedTuple):
    """One batch from each of several loaders."""

    batches: list[Any]


class MemberBatch(NamedTuple):
    """A batch of adjacent members: of all, or of those whose own batches have the same shape."""

    members: slice
    x: Tensor
    """One batch for all of them, or (M, B, ...) with one for each."""
    y: Any
    split: int | None
    """0 if each member has its own batch, else None."""

    def targets(self, count: int) -> Sequence[Any]:
        """Return the targets of each of the members, `count` of them."""
        return [self.y] * count if self.split is None else self.y.unbind()


class Member:
    """A module of a stack, with its optimizer and schedules.

    Args:
        task: the module.
        seed: seed of its run.
        loader: index of the loader of its batches, if there are several loaders.
        samples: number of its training samples, if it differs between members.

    """

    def __init__(
        self, task: SupervisedModule, seed: int, loader: int = 0, samples: int = 0
    ) -> None:
        self.task, self.seed, self.loader, self.samples = task, seed, loader, samples
        made: Any = task.configure_optimizers()
        self.optimizer: Optimizer
        self.schedules: list[dict[str, Any]]
        (self.optimizer,), self.schedules = made
        self.update = bare_step(self.optimizer)

    def step_schedules(self, interval: str) -> None:
        """Step the schedules of an interval, except plateau schedules."""
        for each in self.schedules:
            plateau = isinstance(each["scheduler"], ReduceLROnPlateau)
            if each["interval"] == interval and not plateau:
                each["scheduler"].step()

    def step_plateaus(self, numbers: dict[str, float]) -> None:
        """Step plateau schedules with the epoch's metrics."""
        for each in self.schedules:
            value = numbers.get(each.get("monitor") or "")
            if isinstance(each["scheduler"], ReduceLROnPlateau) and value is not None:
                each["scheduler"].step(value)


class StackedModule(L.LightningModule):
    """Trains models of one structure that differ in numeric settings, each as if trained alone.

    Args:
        members: their modules have models of equal structure.
        one_loss: whether the loss and the scale of the targets are the same for all; else the loss
            is computed member by member.

    Raises:
        RuntimeError: `torch.func.vmap` cannot batch the model, or it draws random numbers other
            than those of `nn.Dropout`.

    """

    def __init__(self, members: Sequence[Member], *, one_loss: bool) -> None:
        super().__init__()
        self.members, self.one_loss = list(members), one_loss
        models = [member.task.model for member in members]
        if isinstance(models[0], PackedEnsemble):
            raise RuntimeError(
                "a packed ensemble is already stacked: its loss is computed over its members"
            )
        self.masks = Masks(models, [(member.seed, member.samples) for member in members])
        self._base = (masked(models[0]),)  # in a tuple, so that it is not a submodule
        weights, buffers = stack_module_state(models)
        self._names, self._buffer_names = list(weights), list(buffers)
        self.weights = nn.ParameterList(weights.values())
        for place, buffer in enumerate(buffers.values()):
            self.register_buffer(f"buffer_{place}", buffer)

    def dry_run(self, x: Tensor, y: Any) -> None:
        """Compute a step on a few samples, to raise its errors before training; change nothing."""
        kept = [buffer.clone() for buffer in self.buffers()]
        self.train()
        self.masks.begin(0, self.device)
        losses = self(MemberBatch(slice(None), x, y, None))[1]
        torch.autograd.grad(losses.sum(), [w for w in self.weights if w.requires_grad])
        for buffer, before in zip(self.buffers(), kept, strict=True):
            buffer.copy_(before)

    def link_members(self) -> None:
        """Make the members' own parameters and buffers views of the stacked ones."""
        for member in self.members:
            member.task.to(self.device)
        stacked = {**dict(zip(self._names, self.weights, strict=True)), **self._buffers_by_name()}
        self._own: dict[str, list[Tensor]] = {name: [] for name in self._names}
        for place, member in enumerate(self.members):
            model = member.task.model
            for name, own in (*model.named_parameters(), *model.named_buffers()):
                own.data = stacked[name].data[place]
                if name in self._own:
                    self._own[name].append(own)

    def keep(self, places: Sequence[int]) -> None:
        """Keep the members at these indices and free the memory of the others."""
        self.members = [self.members[place] for place in places]
        self.masks.keep(places)
        index = torch.tensor(places, device=self.device)
        for tensor in (*self.weights, *self._buffers_by_name().values()):
            tensor.grad = None
            tensor.data = tensor.data.index_select(0, index)
        self.link_members()

    def _buffers_by_name(self) -> dict[str, Tensor]:
        return {
            name: getattr(self, f"buffer_{place}") for place, name in enumerate(self._buffer_names)
        }

    def forward(self, part: MemberBatch) -> tuple[Tensor, Tensor]:
        """Return raw outputs (M, B, K) and losses (M,) of the batch's M members."""
        place, x, y, split = part
        members = self.members[place]
        first = x if split is None else x[0]
        model = members[0].task.model
        masks, dims = self.masks.draw(model, first, place) if self.training else ({}, {})
        weights = {n: w[place] for n, w in zip(self._names, self.weights, strict=True)}
        buffers = {n: b[place] for n, b in self._buffers_by_name().items()}
        base = self._base[0]
        if base.training != self.training:  # Lightning sets the mode of registered modules only
            base.train(self.training)

        def one(
            weights: dict[str, Tensor],
            buffers: dict[str, Tensor],
            masks: dict[str, Tensor],
            x: Tensor,
            y: Any,
        ) -> tuple[Tensor, Tensor]:
            outputs = functional_call(base, (weights, buffers, masks), (x,))
            loss = members[0].task.batch_loss(outputs, y) if self.one_loss else outputs.sum()
            return outputs, loss

        batched = vmap(one, in_dims=(0, 0, dims, split, split), randomness="error")
        outputs, losses = batched(weights, buffers, masks, x, y)
        if not self.one_loss:
            each = zip(members, outputs.unbind(), part.targets(len(members)), strict=True)
            losses = torch.stack([member.task.batch_loss(out, own) for member, out, own in each])
        return outputs, losses

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the sum of all losses; each loss has gradients in its own member only."""
        losses: Tensor = self._step(batch, "train")
        return losses.sum()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Record the batch."""
        self._step(batch, "val")

    def _step(self, batch: Any, stage: str) -> Tensor:
        losses = []
        for part in self._member_batches(batch):
            outputs, own = self(part)
            members = self.members[part.members]
            parts = outputs.detach().unbind(), part.targets(len(members)), own.detach().unbind()
            for member, output, target, loss in zip(members, *parts, strict=True):
                member.task.record_batch(stage, output, target, loss)
            losses.append(own)
        return torch.cat(losses)

    def _member_batches(self, batch: Any) -> Iterator[MemberBatch]:
        """Yield a batch in parts, each of which is one batched computation."""
        if not isinstance(batch, JointBatch):
            yield MemberBatch(slice(None), *split_batch(batch), None)
            return
        own = [split_batch(batch.batches[member.loader]) for member in self.members]
        start = 0
        for _, alike in groupby(own, lambda pair: pair[0].shape):
            x, y = zip(*alike, strict=True)
            yield MemberBatch(slice(start, start + len(x)), torch.stack(x), torch.stack(y), 0)
            start += len(x)

    def on_train_epoch_start(self) -> None:
        """Start the epoch's random streams."""
        self.masks.begin(self.current_epoch, self.device)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Step per-epoch schedules, before validation as Lightning does."""
        if self.trainer.is_last_batch:
            for member in self.members:
                member.step_schedules("epoch")

    def configure_optimizers(self) -> Optimizer:
        """Return the joint optimizer; the members' parameters are on the device by now."""
        self.link_members()
        return StackedOptimizer(self)

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """Clear the gradients."""
        for weight in self.weights:
            weight.grad = None

    def distribute_gradients(self) -> None:
        """Give each member the gradients of its slice."""
        for name, weight in zip(self._names, self.weights, strict=True):
            if weight.grad is not None:
                for own, gradient in zip(self._own[name], weight.grad.unbind(), strict=True):
                    own.grad = gradient

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip each member's gradients separately."""
        if gradient_clip_val is None:
            return
        self.distribute_gradients()
        by_value = gradient_clip_algorithm == "value"
        clip = nn.utils.clip_grad_value_ if by_value else nn.utils.clip_grad_norm_
        for member in self.members:
            clip(member.task.model.parameters(), gradient_clip_val)


class StackedOptimizer(Optimizer):
    """Steps every member with its own optimizer, on its own slice, then its schedules.

    Any torch optimizer can thus be stacked, with its own settings for every member. On a CPU,
    torch's fused kernels called once per member are as fast as one call for all would be, and up to
    seven times as fast as elementwise operations over all members (`benchmarks/stack.py`).
    """

    def __init__(self, stack: StackedModule) -> None:
        super().__init__([*stack.weights], {})
        self.stack = stack

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Compute the gradients, and step."""
        with torch.enable_grad():
            loss = cast("Callable[[], Any]", closure)()
        self.stack.distribute_gradients()
        with torch.no_grad():
            for member in self.stack.members:
                member.update()
        for member in self.stack.members:
            member.step_schedules("step")
        return loss

"""Q-learning with a recurrent network: it plays a corridor, and learns from what it has played."""

import copy
from collections import deque

import lightning.pytorch as L
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

LENGTH, START = 6, 2


class Replay(IterableDataset):
    def __init__(self, memory: deque, steps: int, batch_size: int):
        self.memory, self.steps, self.batch_size = memory, steps, batch_size

    def __iter__(self):
        for _ in range(self.steps * self.batch_size):
            yield self.memory[int(torch.randint(len(self.memory), ()))]


class Recurrent(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.cell, self.head = nn.GRUCell(LENGTH, width), nn.Linear(width, 2)

    def forward(self, place, hidden=None):
        hidden = self.cell(F.one_hot(place, LENGTH).float(), hidden)
        return self.head(hidden), hidden


class DeepQ(L.LightningModule):
    """Its data are its own: `train_dataloader` is of the module, and grows while it learns."""

    def __init__(self, optimizer, width: int = 16, steps: int = 20, epsilon: float = 0.3):
        super().__init__()
        self.save_hyperparameters(ignore="optimizer")
        self.optimizer = optimizer
        self.online = Recurrent(width)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.memory: deque = deque(maxlen=500)

    def play(self, epsilon: float, keep: bool = True) -> float:
        """Walk until the end or for 20 steps; return the reward."""
        place, hidden, total = START, None, 0.0
        for _ in range(20):
            with torch.no_grad():
                q, hidden = self.online(torch.tensor([place], device=self.device), hidden)
            explore = torch.rand(()) < epsilon
            action = int(torch.randint(2, ())) if explore else int(q.argmax())
            after = min(LENGTH - 1, max(0, place + (1 if action else -1)))
            done = after == LENGTH - 1
            reward = 1.0 if done else -0.05
            if keep:
                self.memory.append((place, action, reward, after, float(done)))
            place, total = after, total + reward
            if done:
                break
        return total

    def on_fit_start(self):
        while len(self.memory) < 100:
            self.play(1.0)

    def training_step(self, batch, batch_idx):
        place, action, reward, after, done = batch
        q = self.online(place)[0].gather(1, action[:, None])[:, 0]
        with torch.no_grad():
            best = self.target(after)[0].max(1).values
        loss = F.smooth_l1_loss(q, (reward + 0.9 * best * (1 - done)).float())
        self.log("train/loss", loss, prog_bar=True)
        self.play(self.hparams.epsilon)
        return loss

    def on_train_batch_end(self, outputs, batch, batch_idx):
        if self.global_step % 10 == 0:
            self.target.load_state_dict(self.online.state_dict())

    def validation_step(self, batch, batch_idx):
        self.log("val/reward", sum(self.play(0.05, False) for _ in range(10)) / 10, batch_size=1)

    def test_step(self, batch, batch_idx):
        self.log("test/reward", sum(self.play(0.05, False) for _ in range(10)) / 10, batch_size=1)

    def predict_step(self, batch, batch_idx):
        return self.online(batch)[0].argmax(1)

    def configure_optimizers(self):
        return self.optimizer(self.online.parameters())

    def on_save_checkpoint(self, checkpoint):
        checkpoint["memory"] = list(self.memory)

    def on_load_checkpoint(self, checkpoint):
        self.memory.extend(tuple(each) for each in checkpoint["memory"])


class Playground(L.LightningDataModule):
    def __init__(self, batch_size: int = 16, steps: int = 20):
        super().__init__()
        self.batch_size, self.steps = batch_size, steps

    def train_dataloader(self):
        module = self.trainer.lightning_module
        memory = module.memory if module else deque([(0, 0, 0.0, 0, 0.0)])
        return DataLoader(Replay(memory, self.steps, self.batch_size), self.batch_size)

    def val_dataloader(self):
        return DataLoader([0])

    test_dataloader = val_dataloader

    def predict_dataloader(self):
        return DataLoader(range(LENGTH), batch_size=4)

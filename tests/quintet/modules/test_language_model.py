"""A language model sees only the past, and its metric does not depend on the tokenizer."""

import math
import runpy

import pytest
import torch

from quintet.base.errors import Code, UserError
from quintet.base.paths import ROOT
from quintet.modules.language_model import LanguageModel
from quintet.options.metrics import RunningMean
from quintet.options.models.causal_transformer import CausalTransformer
from quintet.testing.running import ran

FACTS = {"input_shape": [6], "other": {"tokens_per_byte": {"val": 0.5}}}


def network(**settings):
    torch.manual_seed(0)
    return CausalTransformer([6], 11, **{"width": 8, "heads": 2, "table": 16} | settings).eval()


def model(new_tokens=3, temperature=0.8, **settings):
    return LanguageModel(network(**settings), None, None, FACTS, new_tokens, temperature).eval()


def test_no_token_sees_a_later_one():
    ids = torch.randint(11, (2, 6), generator=torch.manual_seed(1))
    changed = ids.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % 11
    before, after = model()(ids), model()(changed)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4], after[:, 4])


def test_a_token_sees_all_earlier_ones():
    ids = torch.zeros(1, 6, dtype=torch.long)
    changed = ids.clone()
    changed[0, 0] = 3
    assert not torch.allclose(model(ngrams=[])(ids)[:, -1], model(ngrams=[])(changed)[:, -1])


def test_what_is_logged_is_the_mean_over_tokens():
    logged = {}
    module = model()
    module.log_dict = lambda values, **settings: logged.update(values)
    batches = [torch.randint(11, (n, 7), generator=torch.manual_seed(n)) for n in (1, 3)]
    for i, batch in enumerate(batches):
        module.validation_step(batch, i)
    module.on_validation_epoch_end()
    whole = torch.cat(batches)
    logits = module(whole[:, :-1])
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), whole[:, 1:].flatten())
    assert float(logged["val/loss"]) == pytest.approx(float(loss), rel=1e-5)
    assert float(logged["val/perplexity"]) == pytest.approx(math.exp(loss), rel=1e-5)
    bits = float(loss) / math.log(2) * 0.5
    assert float(logged["val/bits_per_byte"]) == pytest.approx(bits, rel=1e-5)


def test_what_is_generated_is_the_same_each_time_and_continues_from_the_prompt():
    prompt = torch.randint(11, (2, 5), generator=torch.manual_seed(2))
    first, second = (model().predict_step(prompt, 0)["tokens"] for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (2, 8)
    assert torch.equal(first[:, :5], prompt)


def test_at_temperature_zero_it_takes_the_most_probable_token():
    module = model(temperature=0.0, new_tokens=1)
    prompt = torch.randint(11, (3, 6), generator=torch.manual_seed(3))
    assert torch.equal(
        module.predict_step(prompt, 0)["tokens"][:, -1], module(prompt)[:, -1].argmax(-1)
    )


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(UserError) as refused:
        model(width=9)
    assert (refused.value.code, refused.value.key) == (Code.INCOMPATIBLE, "model.width")


def test_a_model_of_transformers_is_taken_whose_logits_are_an_attribute():
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(vocab_size=11, n_positions=6, n_embd=8, n_layer=1, n_head=2)
    gpt = transformers.GPT2LMHeadModel(config).eval()
    ids = torch.randint(11, (2, 6), generator=torch.manual_seed(1))
    module = LanguageModel(gpt, None, None, FACTS, new_tokens=2)
    assert torch.equal(module(ids), gpt(ids).logits)
    assert module.predict_step(ids, 0)["tokens"].shape == (2, 8)


def test_the_mean_is_of_tokens_and_not_of_batches():
    mean = RunningMean()
    mean.update(torch.tensor([1.0]))
    mean.update(torch.tensor([4.0, 4.0]))
    assert float(mean.compute()) == 3.0


def test_the_n_gram_model_that_it_is_compared_with_gives_probabilities():
    kneser_ney = runpy.run_path(str(ROOT / "benchmarks/language_model.py"))["KneserNey"]
    known = kneser_ney(b"abracadabra, said the alchemist; abracadabra, said the other", 5)
    for context in (b"abra", b"said", b"zzzz", b" the"):
        chances = [known.probability(context, bytes([byte])) for byte in range(256)]
        assert sum(chances) == pytest.approx(1)
    assert max(range(256), key=lambda b: known.probability(b"abra", bytes([b]))) in b"c"


@pytest.mark.soak
def test_the_preset_beats_a_5_gram_model_of_bytes(tmp_path):
    """As docs/language-model.md says, trained and tested once; it takes ten minutes."""
    benchmark = runpy.run_path(str(ROOT / "benchmarks/language_model.py"))
    parts = benchmark["split_texts"](benchmark["topics"](), (0.1, 0.1), 42)
    five = benchmark["KneserNey"](parts["train"], 5)
    words = ("experiment=language_model", "trainer=cpu", "report=false", "baselines=false")
    record = ran(tmp_path / "run", *words, "callbacks.progress=null")
    assert record.validation["bits_per_byte"] < five.bits_per_byte(parts["val"])
    assert record.test["bits_per_byte"] < five.bits_per_byte(parts["test"])

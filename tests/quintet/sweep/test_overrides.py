"""Every form of Hydra's grammar in a sweep: accepted as intended, or refused with a remedy."""

import re

import pytest
from hydra.errors import OverrideParseException

from quintet.base.errors import Code, UserError
from quintet.config.error_messages import as_user_error
from quintet.study.grammar import parameter
from quintet.study.overrides import bare, for_trial, read


def made(loader, text):
    (override,) = read([text], loader)
    return parameter(override, {})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1,2", "1,2"),
        ("++a=1,2", "1,2"),
        ("+a=1,2", "1,2"),
        ("a=choice(b,c)", "b,c"),
        ("a=sort(3,1,2)", "1,2,3"),
        ("a=sort(range(1,4),reverse=true)", "3,2,1"),
        ("a=range(5,1,-2)", "5,3"),
        ("a=int(1.2,3.4)", "1,3"),
        ("a='x,y',z", "'x,y',z"),
        ("a=[1,2],[3]", "[1,2],[3]"),
        ("a=null,true", "null,True"),
        ("""optimizer="adam",'sgd'""", "adam,sgd"),
        ("optimizer=glob(sgd*)", "sgd,sgd_momentum,sgd_schedule_free"),
        ("optimizer=glob([a*],exclude=*w*)", "adafactor,adagrad,adam"),
        ("a=interval(1,9)", "interval(1,9)"),
        ("a=float(interval(1,9))", "interval(1,9)"),
        ("a=tag(log,int(interval(1,9)))", "tag(log,int(interval(1,9)))"),
        ("a=tag(reverse_log,interval(0,.9))", "tag(reverse_log,interval(0,0.9))"),
    ],
)
def test_a_form_is_taken_as_it_is_meant(loader, text, values):
    assert str(made(loader, text)) == values


def test_a_shuffled_list_is_another_order_and_the_same_every_day(loader):
    values = made(loader, "a=shuffle(range(0,20))").values
    assert values == made(loader, "a=shuffle(range(0,20))").values
    assert values != tuple(map(str, range(20)))
    assert sorted(map(int, values)) == list(range(20))


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("scheduler=null", Code.UNKNOWN_NAME, "Allowed: constant"),
        ("~scheduler=3", Code.UNKNOWN_NAME, "Allowed: constant"),
        ("~scheduler=1,2", Code.CONFLICT, "~scheduler alone"),
        ("a=1,1", Code.CONFLICT, "1 twice"),
        ("a=0.1,0.10,1e-1", Code.CONFLICT, "0.1 twice"),
        ("a=choice(choice(1,2),3)", Code.WRONG_TYPE, "choice(a,b,c)"),
        ("a=range(5,1)", Code.OUT_OF_RANGE, "range(1,4) is 1, 2, 3"),
        ("a=range(1,5,0)", Code.OUT_OF_RANGE, "no values"),
        ("a=range(0,1000000000)", Code.OUT_OF_RANGE, "10,000"),
        ("a=glob(*)", Code.OUT_OF_RANGE, "a is none"),
        ("optimizer=glob(smg)", Code.OUT_OF_RANGE, "Did you mean 'sgd'"),
        ("a=tag(log,choice(1,2))", Code.CONFLICT, "interval"),
        ("a=tag(lgo,interval(1,2))", Code.UNKNOWN_NAME, "Did you mean 'log'"),
        ("a=tag(log,reverse_log,interval(.1,.2))", Code.CONFLICT, "log and reverse_log"),
        ("a=tag(log,interval(0,1))", Code.OUT_OF_RANGE, "above 0"),
        ("a=tag(log,interval(-1,1))", Code.OUT_OF_RANGE, "above 0"),
        ("a=tag(reverse_log,interval(.5,1))", Code.OUT_OF_RANGE, "below 1"),
        ("a=tag(reverse_log,interval(-1,.5))", Code.OUT_OF_RANGE, "at least 0"),
        ("a=interval(1,1)", Code.OUT_OF_RANGE, "the smaller first"),
        ("a=interval(2,1)", Code.OUT_OF_RANGE, "the smaller first"),
        ("a=interval(1,inf)", Code.OUT_OF_RANGE, "two numbers"),
        ("a=int(interval(8.2,8.9))", Code.OUT_OF_RANGE, "two numbers"),
        ("sweeper.n_trials=1,2", Code.CONFLICT, "one strategy"),
        ("sweeper/sampler=tpe,random", Code.CONFLICT, "one strategy"),
        ("experiment=image,text", Code.CONFLICT, "a metric and a strategy"),
        ("hydra.verbose=true,false", Code.CONFLICT, "one setting of Hydra's"),
        ("paths.logs=/a,/b", Code.CONFLICT, "one folder"),
        ("test=true,false", Code.CONFLICT, "how a model is trained"),
        ("facts.num_classes=3,4", Code.CONFLICT, "filled in by the run"),
    ],
)
def test_a_form_that_means_nothing_is_refused(loader, text, code, shown):
    with pytest.raises(UserError, match=re.escape(shown)) as caught:
        made(loader, text)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("text", "sweep"),
    [
        ("model=[mlp,cnn]", "-m model=mlp,cnn."),
        ("module=choice([gan],supervised)", "-m module=gan,supervised."),
        ("optimizer=[adam]", ""),
        ("metric=[accuracy,f1]", ""),
        ("sweeper/sampler=[tpe,random]", ""),
    ],
)
def test_a_list_of_options_is_refused_where_a_run_has_one(text, sweep):
    with pytest.raises(UserError) as caught:
        read([text])
    assert (caught.value.code, caught.value.key) == (Code.CONFLICT, text.partition("=")[0])
    assert caught.value.hint.endswith(sweep.rstrip("."))
    assert ("-m" in caught.value.hint) is bool(sweep)


@pytest.mark.parametrize(
    "text", ["callbacks=[ema,timer]", "logger=[csv]", "search_space=[high,low]"]
)
def test_a_list_joins_options_where_a_run_has_several(text):
    assert read([text])


@pytest.mark.parametrize(
    ("text", "code", "key", "allowed"),
    [
        ("callbacks=[5]", Code.UNKNOWN_NAME, "callbacks", "ema"),
        ("callbacks=[ema,[timer]]", Code.UNKNOWN_NAME, "callbacks", "ema"),
        ("logger=[csv,null]", Code.UNKNOWN_NAME, "logger", "csv"),
        ("facts=5", Code.CONFLICT, "facts", None),
        ("++facts.task=regression", Code.CONFLICT, "facts.task", None),
        ("choices={model:cnn}", Code.CONFLICT, "choices", None),
        ("~overrides", Code.CONFLICT, "overrides", None),
        ("hydra.searchpath=[http://x.y/configs]", Code.WRONG_TYPE, None, "[file://<folder>]"),
        ("hydra.searchpath=[own,s3://x]", Code.WRONG_TYPE, None, "[<folder>]"),
        ("hydra.searchpath=[5]", Code.WRONG_TYPE, None, "[<folder>]"),
        ("hydra.searchpath=own", Code.WRONG_TYPE, None, "[<folder>]"),
        ("hydra.searchpath=null", Code.WRONG_TYPE, None, "[<folder>]"),
    ],
)
def test_what_hydra_would_crash_on_is_refused_with_what_is_allowed(text, code, key, allowed):
    with pytest.raises(UserError) as caught:
        read([text])
    found = caught.value
    assert (found.code, found.key) == (code, key or "hydra.searchpath")
    assert allowed is None or allowed in found.allowed
    assert found.hint or found.allowed


@pytest.mark.parametrize("place", ["own", "/a/b", "file:///a", "pkg://theirs", "'~/own'"])
def test_folders_and_packages_are_searched_for_configs(place):
    assert read([f"hydra.searchpath=[{place}]"])


@pytest.mark.parametrize("more", ["a.b=3", "a.b=3,4", "++a.b=3"])
def test_a_key_that_varies_is_given_once(more):
    with pytest.raises(UserError) as caught:
        read(["a.b=1,2", more])
    assert (caught.value.code, caught.value.key) == (Code.CONFLICT, "a.b")


def test_of_two_single_values_the_last_counts_as_in_a_single_run():
    assert len(read(["a=1", "a=2", "b=1,2"])) == 3


@pytest.mark.parametrize(
    "text", ["a=0.1,", "a=,", "a=glob(x", "a=b=c", "a=it's", "a=str(interval(1,2))"]
)
def test_an_override_that_cannot_be_parsed_is_reported_without_hydras_grammar(text):
    with pytest.raises(OverrideParseException) as caught:
        read([text])
    found = as_user_error(caught.value)
    assert text in found.problem
    assert "key=a,b" in found.hint
    assert "BRACKET_OPEN" not in str(found)


def test_the_sweeps_own_words_are_told_from_its_trials():
    words = [
        "sweeper=asha",
        "sweeper/sampler=tpe",
        "sweeper.slots=2",
        "study=x",
        "hydra.verbose=true",
        "+optimizer.foo=1",
        "seed=1",
    ]
    assert [bare(o) for o in read(words) if for_trial(o)] == ["sweeper", "optimizer.foo", "seed"]

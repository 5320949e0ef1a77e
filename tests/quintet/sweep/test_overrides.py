"""Every form of Hydra's grammar, in a sweep: taken as it is meant, or refused with the way out."""

import pytest
from hydra.errors import OverrideParseException

from quintet.base.errors import UserError
from quintet.config.error_messages import explain
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
        ("optimizer=glob(sgd*)", "sgd,sgd_momentum"),
        ("optimizer=glob([a*],exclude=*w)", "adagrad,adam"),
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
    ("text", "says"),
    [
        ("scheduler=null", "scheduler takes the name of an option.*Allowed: constant"),
        ("~scheduler=3", "scheduler takes the name of an option"),
        ("~scheduler=1,2", "~scheduler alone"),
        ("a=1,1", "names 1 twice"),
        ("a=0.1,0.10,1e-1", "names 0.1 twice"),
        ("a=choice(choice(1,2),3)", "a list within a list"),
        ("a=range(5,1)", r"leaves nothing to try.*range\(1,4\) is 1, 2, 3"),
        ("a=range(1,5,0)", "has no values"),
        ("a=range(0,1000000000)", "more than 10,000 values"),
        ("a=glob(*)", "a is none"),
        ("optimizer=glob(smg)", "Did you mean 'sgd'"),
        ("a=tag(log,choice(1,2))", "the tag log says nothing of listed values"),
        ("a=tag(lgo,interval(1,2))", "Did you mean 'log'"),
        ("a=tag(log,reverse_log,interval(.1,.2))", "two scales, log and reverse_log"),
        ("a=tag(log,interval(0,1))", "above 0"),
        ("a=tag(log,interval(-1,1))", "above 0"),
        ("a=tag(reverse_log,interval(.5,1))", "below 1"),
        ("a=tag(reverse_log,interval(-1,.5))", "from 0 on"),
        ("a=interval(1,1)", "the smaller first"),
        ("a=interval(2,1)", "the smaller first"),
        ("a=interval(1,inf)", "no range"),
        ("a=int(interval(8.2,8.9))", "no range"),
        ("sweeper.n_trials=1,2", "a sweep has one strategy"),
        ("sweeper/sampler=tpe,random", "a sweep has one strategy"),
        ("experiment=image,text", "a metric and a strategy of its own"),
        ("hydra.verbose=true,false", "one setting of Hydra's"),
        ("paths.logs=/a,/b", "a sweep is one folder"),
        ("test=true,false", "says nothing of how a model is trained"),
        ("facts.num_classes=3,4", "filled in by the run"),
    ],
)
def test_a_form_that_means_nothing_is_refused(loader, text, says):
    with pytest.raises(UserError, match=says):
        made(loader, text)


@pytest.mark.parametrize("more", ["a.b=3", "a.b=3,4", "++a.b=3"])
def test_a_key_that_varies_is_given_once(more):
    with pytest.raises(UserError, match=r"a\.b is given twice: a\.b=1,2 and"):
        read(["a.b=1,2", more])


def test_of_two_single_values_the_last_counts_as_in_a_single_run():
    assert len(read(["a=1", "a=2", "b=1,2"])) == 3


@pytest.mark.parametrize(
    "text", ["a=0.1,", "a=,", "a=glob(x", "a=b=c", "a=it's", "a=str(interval(1,2))"]
)
def test_what_cannot_be_read_is_answered_in_plain_words(text):
    with pytest.raises(OverrideParseException) as caught:
        read([text])
    said = explain(caught.value)
    assert said.startswith(f"{text} cannot be read")
    assert "key=a,b" in said
    assert "BRACKET_OPEN" not in said


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

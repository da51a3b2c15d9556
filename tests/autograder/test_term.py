"""A term's points, deadlines and late penalties, by what must hold for all of them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from autograder.course_file import in_utc, later
from autograder.term import DAY_SECONDS, LateRule, Term, Terms, how_long, shared_out
from autograder.verdict import AspectResult, ExerciseResult, SubmissionResult

NAME = "01_unrolling_by_hand"
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
).map(ZoneInfo)
CLOCK = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1))
RULES = st.builds(
    LateRule,
    percent_per_day=st.floats(0, 100),
    at_most=st.floats(0, 100),
    grace_minutes=st.floats(0, 10_000),
    of=st.sampled_from(["earned", "possible"]),
)
SECONDS = st.floats(1, 60 * DAY_SECONDS)


def result(*exercises: tuple[str, float, float]) -> SubmissionResult:
    """A submission with exercises of so many points out of so many, all in one aspect."""
    items = tuple(
        ExerciseResult(name, "failed", score, most, (AspectResult("values", False, score, most),))
        for name, score, most in exercises
    )
    return SubmissionResult(
        "ada",
        NAME,
        "graded",
        sum(item.score for item in items),
        sum(item.max_score for item in items),
        1.0,
        1,
        items,
    )


# ---- lateness


@given(RULES, SECONDS, SECONDS, st.floats(0, 22))
def test_nobody_loses_more_than_was_earned_or_than_the_cap_and_later_is_never_cheaper(
    rule: LateRule, seconds: float, more: float, earned: float
) -> None:
    first = rule.penalty(seconds, earned=earned, possible=22)
    second = rule.penalty(seconds + more, earned=earned, possible=22)
    base = earned if rule.of == "earned" else 22
    assert 0 <= first <= second <= earned
    assert second <= base * rule.at_most / 100 + 1e-4


@given(RULES, st.floats(0, 1))
def test_the_time_of_grace_costs_nothing(rule: LateRule, share: float) -> None:
    within = share * 60 * rule.grace_minutes
    assert rule.penalty(within, earned=20, possible=22) == 0


def test_each_day_that_was_begun_counts_from_the_deadline_on() -> None:
    rule = LateRule(percent_per_day=10, grace_minutes=30)
    seconds = [1, 1800, 1801, DAY_SECONDS, DAY_SECONDS + 1, 3 * DAY_SECONDS]
    assert [rule.days(one) for one in seconds] == [0, 0, 1, 1, 2, 3]


@given(CLOCK, ZONES)
def test_a_reading_of_the_clock_is_a_moment_that_never_comes_too_early(
    local: datetime, zone: ZoneInfo
) -> None:
    moment = in_utc(local, zone)
    for fold in (0, 1):
        assert local.replace(tzinfo=zone, fold=fold).astimezone(UTC) <= moment
    shown = moment.astimezone(zone).replace(tzinfo=None)
    # unequal only where the clock was put forward over it
    assert shown == local or timedelta(0) < shown - local <= timedelta(hours=1)


def test_where_the_clock_is_put_back_the_second_reading_is_the_deadline() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    twice = in_utc(datetime(2026, 10, 25, 2, 30), berlin)
    assert twice == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    never = in_utc(datetime(2026, 3, 29, 2, 30), berlin)
    assert never == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(CLOCK, ZONES, st.integers(1, 60))
def test_days_more_end_at_the_same_time_by_the_clock_and_never_before_the_deadline(
    local: datetime, zone: ZoneInfo, days: int
) -> None:
    due = in_utc(local, zone)
    extended = later(due, timedelta(days=days), zone, by_the_clock=True)
    assert extended > due
    shown = due.astimezone(zone).replace(tzinfo=None)
    by_clock = extended.astimezone(zone).replace(tzinfo=None) - shown
    assert timedelta(days=days) <= by_clock <= timedelta(days=days, hours=1)
    hours = later(due, timedelta(hours=days), zone, by_the_clock=False)
    assert hours - due == timedelta(hours=days)


@given(st.floats(0, 1e7))
def test_a_length_of_time_reads_as_words(seconds: float) -> None:
    told = how_long(seconds)
    assert told == "less than a minute" or told[0].isdigit()
    assert told.count(" and ") <= 1


# ---- points


WEIGHTS = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 12), min_size=1).filter(
    lambda weights: any(weights.values())
)


@given(st.integers(1, 100_000), WEIGHTS)
def test_scaled_points_are_hundredths_that_add_up_and_stay_near_their_share(
    cents: int, weights: dict[str, float]
) -> None:
    total = cents / 100
    shares = shared_out(total, weights)
    assert round(sum(shares.values()), 6) == total
    for name, share in shares.items():
        exact = total * weights[name] / sum(weights.values())
        assert abs(share - exact) <= 0.01 + 1e-9
        assert round(100 * share) == round(100 * share, 6)


@given(st.integers(100, 10_000), st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_the_share_that_an_answer_earns_is_the_same_in_any_points(
    cents: int, quarters: list[int]
) -> None:
    own = {"rnn_step": 4.0, "unroll_two_steps": 4, "concat_kernel": 3, "b": 6, "c": 5}
    graded = result(
        *((name, most * n / 4, most) for (name, most), n in zip(own.items(), quarters, strict=True))
    )
    term = Term({NAME: Terms(points=cents / 100)}, written=True)
    marked = term.marked(graded)
    assert marked.max_score == cents / 100
    assert 0 <= marked.score <= marked.max_score
    for before, after in zip(graded.exercises, marked.exercises, strict=True):
        assert math.isclose(
            after.score * before.max_score, before.score * after.max_score, abs_tol=1e-3
        )
        assert (after.score == after.max_score) == (before.score == before.max_score)
        assert after.aspects[0].max_score == after.max_score


def test_an_exercise_can_be_worth_more_or_nothing_and_the_rest_keeps_its_points() -> None:
    term = Term({NAME: Terms(exercises={"a": 8.0, "b": 0.0})}, written=True)
    marked = term.marked(result(("a", 2, 4), ("b", 3, 3), ("c", 5, 5)))
    assert [(item.score, item.max_score) for item in marked.exercises] == [(4, 8), (0, 0), (5, 5)]
    assert (marked.score, marked.max_score) == (9, 13)


def test_without_a_course_file_a_result_is_left_alone() -> None:
    graded = result(("a", 2, 4))
    assert Term({NAME: Terms()}).marked(graded) is graded
    assert Term({NAME: Terms()}).digest("ada", NAME) == ""


def test_marks_depend_on_what_concerns_the_student_and_on_nothing_else() -> None:
    due = datetime(2026, 10, 16, tzinfo=UTC)
    more = due + timedelta(days=3)

    def digests(terms: Terms, rule: LateRule | None = None) -> list[str]:
        term = Term({NAME: terms, "02_static_unrolling": Terms()}, late=rule, written=True)
        return [term.digest("ada", NAME), term.digest("bob", NAME)]

    plain = digests(Terms(due=due))
    ada, bob = digests(Terms(due=due, extensions={"ada": more}))
    assert ada != plain[0]
    assert bob == plain[1]
    assert set(digests(Terms(due=due), LateRule(10))).isdisjoint(plain)
    assert set(digests(Terms(points=10, due=due))).isdisjoint(plain)

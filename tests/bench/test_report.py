"""The sums and the words of the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.run.collect import Results
from bench.run.figures import Drain, Latency, percentile, slope
from bench.run.peers import PLAIN
from bench.run.report import columns, report
from bench.run.targets import BATCHED_NAME, targets
from cqworker.cli.bench.prices import Prices, list_prices


def drain(who: str, cpu: float) -> Drain:
    return Drain(
        who=who,
        load="no-op",
        concurrency=100,
        jobs=1000,
        seconds=2.0,
        cpu=cpu,
        rss=50.0,
        calls={"ReceiveMessage": 100, "DeleteMessageBatch": 100, "BatchExecuteStatement": 80},
        write_units={"BatchExecuteStatement": 2000},
    )


def submitted() -> Drain:
    ours = drain("cqworker, submission", 0.4)
    return replace(ours, load="submit", calls={"SendMessageBatch": 100}, write_units={"PutItem": 1000})


def test_a_drain_is_told_per_job() -> None:
    ours = drain("x", cpu=0.1)
    assert (ours.rate, ours.cpu_ms, ours.sqs, ours.store) == (500.0, 0.1, 0.2, 0.08)
    assert (ours.written, ours.read, ours.share) == (2.0, 0.0, 0.05)


def test_a_target_is_met_or_missed_or_was_not_measured() -> None:
    results = Results(drains=[drain(BATCHED_NAME, 0.1), drain(PLAIN, 1.3)], submitted=submitted())
    results.latency = Latency(4.0, 13.0, 50)
    found = {each.figure: each for each in targets(results)}
    ratio = found["CPU per no-op job, batched, against the plain loop"]
    assert (ratio.reached, ratio.met) == ("1/13.0 (0.100 of 1.300 ms)", True)
    assert found["DynamoDB write units per job, submission included"].reached == "3"
    assert found["latency submit to settled, idle worker, p50"].met is True
    assert found["latency submit to settled, idle worker, p99"].met is False
    assert found["every lease kept"].met is None


def test_the_report_shows_every_drain_and_says_what_is_missing() -> None:
    results = Results(drains=[drain(BATCHED_NAME, 0.1), drain(PLAIN, 1.3)], submitted=submitted())
    results.excuses.append("Celery: not measured: no network")
    text = "\n".join(report(results, "here", aimed=True))
    [row] = [line for line in text.splitlines() if line.startswith(BATCHED_NAME) and "1/13.0" in line]
    assert row.split()[-10:] == "1000 500 0.100 1/13.0 0.20 0.08 2.00 0.00 50 5%".split()
    assert "A million such jobs: 2.00 USD (0.67 to submit, 1.33 to run; list prices" in text
    assert "BatchExecuteStatement 0.080 (2.00 units)" in text
    assert text.endswith("Celery: not measured: no network")
    assert "not measured    ?" in text


def test_columns_stand_below_their_headings() -> None:
    assert list(columns(("who", "n"), [("a", "1"), ("bcde", "10")])) == ["who    n", "--------", "a      1", "bcde  10"]


def test_a_percentile_is_the_value_below_which_so_many_lie() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (51.0, 100.0, 7.0)


@pytest.mark.parametrize(
    ("points", "expected"), [([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)], 2.0), ([(1.0, 1.0)], 0.0), ([(1.0, 4.0)] * 3, 0.0)]
)
def test_the_slope_is_that_of_the_line_through_the_points(points: list[tuple[float, float]], expected: float) -> None:
    assert slope(points) == expected


def test_a_million_jobs_cost_their_requests_and_units() -> None:
    prices = Prices("here", "today", sqs_request=0.4, dynamodb_write_unit=0.625, dynamodb_read_unit=0.125)
    assert prices.per_million(1.2, 3.0, 0.0) == pytest.approx(2.355)
    assert prices.per_million(0.0, 0.0, 2.0) == pytest.approx(0.25)


def test_list_prices_have_a_date_and_fall_back_to_a_known_region() -> None:
    known = list_prices()
    assert (known.region, known.sqs_request) == ("us-east-1", 0.4)
    assert known.as_of in known.words
    assert list_prices("mars-north-1") == known

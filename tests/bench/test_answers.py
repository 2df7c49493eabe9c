"""Asking: nothing twice, nothing lost, the same whatever the batch, and an honest end where a backend fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_suites import Scripted, constant, load, run, write_shop

from chat_server import Reply, completion, serve
from pumgpt.backends.chat.backend import OpenAIBackend
from pumgpt.backends.chat.endpoint import ChatEndpoint
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Question, Request
from pumgpt.bench.asking.answer_cache import AnswerCache, TimedAnswer, checked
from pumgpt.bench.suites.items import SuiteData
from pumgpt.bench.suites.suite import Suite
from pumgpt.errors import BackendError


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Suite, SuiteData, int]:
    suite, data, cases = load(write_shop(tmp_path_factory.mktemp("shop")))
    return suite, data, len(cases)


def texts(told: dict[str, TimedAnswer]) -> dict[str, Answer]:
    return {case: one.answer for case, one in told.items()}


def test_batches_of_one_and_of_many_give_the_same(shop: tuple[Suite, SuiteData, int], tmp_path: Path) -> None:
    suite, data, count = shop
    one = run(FakeBackend(), suite, data, tmp_path / "1", products_at_once=1)
    many = run(FakeBackend(), suite, data, tmp_path / "32", products_at_once=32)
    assert len(one) == count
    assert texts(one) == texts(many)


def test_what_was_answered_is_not_asked_again(shop: tuple[Suite, SuiteData, int], tmp_path: Path) -> None:
    suite, data, count = shop
    first = constant("Blue")
    told = run(first, suite, data, tmp_path)
    again = constant("Blue")
    assert texts(run(again, suite, data, tmp_path)) == texts(told)
    assert (first.asked, again.asked) == (count, 0)


def test_a_killed_run_goes_on_and_ends_as_one_that_never_was(
    shop: tuple[Suite, SuiteData, int], tmp_path: Path
) -> None:
    suite, data, _ = shop
    whole = run(FakeBackend(), suite, data, tmp_path / "whole")

    class Killed(FakeBackend):
        calls = 0

        def answer(self, requests: list[Request], *, evidence: bool = False) -> list[list[Answer]]:  # type: ignore[override]
            self.calls += 1
            if self.calls == 4:
                raise KeyboardInterrupt
            return super().answer(requests)

    with pytest.raises(KeyboardInterrupt):
        run(Killed(), suite, data, tmp_path / "killed", products_at_once=4)
    (kept,) = (tmp_path / "killed").iterdir()
    kept.write_bytes(kept.read_bytes()[:-20])  # half a line, as a kill may leave
    resumed = run(FakeBackend(), suite, data, tmp_path / "killed")
    assert texts(resumed) == texts(whole)


def test_another_revision_is_asked_anew(shop: tuple[Suite, SuiteData, int], tmp_path: Path) -> None:
    suite, data, count = shop
    run(constant("Blue"), suite, data, tmp_path)
    newer = constant("Blue")
    newer.revision = "2"
    run(newer, suite, data, tmp_path)
    assert newer.asked == count


def test_an_answer_is_kept_with_what_it_rests_on(tmp_path: Path) -> None:
    answer = Answer("Music", 0.9, 0.1, (("Music", 0.8), ("Shoes", 0.1)), known=0.4, num_tokens=7, by_class=True)
    with AnswerCache(tmp_path, constant("Blue")) as cache:
        cache.put([("case", TimedAnswer(answer, 0.5))])
    with AnswerCache(tmp_path, constant("Blue")) as cache:
        kept = cache.get("case")
    assert kept is not None
    assert (kept.answer, kept.answer.num_tokens, kept.seconds) == (answer, 7, 0.5)


def test_restart_forgets(shop: tuple[Suite, SuiteData, int], tmp_path: Path) -> None:
    suite, data, _ = shop
    run(constant("Blue"), suite, data, tmp_path)
    with AnswerCache(tmp_path, constant("Blue"), restart=True) as cache:
        assert cache.path.read_bytes() == b""


def test_failures_are_tried_again_and_garbled_replies_are_not(
    shop: tuple[Suite, SuiteData, int], tmp_path: Path
) -> None:
    suite, data, _ = shop

    def say(request: Request, question: Question) -> Answer:
        if question.task == "category":
            return Answer("", error="timed out")
        return Answer("", error="none of the choices", written="}{")

    first = Scripted(say)
    run(first, suite, data, tmp_path)
    again = Scripted(say)
    told = run(again, suite, data, tmp_path)
    assert 0 < again.asked < first.asked
    assert {one.answer.error for case, one in told.items() if "/category" in case} == {"timed out"}


def test_a_backend_that_breaks_its_promise_is_an_error_of_every_case(
    shop: tuple[Suite, SuiteData, int], tmp_path: Path
) -> None:
    suite, data, count = shop

    class Short(Scripted):
        def answer(self, requests: list[Request], *, evidence: bool = False) -> list[list[Answer]]:  # type: ignore[override]
            if len(requests) > 6:  # the first product goes well
                return [[] for _ in requests]
            return super().answer(requests)

    told = run(Short(lambda request, question: Answer("Blue")), suite, data, tmp_path)
    errors = [one.answer.error for one in told.values() if one.answer.error]
    assert len(told) == count and errors
    assert "another number of answers" in str(errors[0])


@pytest.mark.parametrize("garbage", [None, 3, Answer(4)])  # type: ignore[arg-type]
def test_what_is_no_answer_is_an_error(garbage: object) -> None:
    assert "instead of an answer" in str(checked(garbage).error)


def test_probabilities_that_are_none_are_dropped() -> None:
    assert checked(Answer("x", float("nan"), float("inf"))) == Answer("x", None, 0.0)
    assert checked(Answer("x", 1.5, -1.0)) == Answer("x", 1.0, 0.0)


def endpoint(base_url: str, timeout_s: float = 0.5) -> OpenAIBackend:
    return OpenAIBackend(ChatEndpoint("m", base_url, api_key="", backoff_s=0.01, timeout_s=timeout_s, num_tries=2))


def test_an_endpoint_that_times_out_is_given_up_after_the_first_product(
    shop: tuple[Suite, SuiteData, int], tmp_path: Path
) -> None:
    suite, data, count = shop
    with (
        serve(lambda _: Reply(b"", delay_s=2.0)) as server,
        pytest.raises(BackendError, match=r"first product.*0\.5 s"),
    ):
        run(endpoint(server.base_url), suite, data, tmp_path)
    assert len(server.calls) < count


def test_an_endpoint_that_limits_the_rate_is_waited_for(shop: tuple[Suite, SuiteData, int], tmp_path: Path) -> None:
    suite, data, count = shop
    seen: list[str] = []
    refused: set[str] = set()

    def respond(body: dict[str, object]) -> Reply:
        """Every third call is refused, no call twice: whoever waits and asks again gets all answers."""
        call = json.dumps(body)
        seen.append(call)
        if len(seen) % 3 == 0 and call not in refused:
            refused.add(call)
            return Reply(b"slow down", 429, {"Retry-After": "0.01"})
        return completion("Blue")

    with serve(respond) as server:
        told = run(endpoint(server.base_url, timeout_s=60), suite, data, tmp_path)
    answered = [one for one in told.values() if one.answer.error is None or one.answer.written]
    assert refused and len(answered) == count
    assert len(seen) > count


def test_an_endpoint_of_garbage_is_a_clear_failure(shop: tuple[Suite, SuiteData, int], tmp_path: Path) -> None:
    suite, data, _ = shop
    with serve(lambda _: Reply(b"<html>hello")) as server, pytest.raises(BackendError, match="first product"):
        run(endpoint(server.base_url), suite, data, tmp_path)


def test_no_such_endpoint_is_a_clear_failure(shop: tuple[Suite, SuiteData, int], tmp_path: Path) -> None:
    suite, data, _ = shop
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:9"):
        run(endpoint("http://127.0.0.1:9/v1"), suite, data, tmp_path)

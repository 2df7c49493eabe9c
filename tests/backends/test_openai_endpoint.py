"""An OpenAI-compatible endpoint behind the backend protocol, tried against a real server on loopback."""

from __future__ import annotations

import email.utils
import gzip
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from chat_server import Reply, completion, over, read_request, serve
from pumgpt.backends.chat.answers import read_answer
from pumgpt.backends.chat.backend import OpenAIBackend
from pumgpt.backends.chat.endpoint import MAX_REPLY_BYTES, ChatEndpoint
from pumgpt.backends.chat.prompt import MAX_SIDE_PX
from pumgpt.backends.chat.reply import ChatReply
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Choices, Question, Request
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.errors import BackendError, UsageError
from pumgpt.tasks.answers import match_choice

COLOURS = Choices(("Blue", "Navy Blue", "Red", "Blue-Green", "White"))
WHAT = Question("attribute_qa", "What is the colour?", "colour", COLOURS)
OPEN = Question("question", "What is it?")
SOME = Image.new("RGB", (30, 40), "navy")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def backend_at(base_url: str, **options: Any) -> OpenAIBackend:
    return OpenAIBackend(ChatEndpoint("m", base_url, **{"backoff_s": 0.01, "timeout_s": 5, **options}))


def ask(base_url: str, question: Question = WHAT, photo: bool = False, **options: Any) -> Answer:
    backend = backend_at(base_url, **options)
    return backend.answer([Request((SOME,) if photo else (), (question,), "Title: Shirt")])[0][0]


def test_it_is_a_backend_that_the_command_line_finds() -> None:
    backend = load_backend("openai:org/model:7b@http://localhost:1/v1/")
    assert isinstance(backend, Backend) and isinstance(backend, OpenAIBackend)
    assert (backend.name, backend.endpoint.base_url) == ("org/model:7b", "http://localhost:1/v1")


@pytest.mark.parametrize(
    "spec",
    [
        "openai:m",
        "openai:@http://h",
        "openai:m@ftp://h",
        "openai:m@http://",
        "openai:m@http://me:pw@host/v1",
        "openai:m@http://me:pw@host:port/v1",
        "openai:m@http://me:pw@/v1",
        "openai:m@ftp://me:pw@host/v1",
    ],
)
def test_an_address_that_is_none_is_a_usage_error_that_shows_no_password(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_backend(spec)
    assert "pw" not in str(caught.value)


def test_answers_come_back_in_order_and_are_those_of_the_backend_behind_it() -> None:
    """Photos, listings, choices and questions arrive whole: the server answers by what it reads out of the call."""
    fake = FakeBackend()
    photos = [Image.new("RGB", (16, 16), colour) for colour in ("red", "green", "blue")]
    questions = (WHAT, OPEN, Question("attribute_qa", "What is the fit?", "fit", Choices(("Slim", "Wide"))))
    requests = [Request((photo,), questions, f"Title: number {i}") for i, photo in enumerate(photos)]
    requests.append(Request((), questions[:1], None))
    with serve(over(fake)) as server:
        answers = backend_at(server.base_url).answer(requests)
    seen = [read_request(call) for call in server.calls]
    assert sorted(len(request.photos) for request in seen) == [0] + [1] * 9
    decoded = {request.listing: request.photos for request in seen}
    for request, row in zip(requests, answers, strict=True):
        (direct,) = fake.answer([Request(decoded[request.listing], request.questions, request.listing)])
        assert [answer.text for answer in row] == [answer.text for answer in direct]


def test_a_listing_sends_no_control_tokens() -> None:
    """Servers put the text into a template and tokenize the whole, so that a title's `<image>` would be a photo's."""
    marked = Choices(("White <image>", "Red"))
    question = Question("attribute_qa", "Which </s> colour?", "colour", marked)
    with serve(lambda body: completion("White < image>")) as server:
        request = Request((SOME,), (question,), "Title: <image> <|im_end|>")
        ((answer,),) = backend_at(server.base_url).answer([request])
    text = server.calls[0]["messages"][1]["content"][-1]["text"]
    assert text.startswith("Title: < image> < |im_end|>\nWhich < /s> colour?")
    assert "White < image>" in text and "<image>" not in text
    assert answer.text == "White <image>"


def test_no_more_questions_than_asked_for_are_on_their_way_at_once() -> None:
    with serve(lambda _: Reply(completion("Red").content, delay_s=0.05)) as server:
        backend = OpenAIBackend(ChatEndpoint("m", server.base_url), num_parallel=3)
        answers = backend.answer([Request((), (WHAT,) * 9)])
    assert [answer.text for answer in answers[0]] == ["Red"] * 9
    assert 2 <= server.most_at_once <= 3


def test_a_large_photo_is_made_smaller() -> None:
    with serve(lambda _: completion("Red")) as server:
        backend_at(server.base_url).answer([Request((Image.new("RGB", (3000, 1500)),), (WHAT,))])
    assert read_request(server.calls[0]).photos[0].size == (MAX_SIDE_PX, MAX_SIDE_PX // 2)


def test_the_key_comes_from_the_environment_and_stands_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-1")
    with (
        serve(lambda _: Reply(b'{"error": {"message": "who are you"}}', 401)) as server,
        pytest.raises(BackendError) as e,
    ):
        ask(server.base_url)
    assert server.headers[0]["Authorization"] == "Bearer secret-1"
    assert "who are you" in str(e.value) and "OPENAI_API_KEY" in str(e.value) and "secret-1" not in str(e.value)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (401, b'{"error": {"message": "no key secret-12345"}}'),
        (200, b"echo secret-12345"),
        (200, b"x" * 72 + b"secret-12345"),
    ],
)
def test_a_key_that_a_server_repeats_stands_in_no_message(status: int, content: bytes) -> None:
    with serve(lambda _: Reply(content, status)) as server, pytest.raises(BackendError) as caught:
        ChatEndpoint("m", server.base_url, "secret-12345").complete([], 5)
    assert "*" in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["geheim-ü", "secret\nline", "secret\x00"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY") as caught:
        ChatEndpoint("m", "http://localhost:1/v1", key)
    assert key not in str(caught.value)


def test_a_server_gets_the_key_alone_of_what_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """`openai` would send it the account's names, and take address and credentials from other variables."""
    secrets = {
        "OPENAI_ORG_ID": "org-1",
        "OPENAI_PROJECT_ID": "proj-1",
        "OPENAI_ADMIN_KEY": "admin-1",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer other-1",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    with serve(lambda _: completion("Red")) as server:
        for key in ("", "mine"):
            assert ChatEndpoint("m", server.base_url, key).complete([], 5).text == "Red"
    assert [headers["Authorization"] for headers in server.headers] == [None, "Bearer mine"]
    assert not [value for headers in server.headers for value in headers.values() if value.endswith("-1")]


def test_a_redirect_is_not_followed() -> None:
    with serve(lambda _: Reply(b"", 307, {"Location": "/v1/chat/completions"})) as server:
        assert "HTTP 307" in (ask(server.base_url).error or "")
    assert len(server.calls) == 1


@pytest.mark.parametrize("timeout_s", [5, 7])
def test_the_timeout_is_ours(timeout_s: float) -> None:
    """`openai` takes a client's timeout of 5 s, which is `httpx2`'s own, for none and waits 10 minutes."""
    with serve(lambda _: completion("Red")) as server:
        ask(server.base_url, timeout_s=timeout_s)
    assert float(server.headers[0]["x-stainless-read-timeout"] or 0) == timeout_s


class TestTrouble:
    """Each ends soon, in an answer or in one line."""

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_what_passes_is_tried_again(self, status: int) -> None:
        replies = iter([Reply(b"busy", status), Reply(b"busy", status), completion("Red")])
        with serve(lambda _: next(replies)) as server:
            assert ask(server.base_url).text == "Red"
        assert len(server.calls) == 3

    def test_what_does_not_pass_is_given_up(self) -> None:
        with serve(lambda _: Reply(b'{"error": {"message": "too\\nmany"}}', 429)) as server:
            answer = ask(server.base_url, num_tries=3)
        assert (answer.text, len(server.calls)) == ("", 3)
        assert answer.error is not None and "HTTP 429: too many (tried 3 times)" in answer.error

    @pytest.mark.parametrize("as_date", [False, True])
    def test_retry_after_is_honoured(self, as_date: bool) -> None:
        def busy(_: Any) -> Reply:
            if len(server.calls) > 1:
                return completion("Red")
            after = email.utils.formatdate(time.time() + 2, usegmt=True) if as_date else "0.6"
            return Reply(b"busy", 429, {"Retry-After": after})

        with serve(busy) as server:
            began = time.monotonic()
            assert ask(server.base_url).text == "Red"
        assert time.monotonic() - began >= 0.6

    def test_a_server_that_asks_for_an_hour_is_not_waited_for(self) -> None:
        with serve(lambda _: Reply(b"busy", 429, {"Retry-After": "3600"})) as server:
            began = time.monotonic()
            answer = ask(server.base_url)
        assert answer.error is not None and "tried once" in answer.error and time.monotonic() - began < 3

    @pytest.mark.parametrize("after", ["0", "Sun, 06 Nov 1994 08:49:37 GMT"])
    def test_a_server_that_asks_for_no_wait_gets_the_usual_one(self, after: str) -> None:
        with serve(lambda _: Reply(b"busy", 429, {"Retry-After": after})) as server:
            began = time.monotonic()
            answer = ask(server.base_url, num_tries=3, backoff_s=0.2)
        assert answer.error is not None and "tried 3 times" in answer.error
        assert time.monotonic() - began >= 0.5 * (0.2 + 0.4)

    def test_a_wait_between_ours_and_that_of_the_library_is_not_waited_for(self) -> None:
        """`openai` would wait for up to two minutes."""
        with serve(lambda _: Reply(b"busy", 503, {"Retry-After": "90", "x-should-retry": "true"})) as server:
            began = time.monotonic()
            assert "tried once" in (ask(server.base_url, max_wait_s=60).error or "")
        assert time.monotonic() - began < 3

    def test_a_reply_that_drips_ends_in_time(self) -> None:
        """Each byte comes soon enough; the whole doesn't."""
        with serve(lambda _: Reply(completion("Red").content, drip_s=0.05)) as server:
            began = time.monotonic()
            answer = ask(server.base_url, timeout_s=0.4, num_tries=1)
        assert "no reply within 0.4 s" in (answer.error or "") and time.monotonic() - began < 2

    @pytest.mark.parametrize("status", [200, 500])
    @pytest.mark.parametrize("compressed", [False, True])
    def test_a_huge_reply_is_refused(self, status: int, compressed: bool) -> None:
        blank = b" " * (2 * MAX_REPLY_BYTES)
        reply = (
            Reply(gzip.compress(blank), status, {"Content-Encoding": "gzip"}) if compressed else Reply(blank, status)
        )
        with serve(lambda _: reply) as server:
            assert "more than 8 MB" in (ask(server.base_url).error or "")
        assert len(server.calls) == 1

    def test_a_compressed_reply_is_read(self) -> None:
        reply = Reply(gzip.compress(completion("Red").content), headers={"Content-Encoding": "gzip"})
        with serve(lambda _: reply) as server:
            assert ask(server.base_url).text == "Red"

    def test_half_a_surrogate_pair_is_one_bad_answer(self) -> None:
        with serve(lambda _: completion("Red")) as server:
            bad, good = backend_at(server.base_url).answer(
                [Request((), (WHAT,), "Title: \ud83d"), Request((), (WHAT,), "Title: \U0001f600")]
            )
        assert "UTF-8" in (bad[0].error or "") and good[0].text == "Red"

    def test_a_silent_server_times_out(self) -> None:
        with serve(lambda _: Reply(completion("Red").content, delay_s=0.6)) as server:
            answer = ask(server.base_url, timeout_s=0.2, num_tries=2)
        assert answer.error is not None and "no reply within 0.2 s (tried 2 times)" in answer.error

    def test_a_reply_that_breaks_off_is_tried_again(self) -> None:
        whole = completion("Red").content
        replies = iter([Reply(whole, cut_to=20), Reply(whole)])
        with serve(lambda _: next(replies)) as server:
            assert ask(server.base_url).text == "Red"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"<html>",
            b"\xff\xfe",
            b'{"choices": []}',
            completion("Red").content[:30],
            b"[" * 100_000,
            b"null",
            b'"a"',
            b'{"choices": {}}',
            b'{"choices": [{"message": "Red"}]}',
            b'{"choices": [{"message": {"content": "Red"}, "logprobs": [1]}]}',
        ],
    )
    @pytest.mark.parametrize("content_type", [None, "application/json", "text/html"])
    def test_garbage_becomes_one_line(self, content: bytes, content_type: str | None) -> None:
        """`openai` builds a completion out of any JSON, gives back text where there is none, or raises what isn't its own."""
        with serve(lambda _: Reply(content, headers={"Content-Type": content_type} if content_type else {})) as server:
            answer = ask(server.base_url)
        assert answer.text == "" and answer.error and len(answer.error.splitlines()) == 1 and len(answer.error) < 300

    def test_a_refusal_without_text_is_an_error(self) -> None:
        with serve(lambda _: completion(None)) as server:
            assert "no text" in (ask(server.base_url).error or "")

    def test_one_bad_answer_leaves_the_others(self) -> None:
        def moody(body: dict[str, Any]) -> Reply:
            return Reply(b"oops") if "fit" in json.dumps(body) else completion("Red")

        with serve(moody) as server:
            fit = Question("attribute_qa", "What is the fit?", "fit", COLOURS)
            first, second, third = backend_at(server.base_url).answer([Request((), (WHAT, fit, WHAT))])[0]
        assert (first.text, second.text, third.text) == ("Red", "", "Red") and second.error

    def test_nobody_there_stops_the_run_soon(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
            began = time.monotonic()
            with pytest.raises(BackendError, match="can't be reached"):
                backend_at(address).answer([Request((), (WHAT,) * 50)])
        assert time.monotonic() - began < 5

    def test_options_that_a_server_does_not_know_are_left_out_from_then_on(self) -> None:
        def picky(body: dict[str, Any]) -> Reply:
            for name in ("temperature", "logprobs", "max_tokens"):
                if name in body:
                    return Reply(json.dumps({"error": {"message": f"Unsupported parameter: '{name}'"}}).encode(), 400)
            return completion("Red")

        with serve(picky) as server:
            backend = backend_at(server.base_url)
            assert [backend.answer([Request((), (WHAT,))])[0][0].text for _ in range(2)] == ["Red", "Red"]
        assert "max_completion_tokens" in server.calls[-1] and len(server.calls) <= 6

    def test_an_option_that_is_named_beside_the_message_is_left_out_too(self) -> None:
        def picky(body: dict[str, Any]) -> Reply:
            error = {"message": "Unsupported value", "param": "temperature", "code": "unsupported_value"}
            return Reply(json.dumps({"error": error}).encode(), 400) if "temperature" in body else completion("Red")

        with serve(picky) as server:
            assert ask(server.base_url).text == "Red"
        assert len(server.calls) == 2

    def test_a_complaint_that_repeats_the_request_costs_no_option(self) -> None:
        def verbose(body: dict[str, Any]) -> Reply:
            detail = [{"loc": ["body", "messages"], "msg": "wrong " * 40, "input": {**body, "messages": []}}]
            return Reply(json.dumps({"detail": detail}).encode(), 422)

        with serve(verbose) as server:
            assert "HTTP 422" in (ask(server.base_url).error or "")
        assert len(server.calls) == 1

    def test_too_many_choices_are_refused_without_a_call(self) -> None:
        many = Question("category", "?", "category", Choices(tuple(map(str, range(2000)))))
        with serve(lambda _: completion("1")) as server:
            assert "2000 choices" in (ask(server.base_url, many).error or "")
        assert server.calls == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Red", "Red"),
        ("  navy blue. ", "Navy Blue"),
        ("**Red**", "Red"),
        ("Answer: Blue", "Blue"),
        ("The colour is navy blue.", "Navy Blue"),
        ("blue green", "Blue-Green"),
        ("<think>red? no</think>\nWhite", "White"),
        ("cannot be inferred", CANNOT_TELL),
        ("It can't be determined from the photo.", CANNOT_TELL),
        ("I cannot tell", CANNOT_TELL),
        ("Red or White", None),
        ("reddish", None),
        ("<think>red, it is", None),
        ("", None),
    ],
)
def test_answers_are_read_strictly_then_leniently(text: str, value: str | None) -> None:
    answer = read_answer(ChatReply(text), WHAT)
    assert (answer.text or None) == value
    assert (answer.error is None) == (value is not None)


@given(st.text(max_size=60))
def test_whatever_a_model_says_is_a_choice_or_an_error(text: str) -> None:
    answer = read_answer(ChatReply(text), WHAT)
    valid = {*COLOURS.values, CANNOT_TELL}
    assert (answer.text in valid) != (answer.error is not None)


@settings(max_examples=50)
@given(
    st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8), min_size=1, max_size=8, unique=True)
)
def test_every_choice_reads_as_itself(values: list[str]) -> None:
    choices = Choices(tuple(values))
    assert [match_choice(value, choices) for value in values] == values


def test_probabilities_are_read_from_the_tokens() -> None:
    """'Navy Blue' was written with 0.5 * 0.9; of the rest, 0.3 begin 'Blue' or 'Blue-Green', 0.1 refuse."""
    tokens = [("Navy", 0.5, {"Navy": 0.5, "Blue": 0.3, "cannot": 0.1}), (" Blue", 0.9, {})]
    with serve(lambda _: completion("Navy Blue", tokens)) as server:
        answer = ask(server.base_url)
    shares = dict(answer.ranked)
    assert answer.ranked[0][0] == answer.text == "Navy Blue"
    assert sum(shares.values()) + answer.cannot_tell == pytest.approx(1)
    assert shares["Navy Blue"] == pytest.approx(0.45 / 0.85) and answer.cannot_tell == pytest.approx(0.1 / 0.85)
    assert shares["Blue"] == shares["Blue-Green"] == pytest.approx(0.15 / 0.85)
    assert answer.probability == pytest.approx(0.45 / 0.75)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"message": {"content": [{"type": "text", "text": "Re"}, {"type": "text", "text": "d"}]}}, "Red"),
        ({"message": {"content": "Red"}, "logprobs": {"content": None}}, "Red"),
        ({"message": {"content": "Red"}, "logprobs": {"content": [{"token": "Red", "logprob": -0.1}]}}, "Red"),
        ({"message": {"content": "Red", "role": "bot", "tool_calls": "x"}, "finish_reason": "eos"}, "Red"),
    ],
)
def test_a_reply_that_is_not_quite_openai_s_is_read(choice: dict[str, Any], text: str) -> None:
    """In parts, without alternatives, with other words: servers differ, and nothing else is checked."""
    with serve(lambda _: Reply(json.dumps({"choices": [choice], "usage": {}}).encode())) as server:
        assert ask(server.base_url).text == text


def test_open_text_has_the_geometric_mean() -> None:
    with serve(lambda _: completion("a red shirt", [("a", 0.5, {}), (" red shirt", 0.125, {})])) as server:
        assert ask(server.base_url, OPEN).probability == pytest.approx(0.25)


def test_a_catalogue_is_enriched_by_an_endpoint(tmp_path: Path) -> None:
    """The command line's way, from file to file."""
    from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
    from pumgpt.enrich.job import enrich
    from pumgpt.understand.plan import make_plan

    rows = [{"id": str(i), "title": f"Shirt {i}"} for i in range(5)]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with serve(over(FakeBackend())) as server:
        backend = load_backend(f"openai:m@{server.base_url}")
        plan = make_plan(backend, schema=AttributeSchema((AttributeSpec("colour", COLOURS.values),)))
        summary = enrich(read_catalog(tmp_path / "in.jsonl"), tmp_path / "out.jsonl", backend, plan)
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (summary.rows, len(answers)) == (5, 5)
    assert all(answer["attributes"][0]["value"] in (*COLOURS.values, None) for answer in answers)

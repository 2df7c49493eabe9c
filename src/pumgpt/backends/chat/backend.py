"""Any OpenAI-compatible chat endpoint behind the backend protocol: `--model openai:NAME@BASE_URL`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pumgpt.backends.chat.answers import read_answer
from pumgpt.backends.chat.concurrency import map_rows
from pumgpt.backends.chat.endpoint import ChatEndpoint
from pumgpt.backends.chat.prompt import SPARE_TOKENS, SYSTEM, chat_messages, photo_url, prompt_text, too_many_choices
from pumgpt.backends.protocol import Answer, Backend, Question, Request
from pumgpt.backends.registry import LoadOptions
from pumgpt.errors import BackendError


class OpenAIBackend(Backend):
    """Asks an endpoint, `num_parallel` questions at a time.

    The model must take images where products have photos. Answers have probabilities where the server gives
    log-probabilities; without them every answer counts as certain, and `--precision` changes nothing.
    """

    def __init__(self, endpoint: ChatEndpoint, num_parallel: int = 8) -> None:
        self.endpoint = endpoint
        self.num_parallel = num_parallel
        self.name = endpoint.model
        self.revision = hashlib.sha256(endpoint.base_url.encode()).hexdigest()[:12]

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        """See `Backend.answer`. There is no evidence: an endpoint gives no attention maps.

        Raises `BackendError` where the endpoint is down and answered no question: a run should stop then.
        """
        # A photo is encoded once, however many requests and questions show it.
        photos = {id(photo): photo for request in requests for photo in request.photos}
        urls = {key: photo_url(photo) for key, photo in photos.items()}

        def answer_one(call: tuple[Request, Question]) -> Answer:
            request, question = call
            return self._answer(question, request.listing, [urls[id(photo)] for photo in request.photos])

        calls = [[(request, question) for question in request.questions] for request in requests]
        answers = map_rows(answer_one, calls, self.num_parallel)
        if self.endpoint.down and any(answers) and all(answer.error for row in answers for answer in row):
            raise BackendError(self.endpoint.down)
        return answers

    def _answer(self, question: Question, listing: str | None, photo_urls: Sequence[str]) -> Answer:
        refusal = too_many_choices(question)
        if refusal is not None:
            return Answer("", error=refusal)
        messages = chat_messages(SYSTEM, prompt_text(listing, question), photo_urls)
        try:
            reply = self.endpoint.complete(messages, question.max_new_tokens + SPARE_TOKENS, logprobs=True)
            return read_answer(reply, question)
        except BackendError as error:
            return Answer("", error=str(error))


def load_openai(source: str, options: LoadOptions) -> OpenAIBackend:
    """The endpoint that `--model openai:NAME@BASE_URL` names."""
    return OpenAIBackend(ChatEndpoint.parse(f"openai:{source}"))

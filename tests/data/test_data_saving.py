"""What is saved is loaded again as it was; what a kind of file cannot hold is refused before a file is begun."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from filing import asked, got, message, place

from tensorlang.data import Access, load_params, read_tensors, save, save_params
from tensorlang.diagnostics import RunError
from tensorlang.limits import Limits

Golden = Callable[[str, str], None]
ARRAYS = {
    "floats": np.array([[0.1, -2.5e-300], [np.pi, 1e300]]),
    "single": np.array([[0.1, 1e-7], [3.0, 123456.79]], dtype=np.float32),
    "whole": np.array([[1, -2], [2**62, 0]]),
    "truth": np.array([[True, False], [False, False]]),
    "column": np.array([[0.5], [1.5]]),
    "row": np.array([1.0, 2.0, 3.0]),
}
KINDS = ("npy", "npz", "safetensors", "csv", "tsv", "txt", "json")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ARRAYS)
def test_there_and_back(home: Path, access: Access, kind: str, name: str) -> None:
    array = ARRAYS[name]
    save(access, f"x.{kind}", {"T": array}, None)
    back = got(access, f"x.{kind}")
    # Text has no word for an axis of one column.
    expected = array[:, 0] if name == "column" and kind in ("csv", "tsv", "txt") else array
    assert np.array_equal(back.astype(array.dtype), expected)
    assert back.dtype.kind == array.dtype.kind


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "json"])
def test_any_number_of_axes(access: Access, kind: str) -> None:
    for array in (
        np.array(2.5),
        np.arange(24.0).reshape(2, 3, 4),
        np.zeros((0, 3)).T[:, :0] if kind == "npy" else np.ones(1),
    ):
        save(access, f"x.{kind}", {"T": array}, None)
        assert np.array_equal(got(access, f"x.{kind}"), array)


@pytest.mark.parametrize("kind", ["npz", "safetensors", "json"])
def test_several_tensors(access: Access, kind: str) -> None:
    save(access, f"x.{kind}", {"file": torch.arange(3), "X'": torch.ones(2, 2).T}, None)
    assert got(access, f"x.{kind}", "file").tolist() == [0, 1, 2]
    assert got(access, f"x.{kind}", "X'").tolist() == [[1, 1], [1, 1]]


def test_tensors_of_torch(access: Access) -> None:
    save(access, "a.npy", {"T": torch.tensor([0.5, 2], dtype=torch.bfloat16, requires_grad=True)}, None)
    assert got(access, "a.npy").tolist() == [0.5, 2]
    save(access, "a.npy", {"T": torch.tensor([1 + 2j]).conj()}, None)
    assert got(access, "a.npy").tolist() == [1 - 2j]
    save(access, "a.npy", {"T": torch.eye(2).to_sparse()}, None)
    assert got(access, "a.npy").tolist() == [[1, 0], [0, 1]]


def test_text_is_short(home: Path, access: Access) -> None:
    save(access, "x.csv", {"T": torch.tensor([[0.1, 2.0], [float("nan"), 1e-8]])}, None)
    assert (home / "x.csv").read_text() == "0.1,2.0\nnan,1e-08\n"
    save(access, "x.json", {"T": torch.tensor([0.1, 2.0])}, None)
    assert (home / "x.json").read_text() == "[0.1, 2.0]\n"
    save(access, "x.csv", {"T": torch.tensor([True, False])}, None)
    assert (home / "x.csv").read_text() == "true\nfalse\n"


def test_what_cannot_be_saved(home: Path, access: Access, golden: Golden) -> None:
    one, two = np.ones(2), {"A": np.ones(2), "B": np.ones(2)}
    wrong: list[tuple[str, dict[str, np.ndarray]]] = [
        ("both.npy", two),
        ("both.csv", two),
        ("deep.csv", {"A": np.ones((2, 2, 2))}),
        ("complex.csv", {"A": one * 1j}),
        ("none.csv", {"A": np.ones((0, 3))}),
        ("complex.json", {"A": one * 1j}),
        ("nan.json", {"A": one * np.nan}),
        ("complex.safetensors", {"A": one * 1j}),
        ("picture.png", {"A": np.ones((2, 2))}),
        ("code.py", {"A": one}),
        ("nothing", {"A": one}),
    ]
    drawn = [message(lambda p=p, t=t: save(access, p, t, place(f'save {", ".join(t)} to "{p}"'))) for p, t in wrong]  # type: ignore[misc]
    golden("saving.txt", "\n\n".join(drawn) + "\n")
    assert os.listdir(home) == []
    with pytest.raises(RunError, match=r"E0708.*would hold 8 kB"):
        save(Access(str(home), limits=Limits(file=100)), "x.npy", {"A": np.ones(1000)}, None)


# --- parameters ----------------------------------------------------------------------------------------------------


def parameters() -> dict[str, torch.Tensor]:
    return {
        "enc.W": torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)),
        "enc.B": torch.nn.Parameter(torch.ones(2)),
        "R": torch.zeros(2),
    }


def test_parameters_there_and_back(home: Path, access: Access) -> None:
    given = parameters()
    save_params(access, "model.safetensors", given, None)
    blank = {name: torch.nn.Parameter(torch.full_like(t, 7)) for name, t in given.items()}
    load_params(access, "model.safetensors", blank, None)
    assert all(torch.equal(blank[name], given[name]) for name in given)
    raw = (home / "model.safetensors").read_bytes()
    assert str(home).encode() not in raw
    assert read_tensors(access, "model.safetensors", None)[1] == {"format": "tensorlang parameters", "version": "1"}


def test_the_same_parameters_give_the_same_bytes(home: Path, access: Access) -> None:
    save_params(access, "a.safetensors", parameters(), None)
    save_params(access, "b.safetensors", parameters(), None)
    assert (home / "a.safetensors").read_bytes() == (home / "b.safetensors").read_bytes()


def test_parameters_that_share_memory_and_other_precisions(access: Access) -> None:
    whole = torch.arange(4.0)
    save_params(access, "m.safetensors", {"A": whole[:2], "B": whole, "C": whole.reshape(2, 2).T}, None)
    found = {
        "A": torch.zeros(2, dtype=torch.float64),
        "B": torch.zeros(4, dtype=torch.bfloat16),
        "C": torch.zeros(2, 2),
    }
    load_params(access, "m.safetensors", found, None)
    assert found["A"].tolist() == [0, 1]
    assert found["C"].tolist() == [[0, 2], [1, 3]]


def test_complex_parameters_of_either_width(access: Access) -> None:
    given = {
        "Z": torch.randn(3, 2, dtype=torch.complex128),
        "z": torch.randn(2, dtype=torch.complex64),
        "X": torch.ones(2),
    }
    save_params(access, "m.safetensors", given, None)
    blank = {name: torch.zeros_like(tensor) for name, tensor in given.items()}
    load_params(access, "m.safetensors", blank, None)
    assert all(torch.equal(blank[name], given[name]) for name in given)


def test_some_parameters_by_name(access: Access) -> None:
    save_params(access, "m.safetensors", parameters(), None)
    here = {"enc.W": torch.zeros(2, 3), "other": torch.zeros(9)}
    load_params(access, "m.safetensors", here, None, ("enc.W",))
    assert here["enc.W"].sum() == 15


def test_parameters_that_do_not_fit(home: Path, access: Access, golden: Golden) -> None:
    save_params(access, "m.safetensors", parameters(), None)
    save(access, "data.safetensors", {f"T{n}": np.ones(n) for n in range(12)}, None)
    good = parameters()
    cases = [
        ("m.safetensors", {**good, "dec.W": torch.zeros(3)}, ()),
        ("m.safetensors", {"enc.W": good["enc.W"]}, ()),
        ("m.safetensors", {**good, "enc.W": torch.zeros(2, 4), "R": torch.tensor(0.0)}, ()),
        ("m.safetensors", {**good, "R": torch.zeros(2, dtype=torch.int64)}, ()),
        ("m.safetensors", {**good, "R": torch.zeros(2, dtype=torch.complex64)}, ()),
        ("m.safetensors", {**good, "dec.W": torch.zeros(3)}, ("dec.W", "R")),
        ("data.safetensors", good, ()),
        ("missing.safetensors", good, ()),
        ("m.pt", good, ()),
    ]
    drawn = []
    for path, params, names in cases:
        before = {name: tensor.clone() for name, tensor in params.items()}
        span = place(f'load {", ".join(names) or "params"} from "{path}"')
        drawn.append(message(lambda: load_params(access, path, params, span, names)))  # noqa: B023
        assert all(torch.equal(params[name], before[name]) for name in params)
    golden("parameters.txt", "\n\n".join(drawn) + "\n")


@pytest.mark.parametrize("keep", [0, 7, 60, -1])
def test_parameters_cut_short(home: Path, access: Access, keep: int) -> None:
    save_params(access, "m.safetensors", parameters(), None)
    whole = (home / "m.safetensors").read_bytes()
    (home / "m.safetensors").write_bytes(whole[:keep])
    here = parameters()
    here["R"] += 5
    with pytest.raises(RunError, match=r"E0713"):
        load_params(access, "m.safetensors", here, None)
    assert here["R"].tolist() == [5, 5]


def test_nothing_is_saved_as_code(access: Access) -> None:
    with pytest.raises(RunError, match=r"E0711.*`\.pt` is not a kind of file to keep parameters in"):
        save_params(access, "m.pt", parameters(), None)
    with pytest.raises(RunError, match=r"E0711"):
        got(access, "m.pkl")
    assert asked("m.pkl").path == "m.pkl"

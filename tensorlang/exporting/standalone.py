"""The Python file: the generated source with a class that reads its weights, and nothing to import but torch.

In: generated code and its signature. Out: the text, and the bytes of its weights as ``.safetensors``.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping

import torch

from tensorlang.backends.torch_module import Generated
from tensorlang.backends.torch_source import plain
from tensorlang.signature import MARK, Signature

_WORDS = {
    torch.float64: "F64", torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.int64: "I64",
    torch.bool: "BOOL", torch.complex64: "C64", torch.complex128: "F64",
}  # fmt: skip

_LOADER = '''

# Of each tensor: its element type and shape, and both as the file of the weights says them.
WEIGHTS = {table}


def load(path: str = os.path.join(os.path.dirname(os.path.abspath(__file__)), {weights})) -> "Model":
    """The model with its weights, read from a .safetensors file: a JSON header, then plain numbers."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    base = 8 + int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8:base]) if 8 < base <= len(content) else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ValueError(f"{{path}} is damaged: it is not a whole .safetensors file")
    unknown = sorted(header.keys() - WEIGHTS.keys() - {{"__metadata__"}})
    if unknown:
        raise ValueError(f"{{path}} is of another model: this one has no {{unknown[0]}}")
    values: Dict[str, Tensor] = {{}}
    for name, (dtype, shape, word, stored) in WEIGHTS.items():
        entry = header.get(name)
        if not isinstance(entry, dict):
            raise ValueError(f"{{path}} is of another model: it holds no {{name}}")
        if entry.get("dtype") != word or entry.get("shape") != stored:
            found = f"{{entry.get('dtype')}} {{entry.get('shape')}}"
            raise ValueError(f"{{path}} is of another model: {{name}} is {{found}} there, and {{word}} {{stored}} here")
        places = entry.get("data_offsets")
        length = math.prod(shape) * torch.empty(0, dtype=dtype).element_size()
        if not isinstance(places, list) or len(places) != 2 or places[0] not in range(len(content)):
            raise ValueError(f"{{path}} is damaged: its header is wrong about {{name}}")
        if places[1] != places[0] + length:
            raise ValueError(f"{{path}} is damaged: its header is wrong about {{name}}")
        part = content[base + places[0] : base + places[1]]
        if len(part) != length:
            raise ValueError(f"{{path}} is damaged: it ends before the last number of {{name}}")
        flat = torch.frombuffer(part or bytearray(1), dtype=torch.uint8)
        values[name] = flat[:length].view(dtype).reshape(shape)
    return Model(values).eval()
'''


def standalone(made: Generated, signed: Signature, name: str, values: Mapping[str, torch.Tensor]) -> str:
    """The text of the file called ``name``, for weights of the element types and shapes of ``values``."""
    stem = name.rpartition(".")[0]
    head, _, body = made.text.partition("\n\n")
    assert head.startswith('"""'), "generated code begins with its docstring"
    return "\n".join((
        *_introduction(signed, stem), f"{MARK}{signed.json()}", "", "import json", "import math", "import os",
        body.rstrip("\n"), "",
    )) + _LOADER.format(table=_table(values), weights=repr(f"{stem}.safetensors"))  # fmt: skip


def _introduction(signed: Signature, stem: str) -> list[str]:
    """The docstring: what the file is and how it is used."""
    usage = ", ".join(tensor.name for tensor in signed.inputs)
    start = [f"from {stem} import load", "model = load()"]
    if not stem.isidentifier() or keyword.iskeyword(stem):
        start = ["import runpy", f"model = runpy.run_path('{plain(stem)}.py')['load']()"]
    return [
        f'"""{plain(signed.source)}, compiled by tensorlang {signed.version} to plain torch; nothing else is needed.',
        "",
        f"    {start[0]}",
        f"    {start[1]}          # reads {plain(stem)}.safetensors beside this file",
        f"    model({usage})",
        "",
        *signed.lines()[1:-1],
        '"""',
    ]


def _table(values: Mapping[str, torch.Tensor]) -> str:
    rows = []
    for name, value in values.items():
        shape = list(value.shape)
        stored = [*shape, 2] if value.dtype == torch.complex128 else shape
        rows.append(f'    "{name}": ({value.dtype}, {shape}, "{_WORDS[value.dtype]}", {stored}),\n')
    return "{\n" + "".join(rows) + "}" if rows else "{}"


def packed(values: Mapping[str, torch.Tensor]) -> bytes:
    """Tensors as the bytes of a ``.safetensors`` file, which knows complex numbers of 128 bits as pairs of floats."""
    from safetensors.torch import save

    copies = {name: value.clone().contiguous() for name, value in values.items()}
    return save({n: torch.view_as_real(v) if v.dtype == torch.complex128 else v for n, v in copies.items()})

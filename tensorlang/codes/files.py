"""Codes of files and data (E07xx): which files a program may touch, and what may stand in them."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0701",
        "this program may touch no files",
        "A program that was given as text has no folder of its own, so there is nothing below which it could read "
        "or write. Save it as a `.tl` file, or name the folder when you run it.",
        'data X[n,i] = load("x.npy")',
    ),
    Code(
        "E0702",
        "not a path that a program may write down",
        "Paths in a program are made of names with `/` between them, so that one program means the same file on "
        "every system. Backslashes, drive letters, control characters and empty paths are refused.",
        'data X[n,i] = load("data\\x.npy")',
        'data X[n,i] = load("data/x.npy")',
    ),
    Code(
        "E0703",
        "an absolute path",
        "A program reaches the files in its own folder and below. A path that starts at the root of the file "
        "system is refused unless it lies in a folder that the command line allows with `--allow-read` or "
        "`--allow-write`: whoever runs a program decides what it may see, not whoever wrote it.",
        'data X[n,i] = load("/data/x.npy")',
        'data X[n,i] = load("x.npy")',
    ),
    Code(
        "E0704",
        "a path that climbs out with `..`",
        "`..` leads above a folder, and a program reaches only the files in its own folder and below. Move the "
        "file, or allow the other folder on the command line.",
        'data X[n,i] = load("../x.npy")',
        'data X[n,i] = load("x.npy")',
    ),
    Code(
        "E0705",
        "a link that leads out of the program's folder",
        "The name lies below the program's folder, but it is a symbolic link (or lies behind one) to somewhere "
        "else. Links are followed only as far as the folders that the program may use.",
    ),
    Code(
        "E0706",
        "not a plain file",
        "Folders, pipes, sockets and devices are neither read nor written: reading one may never end, and writing "
        "one may do anything.",
        'data X[n,i] = load("folder.npy")',
    ),
    Code(
        "E0707",
        "a file with a second name",
        "The file to be written has several names (hard links). Its other name may lie outside the folders that "
        "the program may write, so it is left alone. Delete this name first, or save under a new one.",
    ),
    Code(
        "E0708",
        "too large",
        "Before anything is read, the size that a file claims is compared with the limit for one file, counted as "
        "the 64-bit numbers that it becomes. A claim alone costs nothing; believing it could fill the machine's "
        "memory. Read a part with a range of rows, or raise the limit with `--limit-file`.",
        'data X[n,i] = load("huge.npy")',
        'data X[n,i] = load("huge.npy")[0:1000]',
    ),
    Code(
        "E0709",
        "no such file",
        "There is no file of that name below the program's folder. Paths count from the folder of the program, not "
        "from where you stand.",
        'data X[n,i] = load("digit.npy")',
        'data X[n,i] = load("digits.npy")',
    ),
    Code(
        "E0710",
        "the system refused",
        "The operating system would not open, read or write the file: a missing permission, a full disk, a name "
        "that is too long. A file that was to be written is as it was before.",
    ),
    Code(
        "E0711",
        "a kind of file that is not known here",
        "The kind of a file is told by its extension. `load` reads .npy .npz .csv .tsv .txt .json .safetensors "
        ".png and .parquet; `save` writes .npy .npz .csv .tsv .txt .json and .safetensors; parameters are kept as "
        ".safetensors; `plot` draws .png.",
        'data X[n,i] = load("x.xlsx")',
        'data X[n,i] = load("x.csv")',
    ),
    Code(
        "E0712",
        "a part that is not installed",
        "Some kinds of files need a library that a plain installation leaves out. The message names the extra that "
        "brings it.",
        "plot Loss",
    ),
    Code(
        "E0713",
        "a damaged file",
        "What the file says of itself does not fit what is in it: it was cut short, overwritten, or never was of "
        "the kind that its name says. Nothing of it was used.",
        'data X[n,i] = load("cut_short.npy")',
    ),
    Code(
        "E0714",
        "an archive that unpacks to far more than it holds",
        "A small archive can unpack to any amount of zeros. Unpacked and packed size are compared before "
        "unpacking; `--limit-expansion` sets the ratio that is believed.",
        'data X[n,i] = load("bomb.npz", "X")',
    ),
    Code(
        "E0715",
        "which array of the file",
        "A file with several arrays needs the name of one behind the path; a file of one array takes no name. In a "
        "table with a header the names are those of its columns.",
        'data X[n,i] = load("digits.npz")',
        'data X[n,i] = load("digits.npz", "X")',
    ),
    Code(
        "E0716",
        "rows that are not there",
        "A range of rows must lie inside the first axis. It is not cut to fit, since a program that silently "
        "trains on fewer rows than it asked for is hard to notice. Negative numbers count from the end.",
        'data X[n,i] = load("x.npy")[0:1500]   # x.npy has 1000 rows',
        'data X[n,i] = load("x.npy")[0:1000]',
    ),
    Code(
        "E0717",
        "elements that are not numbers",
        "Tensors hold real or complex numbers, whole numbers and truth values. Text, dates, records, Python "
        "objects, and numbers wider than 64 bits have no counterpart.",
        'data X[n,i] = load("names.npy")',
    ),
    Code(
        "E0718",
        "a cell that is not a number",
        "Tables are read as numbers, with at most one line of names above. A missing value must be written as "
        "`nan`, so that it is you who decides what it means.",
        "5.1,3.5,setosa",
        "5.1,3.5,0",
    ),
    Code(
        "E0719",
        "rows of different lengths",
        "A tensor has one size for each axis, so every row of a table and every list inside lists must be as long "
        "as its neighbours.",
        "[[1, 2], [3]]",
        "[[1, 2], [3, 0]]",
    ),
    Code(
        "E0720",
        "no numbers in the file",
        "The file is empty, or holds only a header or comments.",
    ),
    Code(
        "E0721",
        "not UTF-8 text",
        "Tables and JSON are read as UTF-8. Save the file again in that encoding (in a spreadsheet: `CSV UTF-8`).",
    ),
    Code(
        "E0722",
        "cannot be saved that way",
        "Not every kind of file can hold every tensor: tables hold one or two axes, text holds no complex numbers, "
        "JSON knows neither infinity nor nan. `.npz` and `.safetensors` hold several tensors, `.npy` any one.",
        'save A, B to "both.npy"',
        'save A, B to "both.npz"',
    ),
    Code(
        "E0723",
        "parameters that do not fit",
        "The names, shapes and kinds of numbers in the file are compared with the parameters of the program before "
        "any of them changes. The message lists what is missing, what is too much and what has another shape.",
        'load params from "another_model.safetensors"',
    ),
    Code(
        "E0724",
        "cannot be drawn",
        "A plot shows a real tensor: one axis as a line, two axes as a picture in colours.",
        "plot X          # X[b,y,x,c]",
        "plot Slice      # Slice[y,x] = X[0,y,x,0]",
    ),
    Code(
        "E0740",
        "not a file that `tensorlang compile` wrote",
        "`tensorlang inspect` reads the signature that `tensorlang compile` puts into its `.pt` and `.py` files: inputs "
        "and outputs with the names of their axes, and which program it was. This file holds none, or a damaged one.",
        "tensorlang inspect weights.safetensors",
        "tensorlang compile model.tl -o model.pt && tensorlang inspect model.pt",
    ),
    Code(
        "E0741",
        "no format for this ending",
        "The ending of the file says what is written: `.pt` is TorchScript, `.py` plain Python.",
        "tensorlang compile model.tl -o model.onnx",
        "tensorlang compile model.tl -o model.pt",
    ),
    Code(
        "E0742",
        "nothing to export",
        "An exported model returns the outputs of the program. Where every tensor is read by another equation, or "
        "there is no equation at all, it has none: an `output` declaration says what to return.",
        "tensorlang compile weights.tl -o weights.pt",
        "output Y",
    ),
    Code(
        "E0743",
        "a parameter whose size is not known yet",
        "A parameter takes its size from the inputs of the first call where no `dim` gives it. A file that is written "
        "before any call must know it: give the size, or weights that have it.",
        "tensorlang compile layer.tl -o layer.pt",
        "tensorlang compile layer.tl -o layer.pt --dim i=10",
    ),
    Code(
        "E0744",
        "an export that could not be tried",
        "`--check` draws random inputs of several sizes. Here none of the sizes tried fits what the program asks of "
        "its inputs, so nothing could be compared. Or the program draws random numbers itself on a device other than the "
        "CPU, where the export would draw others.",
        "tensorlang compile pool.tl -o pool.pt --check",
        "tensorlang compile pool.tl -o pool.pt --check --dim x=28",
    ),
    Code(
        "E0745",
        "a file that is there already",
        "An export never replaces a file unless asked to.",
        "tensorlang compile model.tl -o model.pt",
        "tensorlang compile model.tl -o model.pt --force",
    ),
    Code(
        "E0746",
        "an export that gives other numbers",
        "The exported model was run on the same random inputs as the program, and their results differ by more than "
        "rounding. The file was not written. That is a fault of tensorlang.",
        "tensorlang compile model.tl -o model.pt --check",
    ),
    Code(
        "E0747",
        "not data that a caller could give",
        "`--given X` turns data that the program loads from a file into an argument of the exported model. Inputs are "
        "arguments anyway; parameters go into the file; other tensors are computed.",
        "tensorlang compile digits.tl -o digits.pt --given W",
        "tensorlang compile digits.tl -o digits.pt --given TestImage",
    ),
    Code(
        "E0748",
        "an export over what it is made of",
        "An export to `OUT.py` also writes `OUT.safetensors`. Not even `--force` replaces the program itself, the weights "
        "that it was given, or data that it loads: they hold more than the export does.",
        "tensorlang compile model.tl -o model.py --load model.safetensors --force",
        "tensorlang compile model.tl -o layer.py --load model.safetensors",
    ),
    Code(
        "E0749",
        "no equations to print",
        "`tensorlang latex FILE` prints the equations of a program, `tensorlang latex FILE Y` those that compute `Y`. An "
        "input, a parameter or data has none.",
        "tensorlang latex model.tl X",
        "tensorlang latex model.tl Y",
    ),
    Code(
        "E0750",
        "a tensor that cannot be on pairs",
        '`explain --pairs R` (in Python `pairs=("R",)`) shows what a program becomes where a relation is given on its pairs. '
        "It names a relation of the program.",
        "tensorlang explain gcn.tl --pairs X",
        "tensorlang explain gcn.tl --pairs Edge",
    ),
)

"""Reads the declarations of API types out of gofmt-ed Go source: structs, named types, constants, comments, struct tags.

Not a Go parser: it relies on gofmt's layout (declarations start in column 0, one field a line) and stops with an error
where it meets something that it doesn't know, so that a new kind of declaration can't be lost silently.
"""

import os
import re


class Field:
    def __init__(self, name, type, tags, comment, embedded):
        self.go_name, self.type, self.tags, self.comment, self.embedded = name, type, tags, comment, embedded


class Type:
    def __init__(self, package, name, comment):
        self.package, self.name, self.comment = package, name, comment
        self.fields = None  # of a struct
        self.underlying = None  # of another named type


class Package:
    def __init__(self, path):
        self.path = path
        self.types = {}
        self.constants = {}  # name -> (type name or None, literal)
        self.imports = {}  # per file name -> alias -> path


TAG = re.compile(r'(\w+):"((?:[^"\\]|\\.)*)"')
STRUCT = re.compile(r"^type (\w+) struct ?\{(\})?\s*(//.*)?$")
NAMED = re.compile(r"^type (\w+) (=\s*)?([\w.\[\]*{}]+)\s*(//.*)?$")
EMBEDDED = re.compile(r"^\t(\*?[\w.]+)(?:\s+(`.*`))?\s*(?://.*)?$")
FIELD = re.compile(r"^\t(\w+)\s+([\w.\[\]*{}]+)(?:\s+(`.*`))?\s*(?://.*)?$")
CONSTANT = re.compile(r'^(?:const|\t)\s*(\w+)(?:\s+([\w.]+))?\s+=\s+(.+?)\s*(?://.*)?$')
CONVERTED = re.compile(r'^(\w+)\("([^"]*)"\)$')
IMPORT = re.compile(r'^(?:import|\t)\s*(?:(\w+)\s+)?"([^"]+)"')


def read_package(source_root, path):
    package = Package(path)
    folder = os.path.join(source_root, path)
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".go") or name.endswith("_test.go") or name.startswith("zz_generated"):
            continue
        if name in ("generated.pb.go", "types_swagger_doc_generated.go"):
            continue
        with open(os.path.join(folder, name)) as file:
            read_file(package, name, file.read().split("\n"))
    return package


def read_file(package, file_name, lines):
    imports = {}
    comment, index, block = [], 0, None
    while index < len(lines):
        line = lines[index]
        index += 1
        stripped = line.strip()
        if stripped.startswith("/*"):
            while "*/" not in lines[index - 1]:
                index += 1
            comment = []
            continue
        if stripped.startswith("//"):
            comment.append(stripped[2:].rstrip())
            continue
        if not stripped:
            comment = comment + [None] if comment else []  # a marker may stand apart from the doc comment
            continue
        if block:
            if line.startswith(")"):
                block = None
            elif block == "import":
                match = IMPORT.match(line)
                if match:
                    imports[match.group(1) or match.group(2).rsplit("/", 1)[-1]] = match.group(2)
            elif block == "const":
                constant(package, line)
            comment = []
            continue
        if line in ("import (", "const (", "var ("):
            block = line.split(" ")[0]
        elif line.startswith("import "):
            match = IMPORT.match(line)
            imports[match.group(1) or match.group(2).rsplit("/", 1)[-1]] = match.group(2)
        elif line.startswith("const "):
            constant(package, line)
        elif STRUCT.match(line):
            match = STRUCT.match(line)
            made = Type(package.path, match.group(1), comment)
            made.imports, made.fields = imports, []
            if not match.group(2):
                index = read_fields(made, lines, index)
            package.types[made.name] = made
        elif NAMED.match(line):
            match = NAMED.match(line)
            made = Type(package.path, match.group(1), comment)
            made.imports, made.underlying = imports, match.group(3)
            package.types[made.name] = made
        elif line.startswith(("func ", "var ")) and line.rstrip().endswith(("{", "(")):
            while not lines[index].startswith(("}", ")")):
                index += 1
        comment = []


def constant(package, line):
    match = CONSTANT.match(line)
    if not match:
        return
    name, type_name, literal = match.groups()
    converted = CONVERTED.match(literal)
    if converted:
        type_name, literal = converted.group(1), f'"{converted.group(2)}"'
    package.constants[name] = (type_name, literal)


def read_fields(made, lines, index):
    comment = []
    while True:
        line = lines[index]
        index += 1
        stripped = line.strip()
        if line.startswith("}"):
            return index
        if stripped.startswith("/*"):
            while "*/" not in lines[index - 1]:
                index += 1
            continue
        if not stripped:
            comment = []
        elif stripped.startswith("//"):
            comment.append(stripped[2:].rstrip())
        else:
            field = EMBEDDED.match(line)
            if field:
                name, type_name, tags, embedded = field.group(1).rsplit(".", 1)[-1], field.group(1), field.group(2), True
            else:
                field = FIELD.match(line)
                if not field:
                    if re.match(r"^\t\w+\s+func\(", line):
                        continue
                    raise SystemExit(f"{made.package}.{made.name}: can't read the field: {line!r}")
                name, type_name, tags, embedded = field.group(1), field.group(2), field.group(3), False
            made.fields.append(Field(name, type_name, dict(TAG.findall(tags or "")), comment, embedded))
            comment = []


MARKER = re.compile(r"^\s*\+([\w:]+)(?:=(.*))?$")


def markers(comment):
    """The +markers of a comment, as name -> list of values."""
    found = {}
    for line in comment:
        match = MARKER.match(line or "")
        if match:
            found.setdefault(match.group(1), []).append((match.group(2) or "").strip())
    return found


def documentation(comment):
    """The prose of a comment on one line: paragraphs and indented lines keep a line break, written as \\n."""
    while comment and comment[-1] is None:
        comment = comment[:-1]
    if None in comment:
        comment = comment[len(comment) - comment[::-1].index(None):]
    text, fresh = "", True
    for line in comment:
        line = line[1:] if line.startswith(" ") else line
        leading = line.strip()
        if leading.startswith("---"):
            break
        if leading.startswith(("+", "TODO")):
            continue
        if not leading:
            text, fresh = text.rstrip() + "\n\n", True
        elif line.startswith((" ", "\t")) or re.match(r"^([-*]|\d+\.) ", leading):
            text, fresh = text.rstrip(" ") + ("" if text.endswith("\n") or not text else "\n") + line.rstrip(), False
            text += "\n" if line.startswith((" ", "\t")) else ""
            fresh = text.endswith("\n")
        else:
            text, fresh = text + ("" if fresh else " ") + leading, False
    text = text.strip()
    return text.replace("\\", "\\\\").replace("\n", "\\n")

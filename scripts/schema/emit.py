"""Turns the declarations into the rows that Sources/KubeSchema reads. Sources/KubeSchema/SchemaText.swift tells the grammar."""

import json

from gotypes import documentation, markers
from packages import PACKAGES, SPECIAL

SHORT = {path: short for short, (path, _) in PACKAGES.items()}
SCALARS = {
    "string": "s", "bool": "b", "int32": "i", "int64": "l", "int": "l", "uint32": "i", "float64": "d", "float32": "f",
    "[]byte": "y", "interface{}": "!json", "any": "!json", "byte": "i", "uint64": "l",
}


class Rows:
    """The rows of all packages: only of what can be reached from the roots."""

    def __init__(self, packages):
        self.packages = packages
        self.types = {}  # (short, name) -> [line]
        self.docs = {}
        self.waiting = []

    def reach(self, path, name):
        key = (SHORT[path], name)
        if key not in self.types:
            self.types[key] = None
            self.waiting.append((self.packages[path].types[name], key))

    def finish(self):
        while self.waiting:
            made, key = self.waiting.pop()
            self.types[key], self.docs[key] = self.type_rows(made)

    def token(self, made, text):
        """The row form of a Go type expression that stands in `made`'s file."""
        if text in SCALARS:
            return SCALARS[text]
        if text.startswith("*"):
            return "*" + self.token(made, text[1:])
        if text.startswith("[]"):
            return "[]" + self.token(made, text[2:])
        if text.startswith("map["):
            return "{}" + self.token(made, text[text.index("]") + 1:])
        alias, _, name = text.rpartition(".")
        path = made.imports[alias] if alias else made.package
        if (path, name) in SPECIAL:
            return SPECIAL[(path, name)]
        if path not in SHORT:
            raise SystemExit(f"{made.package}.{made.name}: {text} is in {path}, which scripts/schema/packages.py doesn't list")
        if name not in self.packages[path].types:
            raise SystemExit(f"{made.package}.{made.name}: no declaration of {text}")
        self.reach(path, name)
        return ("" if path == made.package else SHORT[path]) + "." + name

    def type_rows(self, made):
        package = self.packages[made.package]
        found = markers([line for line in made.comment if line])
        prose = [f"+{made.name} {documentation(made.comment)}"]
        if made.fields is None:
            enum = ""
            if "enum" in found or "k8s:enum" in found:
                values = {json.loads(text) for kind, text in package.constants.values() if kind == made.name}
                enum = " enum=" + ",".join(sorted(values)).replace(" ", "~")
            message = " message" if "protobuf.nullable" in found else ""
            return [f"={made.name} {self.token(made, made.underlying)}{enum}{message}"], prose
        head = f"+{made.name}"
        if "structType" in found or "mapType" in found:
            head += " st=" + (found.get("structType") or found.get("mapType"))[0]
        lines = [head]
        for field in made.fields:
            line, doc = self.field_row(made, package, field)
            if line:
                lines.append(line)
            if doc:
                prose.append(doc)
        return lines, prose

    def field_row(self, made, package, field):
        name, *options = field.tags.get("json", "").split(",")
        if name == "-":
            return None, None
        found = markers(field.comment)
        protobuf = field.tags.get("protobuf", "").split(",")
        number = protobuf[1] if len(protobuf) > 1 else "0"
        if field.embedded and not name:
            if field.type.rsplit(".", 1)[-1] == "TypeMeta":
                number = "0"
            return f"^ {number} {self.token(made, field.type)}", None
        if not name:
            raise SystemExit(f"{made.package}.{made.name}.{field.go_name} has no JSON name")
        flags = ("o" if "omitempty" in options else "") + ("z" if "omitzero" in options else "")
        flags += ("O" if "optional" in found or "k8s:optional" in found else "")
        flags += ("R" if "required" in found or "k8s:required" in found else "")
        words = [name, number, self.token(made, field.type), flags or "-"]

        def add(key, values):
            if values and values[0]:
                words.append(f"{key}={','.join(values)}")

        add("ps", [field.tags.get("patchStrategy") or ",".join(found.get("patchStrategy", []))])
        add("pk", [field.tags.get("patchMergeKey") or ",".join(found.get("patchMergeKey", []))])
        add("lt", found.get("listType"))
        add("lk", found.get("listMapKey"))
        add("mt", found.get("mapType"))
        add("st", found.get("structType"))
        if "default" in found:
            add("df", [self.default(package, found["default"][0])])
        doc = documentation(field.comment)
        return " ".join(words), f"{name} {doc}" if doc else None

    def default(self, package, text):
        if text.startswith("ref("):
            text = package.constants[text[4:-1]][1]
        value = json.dumps(json.loads(text), separators=(",", ":"))
        if " " in value:
            raise SystemExit(f"{package.path}: a default with a space: {value}")
        return value


def check_numbers(packages, protos):
    """Every protobuf number in a struct tag is the one in generated.proto."""
    wrong = []
    for path, messages in protos.items():
        for made in packages[path].types.values():
            if made.fields is None or made.name not in (messages or {}):
                continue
            for field in made.fields:
                words = field.tags.get("protobuf", "").split(",")
                names = [w[5:] for w in words if w.startswith("name=")]
                if len(words) < 2 or not names:
                    continue
                number = messages[made.name].get(names[0])
                if number is not None and number != int(words[1]):
                    wrong.append(f"{path}.{made.name}.{names[0]}: tag {words[1]}, generated.proto {number}")
    if wrong:
        raise SystemExit("\n".join(wrong))


NOTICE = """\
// Generated by scripts/generate-schema. Don't edit: run the script again.
//
// {what}
"""


def swift_file(name, what, lines):
    text = "\n".join(line.rstrip() for line in lines)
    if '"""' in text:
        raise SystemExit(f"{name}: the text would end its literal")
    # swift-format mustn't touch generated text, and the rows need no line limit.
    return (
        NOTICE.format(what=what)
        + f"\n// swift-format-ignore-file\n\nextension SchemaText {{\n"
        + f'    static let {name}: StaticString = #"""\n{text}\n"""#\n}}\n'
    )

internal import Yams

/// YAML to and from JSON values, by libyaml.
public enum YAML {
    /// How many nodes a text may unfold to per byte-bounded document: aliases that multiply past it are refused.
    static let maximumNodes = 400_000

    /// Reads every document of a text. Empty documents are left out.
    ///
    /// Scalars follow the rules of YAML 1.1 that upstream's decoder keeps: `yes` and `on` are booleans, `0x10` and `0o7` are integers, only quoted
    /// text is surely a string.
    /// - Throws: `ObjectError` with the line where the text is wrong.
    public static func parse(_ text: some Collection<UInt8>) throws(ObjectError) -> [JSON] {
        do {
            var documents: [JSON] = []
            var budget = maximumNodes
            let parser = try Parser(yaml: String(decoding: text, as: UTF8.self))
            while let node = try parser.nextRoot() {
                let value = try convert(node, depth: 0, budget: &budget)
                if !value.isNull { documents.append(value) }
            }
            return documents
        } catch let error as ObjectError {
            throw error
        } catch YamlError.parser(_, let problem, let mark, _) {
            // Upstream counts lines from 0 where the structure is wrong, from 1 where a token is.
            let line = mark.line > 1 ? "line \(mark.line - 1): " : ""
            throw ObjectError("error converting YAML to JSON: yaml: \(line)\(problem)")
        } catch YamlError.scanner(_, let problem, let mark, _) {
            throw ObjectError("error converting YAML to JSON: yaml: line \(mark.line): \(problem)")
        } catch {
            throw ObjectError("error converting YAML to JSON: yaml: \(error)")
        }
    }

    /// One document, in block style, keys in the order of their bytes.
    public static func encode(_ value: JSON) -> String {
        var output = ""
        write(value, indentation: 0, isInline: false, to: &output)
        return output
    }

    private static func convert(_ node: Node, depth: Int, budget: inout Int) throws(ObjectError) -> JSON {
        budget -= 1
        guard budget > 0 else { throw ObjectError("error converting YAML to JSON: yaml: document contains excessive aliasing") }
        guard depth < JSONParser.stackDepth else { throw ObjectError("error converting YAML to JSON: yaml: exceeded max depth") }
        switch node {
        case .scalar(let scalar): return resolve(scalar)
        case .sequence(let sequence):
            var elements: [JSON] = []
            for element in sequence { elements.append(try convert(element, depth: depth + 1, budget: &budget)) }
            return .array(elements)
        case .mapping(let mapping):
            var members: [(String, JSON)] = []
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw ObjectError("error converting YAML to JSON: yaml: a key must be a scalar")
                }
                let child = try convert(value, depth: depth + 1, budget: &budget)
                if scalar.string == "<<", scalar.style == .plain, case .object(let merged) = child {
                    members = merged.map { ($0.key, $0.value) } + members
                } else {
                    members.append((scalar.string, child))
                }
            }
            return .object(JSONObject(members))
        case .alias: throw ObjectError("error converting YAML to JSON: yaml: unknown anchor")
        }
    }

    private static func resolve(_ scalar: Node.Scalar) -> JSON {
        let text = scalar.string
        guard scalar.style == .plain || scalar.style == .any, Node.scalar(scalar).tag != Tag(.str) else { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
        default: return number(text) ?? .string(text)
        }
    }

    static func number(_ text: String) -> JSON? {
        guard let first = text.utf8.first, first &- 0x30 < 10 || first == 0x2D || first == 0x2B || first == 0x2E else {
            return nil
        }
        let plain = text.replacing("_", with: "")
        let isNegative = plain.hasPrefix("-")
        let digits = plain.hasPrefix("-") || plain.hasPrefix("+") ? plain.dropFirst() : plain[...]
        func radix(_ radix: Int, _ digits: Substring) -> JSON? {
            guard let value = Int64(digits, radix: radix), !digits.hasPrefix("-"), !digits.hasPrefix("+") else { return nil }
            return .int(isNegative ? -value : value)
        }
        if digits.hasPrefix("0x") { return radix(16, digits.dropFirst(2)) }
        if digits.hasPrefix("0b") { return radix(2, digits.dropFirst(2)) }
        if digits.hasPrefix("0o") { return radix(8, digits.dropFirst(2)) }
        if digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }) {
            if digits.count > 1, digits.hasPrefix("0"), let octal = radix(8, digits) { return octal }
            if let value = Int64(plain) { return .int(value) }
        }
        guard digits.utf8.contains(where: { $0 &- 0x30 < 10 }),
            digits.utf8.allSatisfy({ $0 &- 0x30 < 10 || [0x2E, 0x65, 0x45, 0x2B, 0x2D].contains($0) }), let value = Double(plain),
            value.isFinite
        else { return nil }
        return .double(value)
    }
}

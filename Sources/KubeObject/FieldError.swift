/// One thing that is wrong with one field, in upstream's words (`k8s.io/apimachinery` field errors).
public struct FieldError: Sendable, Hashable, CustomStringConvertible {
    public enum ErrorType: String, Sendable {
        case notFound = "FieldValueNotFound"
        case required = "FieldValueRequired"
        case duplicate = "FieldValueDuplicate"
        case invalid = "FieldValueInvalid"
        case notSupported = "FieldValueNotSupported"
        case forbidden = "FieldValueForbidden"
        case tooLong = "FieldValueTooLong"
        case tooMany = "FieldValueTooMany"
        case internalError = "InternalError"
        case typeInvalid = "FieldValueTypeInvalid"

        var title: String {
            switch self {
            case .notFound: "Not found"
            case .required: "Required value"
            case .duplicate: "Duplicate value"
            case .invalid, .typeInvalid: "Invalid value"
            case .notSupported: "Unsupported value"
            case .forbidden: "Forbidden"
            case .tooLong: "Too long"
            case .tooMany: "Too many"
            case .internalError: "Internal error"
            }
        }
    }

    public var type: ErrorType
    /// `spec.containers[0].name`.
    public var path: String
    /// The value that is wrong; not shown for `required`, `forbidden`, `tooLong` and `internalError`.
    public var badValue: JSON?
    public var detail: String
    /// The bad value as upstream prints it, where that isn't its JSON (upstream's own types have other names for their fields).
    public var shownValue: String?

    public init(
        _ type: ErrorType, _ path: String, _ badValue: JSON? = nil, _ detail: String = "", shownValue: String? = nil
    ) {
        self.shownValue = shownValue
        self.type = type
        self.path = path
        self.badValue = badValue
        self.detail = detail
    }

    public static func required(_ path: String, _ detail: String = "") -> FieldError { FieldError(.required, path, nil, detail) }
    public static func invalid(_ path: String, _ value: JSON?, _ detail: String) -> FieldError {
        FieldError(.invalid, path, value ?? .null, detail)
    }
    public static func duplicate(_ path: String, _ value: JSON) -> FieldError { FieldError(.duplicate, path, value) }
    public static func forbidden(_ path: String, _ detail: String) -> FieldError { FieldError(.forbidden, path, nil, detail) }
    public static func notFound(_ path: String, _ value: JSON) -> FieldError { FieldError(.notFound, path, value) }
    public static func notSupported(_ path: String, _ value: JSON, _ supported: [String]) -> FieldError {
        let list = supported.map { JSON.string($0).text }.joined(separator: ", ")
        return FieldError(.notSupported, path, value, list.isEmpty ? "" : "supported values: \(list)")
    }
    public static func tooLong(_ path: String, maximum: Int) -> FieldError {
        FieldError(.tooLong, path, nil, "may not be more than \(maximum) bytes")
    }
    public static func tooMany(_ path: String, _ actual: Int, maximum: Int) -> FieldError {
        FieldError(.tooMany, path, .int(Int64(actual)), "must have at most \(maximum) items")
    }

    /// Without the path, as `message` of a cause has it.
    public var body: String {
        var text = type.title
        switch type {
        case .required, .forbidden, .tooLong, .internalError: break
        default:
            switch badValue {
            case _ where shownValue != nil: text += ": \(shownValue ?? "")"
            case nil: break
            case .null?: text += ": null"
            case .string(let value)?: text += ": \(Self.quoted(value))"
            case let value?: text += ": \(value.text)"
            }
        }
        if !detail.isEmpty { text += ": \(detail)" }
        return text
    }

    /// Text as Go quotes it: as JSON does, but for what can't be seen.
    private static func quoted(_ text: String) -> String {
        let json = JSON.string(text).text
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return json }
        let short: [Unicode.Scalar: String] = [
            "\u{7}": "\\a", "\u{8}": "\\b", "\u{B}": "\\v", "\u{C}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
        ]
        var result = "\""
        for scalar in text.unicodeScalars {
            if let escape = short[scalar] {
                result += escape
            } else if scalar.value < 0x20 || scalar.value == 0x7F {
                result += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            } else {
                if scalar == "\"" || scalar == "\\" { result += "\\" }
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    public var description: String { path.isEmpty ? body : "\(path): \(body)" }

    /// An entry of `details.causes`.
    public var cause: JSON { ["reason": .string(type.rawValue), "message": .string(body), "field": .string(path)] }
}

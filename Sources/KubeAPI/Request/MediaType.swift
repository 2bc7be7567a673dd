import KubeObject
import KubeSchema

/// A media type with its parameters, lower-cased except for values.
struct MediaType: Sendable, Equatable {
    var name: String
    var parameters: [String: String]

    init(_ text: some StringProtocol) {
        let parts = text.split(separator: ";").map { Self.trim($0) }
        self.name = parts.first?.lowercased() ?? ""
        self.parameters = [:]
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1).map { Self.trim($0) }
            guard pair.count == 2 else { continue }
            self.parameters[pair[0].lowercased()] = pair[1].trimmingQuotes
        }
    }

    private static func trim(_ text: some StringProtocol) -> String {
        var text = Substring(text)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// Whether a type, or what it has a wildcard for, is `name`.
    func matches(_ name: String) -> Bool {
        self.name == name || self.name == "*/*"
            || self.name.hasSuffix("/*") && name.hasPrefix(self.name.dropLast())
    }

    /// The types of an `Accept` header, most wanted first.
    static func accepted(_ headers: [String]) -> [MediaType] {
        let all = headers.flatMap { $0.split(separator: ",") }.prefix(32).map { MediaType($0) }
        func quality(_ type: MediaType) -> Double { type.parameters["q"].flatMap(Double.init) ?? 1 }
        return all.enumerated().filter { quality($0.element) > 0 }
            .sorted { (quality($0.element), $1.offset) > (quality($1.element), $0.offset) }.map(\.element)
    }
}

extension String {
    fileprivate var trimmingQuotes: String {
        self.count >= 2 && self.hasPrefix("\"") && self.hasSuffix("\"") ? String(self.dropFirst().dropLast()) : self
    }
}

/// What of an object a client wants, and in which coding.
struct Representation: Sendable, Equatable {
    enum Coding: Sendable, Equatable, CaseIterable {
        case json
        case yaml
        /// `application/vnd.kubernetes.protobuf`.
        case protobuf

        var mediaType: String {
            switch self {
            case .json: "application/json"
            case .yaml: "application/yaml"
            case .protobuf: Protobuf.mediaType
            }
        }
    }

    enum Form: Sendable, Equatable {
        case object
        /// `meta.k8s.io` version `v1` or `v1beta1`.
        case table(version: String)
        case partialMetadata(version: String)
        case partialMetadataList(version: String)

        /// What the parameters `as`, `g` and `v` of a media type ask for; nil when nobody can give that.
        init?(_ type: MediaType) {
            guard ["as", "g", "v"].contains(where: { type.parameters[$0] != nil }) else {
                self = .object
                return
            }
            let version = type.parameters["v"] ?? ""
            guard type.parameters["g"] == "meta.k8s.io", version == "v1" || version == "v1beta1" else { return nil }
            switch type.parameters["as"] {
            case "Table": self = .table(version: version)
            case "PartialObjectMetadata": self = .partialMetadata(version: version)
            case "PartialObjectMetadataList": self = .partialMetadataList(version: version)
            default: return nil
            }
        }

        func hasProtobuf(of objects: Bool) -> Bool {
            switch self {
            case .object: objects
            case .table: false
            case .partialMetadata, .partialMetadataList: true
            }
        }
    }

    var coding: Coding
    var form: Form
    var isPretty = false

    static let plain = Representation(coding: .json, form: .object)
    static let supported = Coding.allCases.map(\.mediaType)

    /// Chooses what can be given of an `Accept` header, most wanted first; among what a type with a wildcard allows, JSON.
    ///
    /// - Parameters:
    ///   - allowsForms: whether tables and partial metadata can be had here.
    ///   - hasProtobuf: whether whole objects have a protobuf form: custom resources have none.
    /// - Throws: 406.
    init(accept: [String], allowsForms: Bool, hasProtobuf: Bool = true) throws(StatusError) {
        let types = MediaType.accepted(accept)
        guard !types.isEmpty else {
            self = .plain
            return
        }
        for type in types {
            guard type.parameters["stream"].map({ $0 == "watch" || $0.isEmpty }) ?? true, let form = Form(type) else { continue }
            if form != .object, !allowsForms { continue }
            for coding in Coding.allCases where type.matches(coding.mediaType) {
                // A table has no protobuf form anywhere.
                if coding == .protobuf, !form.hasProtobuf(of: hasProtobuf) { continue }
                self.init(coding: coding, form: form)
                self.isPretty = type.parameters["pretty"] == "1"
                return
            }
        }
        throw .notAcceptable(Self.supported)
    }

    init(coding: Coding, form: Form) {
        self.coding = coding
        self.form = form
    }

    var contentType: String { self.coding.mediaType }
}

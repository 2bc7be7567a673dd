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
    enum Coding: Sendable, Equatable {
        case json
        case yaml
        /// `application/vnd.kubernetes.protobuf`; whole objects only.
        case protobuf
    }

    enum Form: Sendable, Equatable {
        case object
        /// `meta.k8s.io` version `v1` or `v1beta1`.
        case table(version: String)
        case partialMetadata(version: String)
    }

    var coding: Coding
    var form: Form
    var isPretty = false

    static let plain = Representation(coding: .json, form: .object)
    static let supported = ["application/json", "application/yaml", Protobuf.mediaType]

    /// Chooses the first type of an `Accept` header that can be given. Protobuf is only given to clients that take nothing else:
    /// whoever takes JSON as well gets stored bytes.
    /// - Parameter allowsForms: whether tables and partial metadata can be had here.
    /// - Throws: 406.
    init(accept: [String], allowsForms: Bool) throws(StatusError) {
        let types = MediaType.accepted(accept)
        guard !types.isEmpty else {
            self = .plain
            return
        }
        for type in types {
            let coding: Coding
            switch type.name {
            case "application/json", "*/*", "application/*": coding = .json
            case "application/yaml": coding = .yaml
            default: continue
            }
            guard let form = type.parameters["as"] else {
                self.init(coding: coding, form: .object)
                return
            }
            let version = type.parameters["v"] ?? ""
            guard allowsForms, type.parameters["g"] == "meta.k8s.io", version == "v1" || version == "v1beta1" else { continue }
            switch form {
            case "Table": self.init(coding: coding, form: .table(version: version))
            case "PartialObjectMetadata", "PartialObjectMetadataList":
                self.init(coding: coding, form: .partialMetadata(version: version))
            default: continue
            }
            return
        }
        guard types.contains(where: { $0.name == Protobuf.mediaType && $0.parameters["as"] == nil }) else {
            throw .notAcceptable(Self.supported)
        }
        self.init(coding: .protobuf, form: .object)
    }

    init(coding: Coding, form: Form) {
        self.coding = coding
        self.form = form
    }

    var contentType: String {
        switch self.coding {
        case .json: "application/json"
        case .yaml: "application/yaml"
        case .protobuf: Protobuf.mediaType
        }
    }
}

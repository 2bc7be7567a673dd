// libyaml itself, which comes with Yams: Yams' own reader refuses what stands twice, without a way to take it.
internal import CYaml

/// Reads YAML event by event, straight into JSON values.
///
/// Nesting is bounded by libyaml and by `JSONParser.stackDepth`, and so is what aliases unfold to.
struct YAMLReader: ~Copyable {
    private var parser = yaml_parser_t()
    private var event = yaml_event_t()
    private var hasEvent = false
    /// What is left of the nodes that a text may unfold to.
    private var budget = YAML.maximumNodes
    /// Values that aliases may name, with how many nodes they are.
    private var anchors: [String: (value: JSON, nodes: Int)] = [:]
    private var repeated: [YAML.RepeatedKey] = []

    private init() { yaml_parser_initialize(&parser) }

    deinit {
        // The copies share what they point to with the stored ones, which nobody uses any more.
        var event = event
        if hasEvent { yaml_event_delete(&event) }
        var parser = parser
        yaml_parser_delete(&parser)
    }

    /// Every document that isn't empty.
    static func read(_ bytes: [UInt8], repeated: inout [YAML.RepeatedKey]) throws(ObjectError) -> [JSON] {
        let outcome = bytes.withUnsafeBufferPointer { buffer -> Result<([JSON], [YAML.RepeatedKey]), ObjectError> in
            var reader = YAMLReader()
            yaml_parser_set_input_string(&reader.parser, buffer.baseAddress, buffer.count)
            do throws(ObjectError) {
                let documents = try reader.documents()
                return .success((documents, reader.repeated))
            } catch {
                return .failure(error)
            }
        }
        let (documents, found) = try outcome.get()
        repeated += found
        return documents
    }

    private mutating func documents() throws(ObjectError) -> [JSON] {
        var documents: [JSON] = []
        while true {
            try next()
            switch event.type {
            case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return documents
            case YAML_DOCUMENT_START_EVENT:
                anchors.removeAll()
                try next()
                let value = try node(depth: 0)
                if !value.isNull { documents.append(value) }
            default: break
            }
        }
    }

    private mutating func next() throws(ObjectError) {
        if hasEvent { yaml_event_delete(&event) }
        hasEvent = yaml_parser_parse(&parser, &event) == 1
        guard hasEvent else { throw problem }
    }

    private static func failure(_ why: String) -> ObjectError { ObjectError("error converting YAML to JSON: yaml: \(why)") }

    private var problem: ObjectError {
        let detail = parser.problem.map { String(cString: $0) } ?? "unknown problem"
        let line = parser.problem_mark.line
        switch parser.error {
        // Upstream counts lines from 0 where the structure is wrong, from 1 where a token is.
        case YAML_SCANNER_ERROR: return Self.failure("line \(line + 1): \(detail)")
        case YAML_PARSER_ERROR: return Self.failure(line > 0 ? "line \(line): \(detail)" : detail)
        default: return Self.failure(detail)
        }
    }

    // MARK: Values

    private mutating func node(depth: Int) throws(ObjectError) -> JSON {
        guard depth < JSONParser.stackDepth else { throw Self.failure("exceeded max depth") }
        let before = budget
        try spend(1)
        let anchor: String?
        let value: JSON
        switch event.type {
        case YAML_ALIAS_EVENT:
            let name = Self.text(event.data.alias.anchor) ?? ""
            guard let known = anchors[name] else { throw Self.failure("unknown anchor '\(name)' referenced") }
            try spend(known.nodes)
            return known.value
        case YAML_SCALAR_EVENT:
            anchor = Self.text(event.data.scalar.anchor)
            value = scalar()
        case YAML_SEQUENCE_START_EVENT:
            anchor = Self.text(event.data.sequence_start.anchor)
            value = try sequence(depth)
        case YAML_MAPPING_START_EVENT:
            anchor = Self.text(event.data.mapping_start.anchor)
            value = try mapping(depth)
        default: throw Self.failure("did not find expected node content")
        }
        if let anchor { anchors[anchor] = (value, before - budget) }
        return value
    }

    private mutating func spend(_ nodes: Int) throws(ObjectError) {
        budget -= nodes
        guard budget > 0 else { throw Self.failure("document contains excessive aliasing") }
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func scalar() -> JSON {
        let scalar = event.data.scalar
        let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        guard scalar.style == YAML_PLAIN_SCALAR_STYLE else { return .string(text) }
        switch Self.text(scalar.tag) {
        case "tag:yaml.org,2002:str", "!": return .string(text)
        default: return YAML.resolve(text)
        }
    }

    private mutating func sequence(_ depth: Int) throws(ObjectError) -> JSON {
        var elements: [JSON] = []
        try next()
        while event.type != YAML_SEQUENCE_END_EVENT {
            elements.append(try node(depth: depth + 1))
            try next()
        }
        return .array(elements)
    }

    private mutating func mapping(_ depth: Int) throws(ObjectError) -> JSON {
        var members: [(String, JSON)] = []
        var known: Set<String> = []
        // What is merged in counts less than what stands in the mapping itself.
        var merged: [(String, JSON)] = []
        try next()
        while event.type != YAML_MAPPING_END_EVENT {
            guard event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT else {
                throw Self.failure("a key must be a scalar")
            }
            let isPlain = event.type == YAML_SCALAR_EVENT && event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
            let key = try node(depth: depth + 1)
            try next()
            let line = Int(event.start_mark.line) + 1
            let value = try node(depth: depth + 1)
            try next()
            let name = try Self.name(key)
            if isPlain, name == "<<", let parts = Self.mergeable(value) {
                merged += parts
                continue
            }
            if !known.insert(name).inserted, repeated.count < 100 {
                repeated.append(YAML.RepeatedKey(line: line, key: key.string == nil ? name : JSON.string(name).text))
            }
            members.append((name, value))
        }
        return .object(JSONObject(merged + members))
    }

    /// How JSON writes a key that needn't be text.
    private static func name(_ key: JSON) throws(ObjectError) -> String {
        switch key {
        case .string(let text): return text
        case .null: return "null"
        case .bool, .int, .double: return key.text
        case .array, .object: throw failure("a key must be a scalar")
        }
    }

    /// The members that `<<: value` merges in; of several mappings the first counts most. Nil for what can't be merged.
    private static func mergeable(_ value: JSON) -> [(String, JSON)]? {
        switch value {
        case .object(let object): return object.map { ($0.key, $0.value) }
        case .array(let parts):
            var members: [(String, JSON)] = []
            for part in parts.reversed() {
                guard let object = part.object else { return nil }
                members += object.map { ($0.key, $0.value) }
            }
            return members
        default: return nil
        }
    }
}

import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

/// Turns what the registry answers into responses. Stored bytes are sent as they are wherever the client takes JSON.
extension APIServer {
    func encode(
        _ result: WriteResult, _ resource: ResourceType, _ representation: Representation, _ call: Call, warnings: [String] = []
    ) throws(StatusError) -> APIResponse {
        var response = try self.encode(result.answer, resource, representation, call)
        response.status = result.code
        for warning in (warnings + result.warnings).prefix(32) {
            response.headers.append(HTTPField(name: .warning, value: WarningHeader.value(warning)))
        }
        return response
    }

    func encode(
        _ answer: Answer, _ resource: ResourceType, _ representation: Representation, _ call: Call
    ) throws(StatusError) -> APIResponse {
        if case .object = representation.form, representation.coding == .json, !representation.isPretty {
            return .json(answer.bytes + [UInt8(ascii: "\n")])
        }
        return try self.document(try self.tree(answer, resource, representation, call), representation, call)
    }

    /// The answer in the form that the client wants.
    func tree(
        _ answer: Answer, _ resource: ResourceType, _ representation: Representation, _ call: Call
    ) throws(StatusError) -> JSON {
        switch representation.form {
        case .object: return answer.tree
        case .table(let version):
            guard let object = answer.object else { return answer.tree }
            var table = try TableDocument(resource, version: version, call.request.query).document(
                [object], metadata: [:])
            if object.metadata.resourceVersion > 0 {
                table["metadata"] = ["resourceVersion": .string(String(object.metadata.resourceVersion))]
            }
            return table
        case .partialMetadata(let version):
            guard let object = answer.object else { return answer.tree }
            return PartialMetadata.document(object, version: version)
        }
    }

    /// A list, put together from the objects' stored bytes.
    func encode(
        _ result: ListResult, _ resource: ResourceType, _ representation: Representation, _ call: Call
    ) throws(StatusError) -> APIResponse {
        switch representation.form {
        case .object:
            guard representation.coding == .json, !representation.isPretty else {
                let items = result.objects.map(\.tree)
                return try self.document(
                    [
                        "kind": .string(resource.listKind), "apiVersion": .string(resource.apiVersion),
                        "metadata": result.metadata, "items": .array(items),
                    ], representation, call)
            }
            return ListBody(result, resource, permit: call.permit).response
        case .table(let version):
            let table = try TableDocument(resource, version: version, call.request.query)
            return try self.document(table.document(result.objects, metadata: result.metadata), representation, call)
        case .partialMetadata(let version):
            let items = result.objects.map { PartialMetadata.document($0, version: version) }
            return try self.document(
                [
                    "kind": "PartialObjectMetadataList", "apiVersion": .string("meta.k8s.io/\(version)"),
                    "metadata": result.metadata, "items": .array(items),
                ], representation, call)
        }
    }

    func document(_ tree: JSON, _ representation: Representation, _ call: Call) throws(StatusError) -> APIResponse {
        switch representation.coding {
        case .json:
            return .json(
                representation.isPretty ? Array((tree.pretty() + "\n").utf8) : tree.encoded() + [UInt8(ascii: "\n")])
        case .protobuf:
            return APIResponse(
                status: 200, headers: [.contentType: Protobuf.mediaType], body: .bytes(try self.protobuf(tree, call)))
        case .yaml:
            return APIResponse(
                status: 200, headers: [.contentType: "application/yaml"], body: .bytes(Array(YAML.encode(tree).utf8)))
        }
    }
}

extension APIServer {
    /// - Throws: 406 for kinds that have no protobuf form.
    func protobuf(_ tree: JSON, _ call: Call) throws(StatusError) -> [UInt8] {
        do {
            return try Protobuf.encode(tree, schema: self.registry.schema(of: call.cluster))
        } catch {
            throw .notAcceptable(["application/json", "application/yaml"])
        }
    }
}

/// `Warning` headers (RFC 7234, section 5.5) as upstream writes them.
enum WarningHeader {
    static func value(_ text: String) -> String {
        var quoted = ""
        for scalar in text.unicodeScalars.prefix(1024) {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f: quoted += " "
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return "299 - \"\(quoted)\""
    }
}

/// An object cut down to its metadata.
enum PartialMetadata {
    static func document(_ object: Object, version: String) -> JSON {
        [
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": object.tree["metadata"] ?? [:],
        ]
    }
}

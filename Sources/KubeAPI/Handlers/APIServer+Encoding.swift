import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema

/// Turns what the registry answers into responses. Stored bytes are sent as they are wherever the client takes JSON.
extension APIServer {
    func encode(
        _ result: WriteResult, _ resource: ResourceType, _ representation: Representation, _ call: Call
    ) throws(StatusError) -> APIResponse {
        var response = try self.encode(result.answer, resource, representation, call)
        response.status = result.code
        for value in WarningHeader.values(result.warnings) {
            response.headers.append(HTTPField(name: .warning, value: value))
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
        case .partialMetadataList:
            guard answer.object != nil else { return answer.tree }
            if resource.definition != nil { throw StatusError(code: 500, reason: "", message: "content is not a list") }
            throw PartialMetadata.notAcceptable("PartialObjectMetadataList", "not a list", resource, resource.kind)
        }
    }

    /// A list, put together from the objects' stored bytes.
    func encode(
        _ result: ListResult, _ resource: ResourceType, _ representation: Representation, _ call: Call
    ) throws(StatusError) -> APIResponse {
        do {
            let coding = try self.coding(of: result, resource, representation, call)
            return try ListBody(objects: result.objects, coding: coding, permit: call.permit, others: self.shortRequests)
                .response()
        } catch let error as StatusError {
            throw error
        } catch {
            throw .notAcceptable(["application/json", "application/yaml"])
        }
    }

    private func coding(
        of result: ListResult, _ resource: ResourceType, _ representation: Representation, _ call: Call
    ) throws -> any ListCoding {
        let isProtobuf = representation.coding == .protobuf
        let isEmpty = result.objects.count == 0
        switch representation.form {
        case .object:
            let metadata = ItemPrefix.metadata(result, resource)
            if isProtobuf {
                let list = try ProtobufList(
                    apiVersion: resource.apiVersion, listKind: resource.listKind, metadata: metadata,
                    schema: self.registry.schema(of: call.cluster))
                return ProtobufListCoding(list: list, isWhole: true)
            }
            if representation.coding == .json, !representation.isPretty { return StoredListCoding(result, resource) }
            return DocumentListCoding(
                ["kind": .string(resource.listKind), "apiVersion": .string(resource.apiVersion), "metadata": metadata],
                member: "items", isEmpty: isEmpty, representation
            ) { ItemPrefix.tree($0, resource) }
        case .table(let version):
            let table = try TableDocument(resource, version: version, call.request.query)
            return DocumentListCoding(
                table.envelope(metadata: result.metadata), member: "rows", isEmpty: isEmpty, representation
            ) { table.row($0) }
        case .partialMetadata:
            throw PartialMetadata.notAcceptable("PartialObjectMetadata", "a list", resource, resource.listKind)
        case .partialMetadataList(let version):
            if isProtobuf {
                let list = try ProtobufList(
                    partialMetadata: version, metadata: result.metadata, schema: self.registry.schema)
                return ProtobufListCoding(list: list, isWhole: false)
            }
            return DocumentListCoding(
                [
                    "kind": "PartialObjectMetadataList", "apiVersion": .string("meta.k8s.io/\(version)"),
                    "metadata": result.metadata,
                ], member: "items", isEmpty: isEmpty, representation
            ) { PartialMetadata.document($0, version: version) }
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
            let schema = self.registry.schema(of: call.cluster)
            if let document = try Protobuf.encodePartialMetadata(tree, schema: schema) { return document }
            return try Protobuf.encode(tree, schema: schema)
        } catch {
            throw .notAcceptable(["application/json", "application/yaml"])
        }
    }

    /// An error as the `Status` that upstream sends, in the coding that the client takes; JSON when there is none.
    func failure(_ failure: StatusError, _ request: APIRequest) -> APIResponse {
        var response = APIResponse.failure(failure)
        for value in WarningHeader.values(failure.warnings) {
            response.headers.append(HTTPField(name: .warning, value: value))
        }
        do {
            var representation = try Representation(accept: request.headers[values: .accept], allowsForms: false)
            representation.isPretty = Self.isPretty(request, representation)
            switch representation.coding {
            case .json:
                if representation.isPretty { response.body = .bytes(Array((failure.status.pretty() + "\n").utf8)) }
            case .yaml: response.body = .bytes(Array(YAML.encode(failure.status).utf8))
            case .protobuf: response.body = .bytes(try Protobuf.encode(failure.status, schema: self.registry.schema))
            }
            response.headers[.contentType] = representation.contentType
        } catch {
            // Whoever takes nothing that can be had gets JSON, as people read it.
            response.body = .bytes(Array(failure.status.pretty().utf8))
        }
        return response
    }

    /// Whether people look at what is sent: they say so, or use a program that shows it to them.
    static func isPretty(_ request: APIRequest, _ representation: Representation) -> Bool {
        if representation.isPretty { return true }
        if let given = request.query["pretty"], !given.isEmpty {
            return ["1", "t", "T", "TRUE", "true", "True"].contains(given)
        }
        guard let agent = request.headers[.userAgent] else { return false }
        return ["curl", "Wget", "Mozilla/5.0"].contains { agent.hasPrefix($0) }
    }
}

/// An object cut down to its metadata.
enum PartialMetadata {
    static func document(_ object: Object, version: String) -> JSON {
        [
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"),
            "metadata": object.passingTree["metadata"] ?? [:],
        ]
    }

    /// - Parameter what: what the requested object is, or isn't.
    static func notAcceptable(
        _ wanted: String, _ what: String, _ resource: ResourceType, _ kind: String
    ) -> StatusError {
        let package = resource.group.isEmpty ? "core" : String(resource.group.prefix { $0 != "." })
        // Custom objects have no Go type of their own.
        let type =
            resource.definition == nil
            ? "\(package).\(kind)" : "unstructured.Unstructured" + (wanted.hasSuffix("List") ? "" : "List")
        return StatusError(
            code: 406, reason: "NotAcceptable",
            message: "you requested \(wanted), but the requested object is \(what) (*\(type))")
    }
}

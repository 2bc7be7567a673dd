import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore

extension APIServer {
    /// The answer of the extension API server that is responsible for a group version; nil when this server is. Waits for one whose cluster
    /// sleeps.
    func aggregated(_ call: Call, group: String, version: String) async throws(StatusError) -> APIResponse? {
        guard let aggregator, let service = self.remoteService(call, group: group, version: version) else { return nil }
        try await self.awaitServer(service, call)
        // Where there are endpoints by now, its condition follows in a moment.
        guard let service = RemoteAPIService.find(group: group, version: version, in: call.cluster),
            service.isAvailable || service.lacksEndpoints
        else { return .text("service unavailable\n", status: 503) }
        let backend: Backend
        do {
            backend = try aggregator.backend(service, in: call.cluster)
        } catch {
            return error.isInternal ? .text("\(error)\n", status: 500) : .text("service unavailable\n", status: 503)
        }
        let request = call.request
        let permit = call.permit
        return Proxy(
            backend: backend, target: call.path + request.queryText, headers: Self.remoteHeaders(call, backend),
            host: backend.authority,
            failure: { why in
                _ = permit
                return .text("error trying to reach service: \(why)\n", status: 503)
            }
        ).response(to: request)
    }

    private func remoteService(_ call: Call, group: String, version: String) -> RemoteAPIService? {
        // What is built in can't be taken over, and so costs no look.
        guard !group.isEmpty, !BuiltinGroups.names.contains(group) else { return nil }
        return RemoteAPIService.find(group: group, version: version, in: call.cluster)
    }

    /// The client's fields, and who it is; what it says about that itself is dropped.
    static func remoteHeaders(_ call: Call, _ backend: Backend) -> HTTPFields {
        var headers = ProxyHeaders.request(
            call.request.headers, clientAddress: call.request.connection.address,
            keepsUpgrade: ProxyHeaders.asksForUpgrade(call.request))
        headers = HTTPFields(headers.filter { !$0.name.canonicalName.hasPrefix("x-remote-") })
        let user = call.context.user
        headers[.remoteUser] = user.name
        if !user.uid.isEmpty { headers[.remoteUID] = user.uid }
        for group in user.groups { headers.append(HTTPField(name: .remoteGroup, value: group)) }
        for (key, values) in user.extra.sorted(by: { $0.key < $1.key }) {
            guard let name = HTTPField.Name("X-Remote-Extra-" + ExtraKey.escape(key)) else { continue }
            for value in values { headers.append(HTTPField(name: name, value: value)) }
        }
        headers[.xForwardedHost] = backend.authority
        headers[.xForwardedProto] = "https"
        headers[.xForwardedURI] = call.path
        return headers
    }

    /// `/openapi/v3` with the documents of extension API servers, or one of those, from the server itself; nil when they have no part in
    /// it.
    func mergedOpenAPI(_ parts: [String], _ call: Call) async throws(StatusError) -> APIResponse? {
        guard let aggregator, parts.first == "v3" else { return nil }
        if parts.count == 4, parts[1] == "apis" { return try await self.aggregated(call, group: parts[2], version: parts[3]) }
        guard parts.count == 1 else { return nil }
        var added: [(String, JSON)] = []
        for service in RemoteAPIService.all(in: call.cluster) where service.isAvailable {
            guard !BuiltinGroups.names.contains(service.group), let place = aggregator.openAPI(service, in: call.cluster) else {
                continue
            }
            added.append(("apis/\(service.group)/\(service.version)", ["serverRelativeURL": .string(place)]))
        }
        guard !added.isEmpty else { return nil }
        let index = self.registry.schema(of: call.cluster).openAPIIndex
        var paths: [(String, JSON)] = []
        do {
            paths = try JSON(parsing: index.bytes)["paths"]?.object?.map { ($0.key, $0.value) } ?? []
        } catch {
            // Our own document, which we have encoded ourselves.
            return nil
        }
        return self.respond(with: Document(["paths": .object(JSONObject(paths + added))]), to: call.request)
    }

    /// `/openapi/v2` with what extension API servers say of their group versions; nil when there are none that do.
    func mergedOpenAPIV2(_ call: Call, isProtobuf: Bool) async -> Document? {
        guard let aggregator else { return nil }
        let services = RemoteAPIService.all(in: call.cluster).filter { !BuiltinGroups.names.contains($0.group) }
        guard !services.isEmpty else { return nil }
        let parts = await Turn.resting { await aggregator.openAPIV2Parts(services, in: call.cluster) }
        guard !parts.isEmpty else { return nil }
        do {
            return try aggregator.openAPIV2.document(
                call.cluster.id, own: self.registry.schema(of: call.cluster).openAPIV2, parts: parts, isProtobuf: isProtobuf)
        } catch {
            // Documents that we have encoded ourselves.
            return nil
        }
    }

    /// A document of `/apis` with what extension API servers serve; nil when there are none of them.
    func mergedDiscovery(_ parts: [String], _ call: Call) async throws(StatusError) -> APIResponse? {
        guard let aggregator, parts.first == "apis" else { return nil }
        if parts.count == 3 {
            if let known = self.discoveryAsleep(call, group: parts[1], version: parts[2]) { return known }
            return try await self.aggregated(call, group: parts[1], version: parts[2])
        }
        guard parts.count < 3 else { return nil }
        let services = RemoteAPIService.all(in: call.cluster).filter { !BuiltinGroups.names.contains($0.group) }
        guard !services.isEmpty, parts.count == 1 || services.contains(where: { $0.group == parts[1] }) else { return nil }
        let merge = DiscoveryMerge(services: services) { aggregator.resources($0, in: call.cluster) }
        let schema = self.registry.schema(of: call.cluster)
        do {
            if parts.count == 2 {
                let local = try schema.groupDocument(parts[1]).map { try JSON(parsing: $0.bytes) }
                return self.respond(with: Document(merge.group(parts[1], local: local)), to: call.request)
            }
            if let version = Self.aggregatedVersion(call.request) {
                await self.learn(services, call)
                let local = try JSON(parsing: schema.aggregatedDiscovery(core: false, version: version).bytes)
                return self.respond(
                    with: Document(merge.aggregated(local)), to: call.request,
                    contentType: "application/json;g=apidiscovery.k8s.io;v=\(version.rawValue);as=APIGroupDiscoveryList")
            }
            return self.respond(with: Document(merge.groups(try JSON(parsing: schema.groupList.bytes))), to: call.request)
        } catch {
            throw .internalError("merging discovery: \(error)")
        }
    }

    /// The resources of a group version whose server sleeps, as it told them last: every client asks for them before anything else.
    private func discoveryAsleep(_ call: Call, group: String, version: String) -> APIResponse? {
        guard let service = self.remoteService(call, group: group, version: version), service.isAvailable,
            self.attendant?.patience(with: call.cluster) != nil,
            let resources = self.aggregator?.resources(service, in: call.cluster)
        else { return nil }
        return self.respond(with: Document(resources), to: call.request)
    }

    /// Wakes a cluster with servers that haven't told this server what they serve, as after its start, and asks them. Those that don't
    /// answer stay unknown.
    private func learn(_ services: [RemoteAPIService], _ call: Call) async {
        guard let aggregator, let attendant else { return }
        for service in services where service.isAvailable && aggregator.resources(service, in: call.cluster) == nil {
            guard attendant.patience(with: call.cluster) != nil else { return }
            do {
                try await self.awaitServer(service, call)
                guard let object = call.cluster.snapshot.get(RemoteAPIService.key(service.name)) else { continue }
                _ = await Turn.resting { await aggregator.probe(object, in: call.cluster) }
            } catch {
                return
            }
        }
    }
}

/// The groups that this server answers for in every cluster.
enum BuiltinGroups {
    static let names = Set(Schema.builtin.groups.map(\.name))
}

/// Keys of a user's extra as they are in the names of header fields: percent-encoded, but for what a name may have.
enum ExtraKey {
    static func escape(_ key: String) -> String {
        key.utf8.map { byte in
            let isPlain =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "!#$&'*+-.^_`|~".utf8.contains(byte)
            let hex = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (hex.utf8.count < 2 ? "0" : "") + hex
        }.joined()
    }
}

extension HTTPField.Name {
    static let remoteUser = HTTPField.Name("X-Remote-User")!
    static let remoteUID = HTTPField.Name("X-Remote-Uid")!
    static let remoteGroup = HTTPField.Name("X-Remote-Group")!
}

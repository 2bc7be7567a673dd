import KubeObject
import KubeStore

extension Aggregator {
    /// What the servers behind APIServices say of their group versions, in the order of the services' priorities. One that isn't
    /// available isn't asked, and what it said last holds.
    func openAPIV2Parts(_ services: [RemoteAPIService], in cluster: LogicalCluster) async -> [[UInt8]] {
        let ordered = DiscoveryMerge.byGroup(services).flatMap(\.services).prefix(RemoteOpenAPIV2.mostServices)
        var parts = [[UInt8]?](repeating: nil, count: ordered.count)
        await withTaskGroup(of: (Int, [UInt8]?).self) { group in
            for (index, service) in ordered.enumerated() {
                if index >= RemoteOpenAPIV2.concurrency, let (index, part) = await group.next() { parts[index] = part }
                group.addTask { (index, await self.openAPIV2Part(service, in: cluster)) }
            }
            for await (index, part) in group { parts[index] = part }
        }
        var size = 0
        return parts.compactMap { $0 }.filter { part in
            size += part.count
            return size <= RemoteOpenAPIV2.partsLimit
        }
    }

    private func openAPIV2Part(_ service: RemoteAPIService, in cluster: LogicalCluster) async -> [UInt8]? {
        let key = RemoteOpenAPIV2.Key(cluster: cluster.id, uid: service.uid)
        guard service.isAvailable else { return self.openAPIV2.lastPart(key) }
        return await self.openAPIV2.part(key, below: "\(service.path)/") { knownETag in
            let backend = try self.backend(service, in: cluster)
            return try await DocumentRequest(
                path: "/openapi/v2", user: "system:aggregator", knownETag: knownETag, limit: RemoteOpenAPIV2.documentLimit
            ).send(to: backend)
        }
    }
}

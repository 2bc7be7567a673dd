import Foundation
import HTTPTypes
public import KubeObject
public import KubeRegistry
public import KubeStore
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Extension API servers behind services of the clusters: finds them, asks whether they answer, and keeps what they say they serve.
///
/// Concurrency: any task may call any function; the caches are each one short critical section.
public final class Aggregator: Sendable {
    private struct ContextKey: Hashable {
        var cluster: Int64
        var uid: String
        var revision: UInt64
        /// The month of a certificate that is made anew each month, long before its end.
        var month = 0
    }

    private static let month: Double = 30 * 86_400

    private static let capacity = 1000

    private let addressBook: PodAddressBook
    private let identities: IdentityCache
    private let contexts = Mutex<[ContextKey: NIOSSLContext]>([:])
    /// What an extension API server said last.
    private struct Discovered {
        /// The `APIResourceList`.
        var resources: JSON
        /// Where its OpenAPI v3 document of the group version is, with the content's hash; nil when it has none.
        var openAPI: String?
    }

    /// By cluster and APIService, with the object's uid.
    private let discovered = Mutex<[ContextKey: Discovered]>([:])
    let openAPIV2: RemoteOpenAPIV2

    /// - Parameters:
    ///   - addressBook: what is no pod's address isn't connected to.
    ///   - identities: of the clusters, whose front proxies it speaks as.
    ///   - now: by which documents grow old.
    public init(
        addressBook: PodAddressBook, identities: IdentityCache = IdentityCache(),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.addressBook = addressBook
        self.identities = identities
        self.openAPIV2 = RemoteOpenAPIV2(now: now)
    }

    /// Where an APIService's requests go now.
    /// - Throws: in words, when there is no ready endpoint, or TLS can't be set up.
    func backend(_ service: RemoteAPIService, in cluster: LogicalCluster) throws(Unreachable) -> Backend {
        let key = Key(group: "", plural: "services", namespace: service.namespace, name: service.service)
        guard let object = cluster.snapshot.get(key) else {
            throw Unreachable(description: "services \"\(service.service)\" not found")
        }
        let ports = object.tree[path: "spec", "ports"]?.elements ?? []
        guard let port = ports.first(where: { $0["port"]?.int == service.port }) else {
            throw Unreachable(description: "no service port \(service.port) found for service \"\(service.service)\"")
        }
        let endpoints = ServiceEndpoints(cluster: cluster, addressBook: self.addressBook, namespace: service.namespace)
        guard let chosen = endpoints.ready(service.service, port: port["name"]?.string ?? "").randomElement() else {
            throw Unreachable(description: "no endpoints available for service \"\(service.service)\"")
        }
        do {
            return Backend(
                address: chosen.address, port: chosen.port, tls: try self.context(service, in: cluster),
                serverName: service.serverName)
        } catch {
            throw Unreachable(description: "\(error)", isInternal: true)
        }
    }

    struct Unreachable: Error, CustomStringConvertible {
        var description: String
        /// Whether the APIService itself is at fault, as with a broken bundle.
        var isInternal = false
    }

    private func context(_ service: RemoteAPIService, in cluster: LogicalCluster) throws -> NIOSSLContext {
        let key = ContextKey(
            cluster: cluster.id, uid: service.uid, revision: service.revision, month: Int(Timestamp.seconds / Self.month))
        if let known = self.contexts.withLock({ $0[key] }) { return known }
        let context = try FrontProxy.tls(try self.identities.identity(of: cluster), trust: service.trust)
        self.contexts.withLock { contexts in
            if contexts.count >= Self.capacity, let other = contexts.keys.randomElement() { contexts[other] = nil }
            contexts[key] = context
        }
        return context
    }

    // MARK: Discovery

    /// Asks an extension API server for its resources, and keeps the answer.
    /// - Parameter object: the APIService.
    /// - Returns: what went wrong, in upstream's words; nil when it answered as it should.
    public func probe(_ object: Object, in cluster: LogicalCluster) async -> String? {
        guard var service = RemoteAPIService(object) else { return nil }
        // As upstream: this is only to see whether it answers, and tells it nothing.
        service.trust = nil
        service.revision = 0
        var place = service.path
        do {
            let backend = try self.backend(service, in: cluster)
            place = "https://\(backend.authority)\(service.path)"
            let document = try JSON(parsing: try await Self.probe(service.path).send(to: backend)?.bytes ?? [])
            let found = Discovered(resources: document, openAPI: await Self.openAPI(service, backend))
            self.discovered.withLock { discovered in
                if discovered.count >= Self.capacity, let other = discovered.keys.randomElement() { discovered[other] = nil }
                discovered[ContextKey(cluster: cluster.id, uid: service.uid, revision: 0)] = found
            }
            return nil
        } catch let error as DocumentRequest.BadStatus {
            return "failing or missing response from \(place): bad status from \(place): \(error.status)"
        } catch let error as Unreachable {
            return error.description
        } catch {
            return "failing or missing response from \(place): Get \"\(place)\": \(Proxy.reason(error))"
        }
    }

    /// The `APIResourceList` that an extension API server answered last; nil when it never did.
    func resources(_ service: RemoteAPIService, in cluster: LogicalCluster) -> JSON? {
        self.discovered.withLock { $0[ContextKey(cluster: cluster.id, uid: service.uid, revision: 0)]?.resources }
    }

    /// Where the OpenAPI v3 document of an extension API server was when it was asked last; nil when it has none.
    func openAPI(_ service: RemoteAPIService, in cluster: LogicalCluster) -> String? {
        self.discovered.withLock { $0[ContextKey(cluster: cluster.id, uid: service.uid, revision: 0)]?.openAPI }
    }

    private static func probe(_ path: String) -> DocumentRequest {
        DocumentRequest(path: path, user: "system:kube-aggregator", groups: ["system:masters"])
    }

    /// Asks for the index of the OpenAPI documents. Not to have one, or none that makes sense, is no fault: many servers don't.
    private static func openAPI(_ service: RemoteAPIService, _ backend: Backend) async -> String? {
        let path = "apis/\(service.group)/\(service.version)"
        do {
            let index = try JSON(parsing: try await self.probe("/openapi/v3").send(to: backend)?.bytes ?? [])
            guard let place = index[path: "paths", path, "serverRelativeURL"]?.string else { return nil }
            // It is told to all clients, and asked for here: so it must be the document's place, and can only vary in its query.
            guard place.utf8.count <= 1024, place == "/openapi/v3/\(path)" || place.hasPrefix("/openapi/v3/\(path)?") else {
                return nil
            }
            return place
        } catch {
            return nil
        }
    }
}

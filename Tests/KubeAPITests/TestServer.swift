import Foundation
import HTTPTypes
import KubeObject
import KubeRegistry
import KubeSchema
import KubeStore
import Logging
import Synchronization
import Testing

@testable import KubeAPI

/// An API server over a real store, without a socket.
final class TestServer: Sendable {
    let api: APIServer
    let registry: Registry
    let store: Store
    let streams = FakePodStreams()
    let addressBook = PodAddressBook()
    let aggregator: Aggregator
    let authority: CertificateAuthority
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    /// Bearer tokens of system:masters, by cluster.
    private let adminTokens = Mutex<[String: String]>([:])

    private init(
        directory: String, limits: ServerLimits, policy: ClusterPolicy, metrics: ResourceMetrics?,
        documents: (any DocumentReader)?
    ) throws {
        self.store = try Store.open(directory: directory, logger: self.logger)
        let schema = try metrics.map { _ in try Schema.builtin.adding(ResourceMetrics.declaration) }
        self.registry = Registry(
            store: self.store, schemas: { _ in schema }, policies: { $0.name == "demo" ? policy : ClusterPolicy() })
        self.authority = try CertificateAuthority.generate(commonName: "platform")
        self.aggregator = Aggregator(addressBook: self.addressBook)
        self.api = APIServer(
            registry: self.registry, addressBook: self.addressBook, streams: self.streams, aggregator: self.aggregator,
            metrics: metrics, issuerDocuments: documents,
            configuration: .init(domain: "sampan.test", limits: limits), logger: self.logger)
    }

    /// Runs `body` with a server that has the clusters `demo`, which may have what `policy` says, and `other`.
    static func run(
        limits: ServerLimits = ServerLimits(), policy: ClusterPolicy = ClusterPolicy(), metrics: ResourceMetrics? = nil,
        documents: (any DocumentReader)? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let server = try TestServer(
                directory: directory, limits: limits, policy: policy, metrics: metrics, documents: documents)
            _ = try await server.createCluster("demo")
            _ = try await server.createCluster("other")
            do { try await body(server) } catch { Issue.record(error) }
            await server.store.close()
        }
    }

    func createCluster(_ name: String) async throws -> LogicalCluster {
        var identity = try ClusterIdentity.generate(clusterName: name)
        let token = identity.addToken(user: "admin", groups: ["system:masters"])
        self.adminTokens.withLock { $0[name] = token }
        return try await self.registry.createCluster(
            name, record: try identity.record(), certificateAuthority: try self.authority.pem())
    }

    func adminToken(_ cluster: String) -> String {
        self.adminTokens.withLock { $0[cluster] } ?? ""
    }

    struct Result {
        var status: Int
        var headers: HTTPFields
        var bytes: [UInt8]
        var text: String { String(decoding: self.bytes, as: UTF8.self) }
        var json: JSON {
            do { return try JSON(parsing: self.bytes) } catch { return .string("not JSON: \(self.text)") }
        }
        var message: String { self.json["message"]?.string ?? self.text }
    }

    /// Sends a request to a cluster, as its administrator unless `token` says otherwise, and collects the answer.
    func send(
        _ method: HTTPRequest.Method, _ path: String, cluster: String = "demo", body: JSON? = nil, raw: String? = nil,
        token: String? = nil, anonymous: Bool = false, headers: HTTPFields = [:],
        connection: ClientConnection = ClientConnection()
    ) async throws -> Result {
        var headers = headers
        if !anonymous { headers[.authorization] = "Bearer " + (token ?? self.adminToken(cluster)) }
        if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let bytes = raw.map { Array($0.utf8) } ?? body?.encoded() ?? []
        let response = await self.api.respond(
            to: APIRequest(
                method: method, target: "/clusters/\(cluster)\(path)", headers: headers, body: RequestBody(bytes),
                connection: connection))
        let collected = CollectingWriter()
        switch response.body {
        case .bytes(let bytes): try await collected.write(bytes)
        case .stream(_, _, let write): try await write(collected)
        case .webSocket, .upgrade, .exchange: break
        }
        return Result(status: response.status, headers: response.headers, bytes: collected.bytes)
    }

    func createNamespacedConfigMap(_ name: String, data: JSON = ["a": "b"], labels: [String: String] = [:]) async throws {
        let result = try await self.send(
            .post, "/api/v1/namespaces/default/configmaps",
            body: [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "labels": JSON(labels)],
                "data": data,
            ])
        #expect(result.status == 201, "\(result.text)")
    }
}

/// Keeps what is written.
final class CollectingWriter: ResponseWriter {
    private let state = Mutex<[UInt8]>([])

    func write(_ bytes: [UInt8]) async throws {
        self.state.withLock { $0 += bytes }
    }

    var bytes: [UInt8] { self.state.withLock { $0 } }
}

/// Pods whose processes are functions.
final class FakePodStreams: PodStreams {
    struct Call: Sendable {
        var container: String
        var command: [String] = []
        var options: LogOptions?
        var tty = false
    }

    private let state = Mutex<[Call]>([])
    var calls: [Call] { self.state.withLock { $0 } }

    func logs(_ target: PodTarget, container: String, options: LogOptions) async throws(StatusError) -> ByteSource {
        self.state.withLock { $0.append(Call(container: container, options: options)) }
        if options.previous {
            throw .badRequest("previous terminated container \"\(container)\" in pod \"\(target.pod.metadata.name)\" not found")
        }
        return AsyncThrowingStream<[UInt8], any Error> { continuation in
            continuation.yield(Array("one\n".utf8))
            continuation.yield(Array("two\n".utf8))
            continuation.finish()
        }
    }

    /// `cat` copies its input, `fail` exits with 3, `size` prints the first size of the terminal.
    func exec(_ target: PodTarget, container: String, command: [String], io: ContainerIO) async throws -> Int32 {
        self.state.withLock { $0.append(Call(container: container, command: command, tty: io.tty)) }
        switch command.first {
        case "cat":
            guard let stdin = io.stdin else { return 1 }
            for try await bytes in stdin { try await io.stdout?.write(bytes) }
            return 0
        case "size":
            guard let resizes = io.resizes else { return 1 }
            for try await size in resizes {
                try await io.stdout?.write(Array("\(size.width)x\(size.height)".utf8))
                return 0
            }
            return 1
        case "echo":
            try await io.stdout?.write(Array((command.dropFirst().joined(separator: " ") + "\n").utf8))
            try await io.stderr?.write(Array("warned\n".utf8))
            return 0
        default: return 3
        }
    }

    func attach(_ target: PodTarget, container: String, io: ContainerIO) async throws {
        try await io.stdout?.write(Array("attached".utf8))
    }

    /// Port 7 sends back what it gets; nothing listens at the others.
    func portForward(_ target: PodTarget, port: UInt16, from: ByteSource, to: any ByteSink) async throws {
        guard port == 7 else { throw PortForwardFailure("nothing listens at \(port)") }
        for try await bytes in from { try await to.write(bytes) }
        await to.finish()
    }
}

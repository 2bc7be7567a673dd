internal import AsyncHTTPClient
internal import GRPCCore
import KubeObject
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import SwiftProtobuf

/// Runs what probes and lifecycle hooks name: a command, an HTTP request, a connection, a pause.
struct HandlerRunner: Sendable {
    let client: EngineClient

    struct Failure: Error, Sendable, CustomStringConvertible {
        var description: String
        /// Nobody listens there (yet): the container noticed nothing of the attempt.
        var isRefused = false
    }

    /// Where to: the container, and its pod's address.
    struct Target: Sendable {
        var containerID: String
        var container: ContainerSpec
        var podIP: String
    }

    /// Returns when the handler succeeded; its output is for nobody.
    /// - Throws: `Failure` with kubelet's words.
    func run(_ handler: JSON, _ target: Target, timeout: Duration) async throws {
        if let exec = handler["exec"] {
            try await execute(exec["command"]?.strings ?? [], target, timeout: timeout)
        } else if let get = handler["httpGet"] {
            try await request(get, target, timeout: timeout)
        } else if let socket = handler["tcpSocket"] {
            try await connect(socket, target, timeout: timeout)
        } else if let pause = handler["sleep"] {
            try await Task.sleep(for: .seconds(min(pause["seconds"]?.int ?? 0, Pod.longestGracePeriod)))
        } else if let grpc = handler["grpc"] {
            try await check(grpc, target, timeout: timeout)
        }
    }

    private func check(_ grpc: JSON, _ target: Target, timeout: Duration) async throws {
        let port = Int(grpc["port"]?.int ?? 0)
        let status: UInt8
        do {
            status = try await HealthCheck.status(
                host: target.podIP, port: port, service: grpc["service"]?.string ?? "", timeout: timeout)
        } catch let error as RPCError {
            switch error.code {
            case .unimplemented:
                throw Failure(
                    description:
                        "this server does not implement the grpc health protocol (grpc.health.v1.Health): \(error.message)")
            case .deadlineExceeded: throw Failure(description: "timeout: health rpc did not complete within \(timeout.formatted)")
            case .unavailable:
                throw Failure(
                    description:
                        "timeout: failed to connect service \"\(target.podIP):\(port)\" within \(timeout.formatted): \(error.message)"
                )
            default: throw Failure(description: "error: health rpc probe failed: \(error.message)")
            }
        }
        if status != 1 {
            throw Failure(
                description:
                    "service unhealthy (responded with \"\(status == 2 ? "NOT_SERVING" : status == 3 ? "SERVICE_UNKNOWN" : "UNKNOWN")\")"
            )
        }
    }

    private func execute(_ command: [String], _ target: Target, timeout: Duration) async throws {
        let answer: CRIExecSyncResponse
        do {
            answer = try await client.runtime.execSync(
                .with {
                    $0.containerID = target.containerID
                    $0.cmd = command
                    $0.timeout = max(timeout.components.seconds, 1)
                }, options: .within(timeout + .seconds(5)))
        } catch let error as RPCError {
            throw Failure(description: error.code == .deadlineExceeded ? "command timed out: \(error.message)" : error.message)
        }
        guard answer.exitCode == 0 else {
            let output = String(decoding: answer.stdout + answer.stderr, as: UTF8.self)
            throw Failure(description: String(output.prefix(10240)))
        }
    }

    private func request(_ get: JSON, _ target: Target, timeout: Duration) async throws {
        let host = get["host"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? target.podIP
        let port = try Self.port(get["port"], target.container)
        let scheme = (get["scheme"]?.string ?? "HTTP").lowercased()
        let path = get["path"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
        let address = host.contains(":") ? "[\(host)]" : host
        let url = "\(scheme)://\(address):\(port)\(path.hasPrefix("/") ? path : "/" + path)"
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "User-Agent", value: "kube-probe/1.36")
        request.headers.add(name: "Accept", value: "*/*")
        request.headers.add(name: "Connection", value: "close")
        for header in get["httpHeaders"]?.elements ?? [] {
            let name = header["name"]?.string ?? ""
            request.headers.remove(name: name)
            request.headers.add(name: name, value: header["value"]?.string ?? "")
        }
        let code: UInt
        do {
            code = try await Self.answer(to: request, timeout: timeout)
        } catch {
            let text = Self.text(error)
            throw Failure(description: "Get \"\(url)\": \(text)", isRefused: text == Self.refused)
        }
        guard (200..<400).contains(code) else { throw Failure(description: "HTTP probe failed with statuscode: \(code)") }
    }

    /// The status of the answer to a request over a connection of its own, which ends with it. A client for all would keep trying to reach pods
    /// that are gone, and be waited for when the server stops.
    private static func answer(to request: HTTPClientRequest, timeout: Duration) async throws -> UInt {
        let nanoseconds = timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000
        let limit = TimeAmount.nanoseconds(max(nanoseconds, 1))
        var settings = HTTPClient.Configuration(redirectConfiguration: .follow(max: 10, allowCycles: false))
        settings.tlsConfiguration = .makeClientConfiguration()
        settings.tlsConfiguration?.certificateVerification = .none  // as kubelet's probes
        settings.timeout.connect = limit
        settings.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        // A connection that isn't made yet goes with its time; nobody waits for that.
        defer { http.shutdown { _ in } }
        let response = try await http.execute(request, timeout: limit)
        _ = try? await response.body.collect(upTo: 10240)  // a longer body is cut off with its connection
        return response.status.code
    }

    private func connect(_ socket: JSON, _ target: Target, timeout: Duration) async throws {
        let host = socket["host"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? target.podIP
        let port = try Self.port(socket["port"], target.container)
        do {
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(.seconds(max(timeout.components.seconds, 1))).connect(host: host, port: port).get()
            try await channel.close()
        } catch {
            let text = Self.text(error)
            throw Failure(description: "dial tcp \(host):\(port): \(text)", isRefused: text == Self.refused)
        }
    }

    /// A number, or the name of one of the container's ports.
    static func port(_ value: JSON?, _ container: ContainerSpec) throws -> Int {
        if let number = value?.int { return Int(number) }
        let name = value?.string ?? ""
        if let number = Int(name) { return number }
        let port = container.tree["ports"]?.elements.first { $0["name"]?.string == name }?["containerPort"]?.int
        guard let port else { throw Failure(description: "couldn't find port: \(name)") }
        return Int(port)
    }

    private static let refused = "connect: connection refused"

    private static func text(_ error: any Error) -> String {
        let text = "\(error)"
        if text.contains("onnection refused") { return refused }
        if text.contains("deadlineExceeded") || text.contains("connectTimeout") { return "context deadline exceeded" }
        return text
    }
}

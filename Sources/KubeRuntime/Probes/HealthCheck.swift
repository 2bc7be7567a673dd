internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix

/// The standard gRPC health check, of which a probe needs one call of one field each way.
enum HealthCheck {
    /// Asks a server for the status of a service (empty: of all of it). 1 is "serving".
    static func status(host: String, port: Int, service: String, timeout: Duration) async throws -> UInt8 {
        let transport = try HTTP2ClientTransport.Posix(target: .ipv4(address: host, port: port), transportSecurity: .plaintext)
        return try await withGRPCClient(transport: transport) { client in
            var options = CallOptions.defaults
            options.timeout = timeout
            // Field 1 of HealthCheckRequest, a string.
            let name = Array(service.utf8.prefix(127))
            let request: [UInt8] = name.isEmpty ? [] : [0x0a, UInt8(name.count)] + name
            let answer = try await client.unary(
                request: ClientRequest(message: request),
                descriptor: MethodDescriptor(fullyQualifiedService: "grpc.health.v1.Health", method: "Check"),
                serializer: Bytes(),
                deserializer: Bytes(), options: options
            ) { try $0.message }
            // Field 1 of HealthCheckResponse, an enum; a zero isn't sent.
            return answer.count >= 2 && answer[0] == 0x08 ? answer[1] : 0
        }
    }

    /// Messages that are encoded already.
    private struct Bytes: MessageSerializer, MessageDeserializer {
        func serialize<Output: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Output { Output(message) }
        func deserialize<Input: GRPCContiguousBytes>(_ bytes: Input) throws -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }
    }
}

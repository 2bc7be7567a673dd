import AsyncHTTPClient
import KubeObject
public import KubeRegistry
import KubeStore
import NIOCore
import NIOHTTP1

extension HTTPSWebhookClient: DocumentReader {
    public func read(_ request: IssuerDocumentRequest) async throws(WebhookFailure) -> PublishedDocument {
        try await Turn.resting { () async throws(WebhookFailure) in try await self.fetch(request) }
    }

    private func fetch(_ request: IssuerDocumentRequest) async throws(WebhookFailure) -> PublishedDocument {
        func failure(_ why: String, isTimeout: Bool = false) -> WebhookFailure {
            WebhookFailure("Get \"\(request.url)\": \(why)", isTimeout: isTimeout)
        }
        do {
            let route = try self.route(to: request)
            let address = try await self.address(of: route, request.cluster, isTrusted: request.isTrusted)
            let client = try self.client(
                Destination(
                    cluster: request.cluster.id, host: route.host, address: address, authorities: request.authorities))
            var question = HTTPClientRequest(url: "https://\(route.host):\(route.connectPort)\(route.path)")
            question.headers = [
                "Host": "\(route.host):\(route.port)", "Accept": "application/json", "User-Agent": "kube-apiserver",
            ]
            let answer = try await client.execute(question, timeout: .nanoseconds(request.timeout.nanoseconds))
            let body = try await answer.body.collect(upTo: request.maximumSize)
            guard (200..<300).contains(answer.status.code) else { throw failure("\(answer.status)") }
            return PublishedDocument(
                bytes: Array(body.readableBytesView), maximumAge: Self.maximumAge(answer.headers))
        } catch let error as WebhookFailure {
            throw error.message.hasPrefix("Get ") ? error : failure(error.message)
        } catch is NIOTooManyBytesError {
            throw failure("the answer has more than \(request.maximumSize) bytes")
        } catch let error as HTTPClientError where [.deadlineExceeded, .connectTimeout, .readTimeout].contains(error) {
            throw failure("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", isTimeout: true)
        } catch {
            throw failure(Self.words(of: error))
        }
    }

    private func route(to request: IssuerDocumentRequest) throws(WebhookFailure) -> WebhookRoute {
        let route = try WebhookRoute(url: request.url)
        guard request.findsServices else { return route }
        let labels = route.host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard labels.count >= 3, labels[2] == "svc" else { return route }
        return try WebhookRoute(
            namespace: labels[1], name: labels[0], host: route.host, port: route.port, path: route.path,
            in: request.cluster.snapshot
        ) { Int.random(in: 0..<$0) }
    }

    private static func maximumAge(_ headers: HTTPHeaders) -> Int? {
        for directive in headers[canonicalForm: "cache-control"] {
            let parts = directive.lowercased().split(separator: "=", maxSplits: 1)
            if parts.first == "no-store" || parts.first == "no-cache" { return 0 }
            if parts.count == 2, parts[0] == "max-age", let seconds = Int(parts[1]), seconds >= 0 { return min(seconds, 86_400) }
        }
        return nil
    }
}

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// An answer's body as it comes, in pieces of any size: for what is too long to hold, or has no end.
public struct AnswerStream: AsyncSequence, Sendable {
    let body: HTTPClientResponse.Body
    let label: String

    public func makeAsyncIterator() -> Iterator {
        Iterator(body: body.makeAsyncIterator(), label: label)
    }

    public struct Iterator: AsyncIteratorProtocol {
        var body: HTTPClientResponse.Body.AsyncIterator
        let label: String

        public mutating func next() async throws -> [UInt8]? {
            do {
                return try await body.next().map { Array(buffer: $0) }
            } catch {
                throw ClientError.translating(error, request: label)
            }
        }
    }
}

extension KubeClient {
    /// Sends a GET and gives the answer's body as it comes. There is no deadline.
    ///
    /// - Parameters:
    ///   - path: as in `send`.
    ///   - accept: the media type to be answered in.
    /// - Throws: `StatusError` for every answer that isn't 200.
    public func stream(
        _ path: String, query: [(String, String)] = [], accept: String = "application/json"
    ) async throws -> AnswerStream {
        let request = try makeRequest("GET", path, query: query, body: nil, contentType: "", accept: accept)
        let label = "GET \(request.url)"
        do {
            let response = try await http.execute(request, deadline: .distantFuture)
            guard response.status == .ok else {
                let bytes = Array(buffer: try await response.body.collect(upTo: 1 << 20))
                throw Self.failure(Int(response.status.code), bytes, label)
            }
            return AnswerStream(body: response.body, label: label)
        } catch {
            throw ClientError.translating(error, request: label)
        }
    }
}

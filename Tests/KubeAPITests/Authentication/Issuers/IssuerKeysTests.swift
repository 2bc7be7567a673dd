import KubeObject
import KubeStore
import Logging
import Synchronization
import Testing

@testable import KubeAPI

@Suite struct IssuerKeysTests {
    /// A clock that goes when told to.
    private final class Hand: Sendable {
        private let time = Mutex(ContinuousClock.now)
        func forward(_ duration: Duration) { self.time.withLock { $0 += duration } }
        var now: ContinuousClock.Instant { self.time.withLock { $0 } }
    }

    private static let location = IssuerLocation(url: TestIssuer.url)

    private static func with(
        _ issuer: TestIssuer,
        _ body: (IssuerKeys, Hand, (TestKey) async throws -> String?) async throws -> Void
    ) async throws {
        try await TestServer.run { server in
            let cluster = try #require(try await server.store.cluster("demo"))
            let hand = Hand()
            let keys = IssuerKeys(reader: issuer, logger: server.logger) { hand.now }
            try await body(keys, hand) { key in
                let token = try #require(JSONWebToken.parts(of: try key.token(["sub": "a"])))
                do throws(TokenRefusal) {
                    try await keys.verify(token, Self.location, in: cluster)
                    return nil
                } catch {
                    return error.description
                }
            }
        }
    }

    private static let wrong = "failed to verify signature: failed to verify id token signature"

    @Test func keysAreReadOnceAndAgainWhenAnotherSigns() async throws {
        let (first, second) = (try TestKey(id: "1"), try TestKey(id: "2"))
        let issuer = TestIssuer([first])
        try await Self.with(issuer) { _, hand, refusal in
            let outcome1 = try await refusal(first)
            #expect(outcome1 == nil)
            let outcome2 = try await refusal(first)
            #expect(outcome2 == nil)
            #expect(issuer.asked == ["\(TestIssuer.url)/.well-known/openid-configuration", "\(TestIssuer.url)/keys"])
            issuer.publish([second])
            // Whoever sends tokens of keys that there aren't can't have the issuer asked without a pause.
            for _ in 0..<20 {
                let outcome3 = try await refusal(second)
                #expect(outcome3 == Self.wrong)
            }
            #expect(issuer.asked.count == 2)
            hand.forward(IssuerKeys.pause)
            let outcome4 = try await refusal(second)
            #expect(outcome4 == nil)
            #expect(issuer.asked.count == 4)
            let outcome5 = try await refusal(first)
            #expect(outcome5 == Self.wrong)
        }
    }

    @Test func aKeyThatIsWithdrawnIsForgotten() async throws {
        let (first, second) = (try TestKey(id: "1"), try TestKey(id: "2"))
        let issuer = TestIssuer([first])
        issuer.state.withLock { $0.maximumAge = 120 }
        try await Self.with(issuer) { _, hand, refusal in
            let outcome6 = try await refusal(first)
            #expect(outcome6 == nil)
            issuer.publish([second])
            hand.forward(.seconds(119))
            let outcome7 = try await refusal(first)
            #expect(outcome7 == nil)
            hand.forward(.seconds(1))
            let outcome8 = try await refusal(first)
            #expect(outcome8 == Self.wrong)
        }
    }

    @Test func anIssuerThatDoesNotAnswerIsBelievedForADay() async throws {
        let key = try TestKey()
        let issuer = TestIssuer([key])
        try await Self.with(issuer) { _, hand, refusal in
            let outcome9 = try await refusal(key)
            #expect(outcome9 == nil)
            issuer.state.withLock { $0.failure = "down" }
            hand.forward(.seconds(3600))
            let outcome10 = try await refusal(key)
            #expect(outcome10 == nil)
            let asked = issuer.asked.count
            let outcome11 = try await refusal(key)
            #expect(outcome11 == nil)
            #expect(issuer.asked.count == asked)
            hand.forward(IssuerKeys.longest)
            let outcome12 = try await refusal(key)
            #expect(outcome12 == "fetching keys: down")
            issuer.state.withLock { $0.failure = nil }
            hand.forward(IssuerKeys.pause)
            let outcome13 = try await refusal(key)
            #expect(outcome13 == nil)
        }
    }

    @Test func anotherIssuersDocumentIsNone() async throws {
        let key = try TestKey()
        let issuer = TestIssuer([key])
        issuer.state.withLock { $0.issuer = "https://evil.example.com" }
        try await Self.with(issuer) { _, _, refusal in
            let outcome14 = try await refusal(key)
            #expect(
                outcome14
                    == "fetching keys: oidc: issuer did not match the issuer returned by provider, expected \"\(TestIssuer.url)\" got \"https://evil.example.com\""
            )
        }
    }

    @Test func manyAtOnceReadOnce() async throws {
        let key = try TestKey()
        let issuer = TestIssuer([key])
        try await TestServer.run { server in
            let cluster = try #require(try await server.store.cluster("demo"))
            let keys = IssuerKeys(reader: issuer, logger: server.logger)
            let token = try #require(JSONWebToken.parts(of: try key.token(["sub": "a"])))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 { group.addTask { try await keys.verify(token, Self.location, in: cluster) } }
                try await group.waitForAll()
            }
            #expect(issuer.asked.count == 2)
        }
    }
}

import Crypto
import KubeObject
import Synchronization

/// Remembers which tokens have a good signature, so that a client's second request costs no public-key arithmetic.
///
/// Only that: whether the token is in date, and whether its account still exists, is looked at in every request.
final class VerifiedTokens: Sendable {
    private struct Name: Hashable {
        var keyID: String
        var digest: SHA256Digest
    }

    private let known = Mutex<[Name: JSON]>([:])
    private let capacity: Int

    init(capacity: Int = 4096) {
        self.capacity = capacity
    }

    /// The claims of a token signed with the identity's key, or with one that it had and that is still trusted; nil for all other
    /// texts, which aren't remembered.
    func claims(of token: String, _ identity: ClusterIdentity) -> JSON? {
        let digest = SHA256.hash(data: Array(token.utf8))
        for (id, key) in identity.accountKeys(at: Timestamp.seconds) {
            let name = Name(keyID: id, digest: digest)
            if let claims = self.known.withLock({ $0[name] }) { return claims }
            guard let claims = JSONWebToken.verify(token, key: key, keyID: id) else { continue }
            self.known.withLock { known in
                if known.count >= self.capacity, let other = known.keys.randomElement() { known[other] = nil }
                known[name] = claims
            }
            return claims
        }
        return nil
    }
}

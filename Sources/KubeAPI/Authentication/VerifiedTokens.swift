import Crypto
import KubeObject
import Synchronization

/// A token of a service account with a good signature.
struct VerifiedToken: Sendable {
    let claims: JSON
    /// What the claims of a bound token say; nil for those that are kept in secrets.
    let bound: BoundToken?
}

/// Remembers which tokens have a good signature and what they say, so that a client's second request costs no public-key arithmetic.
///
/// Only that: whether the token is in date, and whether its account still exists, is looked at in every request.
final class VerifiedTokens: Sendable {
    private struct Name: Hashable {
        var keyID: String
        var digest: SHA256Digest
    }

    private let known = Mutex<[Name: VerifiedToken]>([:])
    private let capacity: Int

    init(capacity: Int = 4096) {
        self.capacity = capacity
    }

    /// A token signed with the identity's key, or with one that it had and that is still trusted; nil for all other texts, which aren't
    /// remembered.
    ///
    /// - Parameter last: of the connection that the token came over, if it came so.
    func token(_ token: String, _ identity: ClusterIdentity, last: LastToken?) -> VerifiedToken? {
        let keys = identity.accountKeys(at: Timestamp.seconds)
        if let known = last?.token(token, signedWithOneOf: keys.lazy.map(\.id)) { return known }
        guard JSONWebToken.looksLikeToken(token), let (found, keyID) = self.verify(token, keys) else { return nil }
        last?.remember(found, token, keyID: keyID)
        return found
    }

    private func verify(
        _ token: String, _ keys: [(id: String, key: P256.Signing.PublicKey)]
    ) -> (token: VerifiedToken, keyID: String)? {
        let digest = SHA256.hash(data: Array(token.utf8))
        for (id, key) in keys {
            let name = Name(keyID: id, digest: digest)
            if let found = self.known.withLock({ $0[name] }) { return (found, id) }
            guard let claims = JSONWebToken.verify(token, key: key, keyID: id) else { continue }
            let found = VerifiedToken(claims: claims, bound: BoundToken(claims))
            self.known.withLock { known in
                if known.count >= self.capacity, let other = known.keys.randomElement() { known[other] = nil }
                known[name] = found
            }
            return (found, id)
        }
        return nil
    }
}

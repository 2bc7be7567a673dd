/// Why a token that an issuer seems to have given to somebody isn't taken, in upstream's words. Tokens are never told.
struct TokenRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

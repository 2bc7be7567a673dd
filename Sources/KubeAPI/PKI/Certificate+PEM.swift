import Foundation
import SwiftASN1
import X509

extension Certificate {
    /// The certificate as PEM, with a newline at its end.
    ///
    /// The library's own `pemString` breaks lines a character at a time, which took as long as the signature.
    func pem() throws -> String {
        var serializer = DER.Serializer()
        try serializer.serialize(self)
        let text = Data(serializer.serializedBytes).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n"
    }
}

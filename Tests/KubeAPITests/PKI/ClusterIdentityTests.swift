import Foundation
import KubeObject
import SwiftASN1
import Testing
import X509

@testable import KubeAPI

struct ClusterIdentityTests {
    @Test func recordRoundTrips() throws {
        var identity = try ClusterIdentity.generate(clusterName: "demo")
        let token = identity.addToken(user: "admin", groups: ["system:masters"])
        let record = try identity.record(in: ["other": 1])
        #expect(record["other"] == 1)
        #expect(!String(decoding: record.encoded(), as: UTF8.self).contains(token))
        let copy = try ClusterIdentity(record: JSON(parsing: record.encoded()))
        #expect(copy.clientAuthority.certificate == identity.clientAuthority.certificate)
        #expect(copy.serviceAccountKeyID == identity.serviceAccountKeyID)
        #expect(copy.bootstrapUser(token)?.user == "admin")
        #expect(copy.bootstrapUser(token + "x") == nil)
    }

    @Test func expiredTokenIsNobody() throws {
        var identity = try ClusterIdentity.generate(clusterName: "demo")
        let token = identity.addToken(user: "admin", groups: [], lifetime: -10)
        #expect(identity.bootstrapUser(token) == nil)
    }

    @Test func damagedRecordIsAnError() {
        #expect(throws: ClusterIdentity.RecordError.self) { try ClusterIdentity(record: [:]) }
        #expect(throws: ClusterIdentity.RecordError.self) {
            try ClusterIdentity(record: ["identity": ["clientCA": "§", "clientCAKey": "", "serviceAccountKey": ""]])
        }
    }
}

struct ClientCertificateVerifierTests {
    private func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    @Test func subjectGivesUserAndGroups() async throws {
        let authority = try CertificateAuthority.generate(commonName: "ca")
        let issued = try authority.issueClientCertificate(user: "jane", groups: ["dev", "ops"], lifetime: 3600)
        let verdict = await ClientCertificateVerifier.verify(
            chain: [try der(issued.certificate)], authority: authority.certificate)
        guard case .valid(let subject) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(subject.user == "jane")
        #expect(subject.groups == ["dev", "ops"])
    }

    @Test func foreignExpiredAndServerCertificatesAreRefused() async throws {
        let authority = try CertificateAuthority.generate(commonName: "ca")
        let other = try CertificateAuthority.generate(commonName: "ca")
        let foreign = try other.issueClientCertificate(user: "jane", groups: [], lifetime: 3600)
        let expired = try authority.issueClientCertificate(
            user: "jane", groups: [], lifetime: 60, now: Date().addingTimeInterval(-3600))
        let server = try authority.issue(.init(commonName: "jane", usage: .serverAuth, lifetime: 3600))
        for certificate in [foreign, expired, server] {
            let verdict = await ClientCertificateVerifier.verify(
                chain: [try der(certificate.certificate)], authority: authority.certificate)
            guard case .invalid = verdict else {
                Issue.record("\(verdict)")
                continue
            }
        }
        let garbage = await ClientCertificateVerifier.verify(chain: [[1, 2, 3]], authority: authority.certificate)
        guard case .invalid = garbage else {
            Issue.record("garbage accepted")
            return
        }
    }
}

struct PlatformAuthorityTests {
    @Test func isMadeOnceAndLoadedAgain() async throws {
        try await withTemporaryDirectory { directory in
            let first = try PlatformAuthority.loadOrCreate(directory: directory)
            let second = try PlatformAuthority.loadOrCreate(directory: directory)
            #expect(first.certificate == second.certificate)
            let mode = try FileManager.default.attributesOfItem(atPath: directory + "/ca.key")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let stranger = try CertificateAuthority.generate(commonName: "x")
            try stranger.pem().write(toFile: directory + "/ca.crt", atomically: true, encoding: .utf8)
            #expect(throws: PlatformAuthority.Failure.self) { try PlatformAuthority.loadOrCreate(directory: directory) }
        }
    }
}

import Crypto
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
            chain: [try der(issued.certificate)], authorities: [authority.certificate])
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
                chain: [try der(certificate.certificate)], authorities: [authority.certificate])
            guard case .invalid = verdict else {
                Issue.record("\(verdict)")
                continue
            }
        }
        let garbage = await ClientCertificateVerifier.verify(chain: [[1, 2, 3]], authorities: [authority.certificate])
        guard case .invalid = garbage else {
            Issue.record("garbage accepted")
            return
        }
    }
}

/// The files of the platform's authority, and what clients make of them.
struct PlatformAuthorityTests {
    private func believes(_ known: CertificateAuthority, _ authority: PlatformAuthority) async throws -> Bool {
        let leaf = try authority.current.issue(.init(commonName: "x", usage: .clientAuth, lifetime: 60))
        let chain = try ([leaf.certificate] + authority.bridges).map {
            Array(Data(base64Encoded: try $0.derBase64()) ?? Data())
        }
        if case .valid = await ClientCertificateVerifier.verify(chain: chain, authorities: [known.certificate]) { return true }
        return false
    }

    @Test func aNewOneIsBelievedByWhoKnowsAnOldOne() async throws {
        try await withTemporaryDirectory { directory in
            let first = try PlatformAuthority.loadOrCreate(directory: directory)
            try PlatformAuthority.rotate(directory: directory, keep: 600)
            let second = try PlatformAuthority.loadOrCreate(directory: directory)
            try PlatformAuthority.rotate(directory: directory, keep: 600)
            let third = try PlatformAuthority.loadOrCreate(directory: directory)
            #expect(first.formerTrustedUntil == nil && third.bridges.count == 2)
            for known in [first, second, third] { #expect(try await believes(known.current, third)) }
            #expect(try await !believes(third.current, second))
            let stranger = try CertificateAuthority.generate(commonName: "sampan-ca")
            #expect(try await !believes(stranger, third))
            try PlatformAuthority.retireFormer(directory: directory)
            let last = try PlatformAuthority.loadOrCreate(directory: directory)
            #expect(last.pem == third.pem)
            #expect(try await believes(third.current, last))
            #expect(try await !believes(second.current, last))
        }
    }

    @Test func bridgesEnd() async throws {
        try await withTemporaryDirectory { directory in
            let first = try PlatformAuthority.loadOrCreate(directory: directory)
            let past = Date().addingTimeInterval(-100)
            try PlatformAuthority.rotate(directory: directory, keep: 50, now: past)
            let second = try PlatformAuthority.loadOrCreate(directory: directory)
            #expect(try await !believes(first.current, second))
            try PlatformAuthority.rotate(directory: directory, keep: 50)
            #expect(try PlatformAuthority.loadOrCreate(directory: directory).bridges.count == 1)
            for _ in 0..<6 { try PlatformAuthority.rotate(directory: directory, keep: 50) }
            #expect(try PlatformAuthority.loadOrCreate(directory: directory).bridges.count == 4)
        }
    }

    /// The change is in its own file before the others are touched, so that whatever of them is there already, it's finished.
    @Test(arguments: [[], ["ca.key"], ["ca.key", "ca.crt"], ["ca.key", "ca.crt", "bridges.crt"]])
    func aBrokenOffChangeIsFinished(written: [String]) async throws {
        try await withTemporaryDirectory { directory in
            let files = FileManager.default
            let first = try PlatformAuthority.loadOrCreate(directory: directory)
            let other = directory + "/other"
            try files.createDirectory(atPath: other, withIntermediateDirectories: true)
            for name in ["ca.key", "ca.crt"] { try files.copyItem(atPath: "\(directory)/\(name)", toPath: "\(other)/\(name)") }
            let second = try PlatformAuthority.rotate(directory: other, keep: 600)
            let next = try ["ca.key", "ca.crt", "bridges.crt"].map {
                try String(contentsOfFile: "\(other)/\($0)", encoding: .utf8)
            }
            try next.joined().write(toFile: directory + "/next.pem", atomically: true, encoding: .utf8)
            for name in written {
                try? files.removeItem(atPath: "\(directory)/\(name)")
                try files.copyItem(atPath: "\(other)/\(name)", toPath: "\(directory)/\(name)")
            }
            let found = try PlatformAuthority.loadOrCreate(directory: directory)
            #expect(found.pem == second.pem)
            #expect(try await believes(first.current, found))
            #expect(!files.fileExists(atPath: directory + "/next.pem"))
        }
    }

    @Test func isMadeOnceAndLoadedAgain() async throws {
        try await withTemporaryDirectory { directory in
            let first = try PlatformAuthority.loadOrCreate(directory: directory)
            let second = try PlatformAuthority.loadOrCreate(directory: directory)
            #expect(first.current.certificate == second.current.certificate)
            let mode = try FileManager.default.attributesOfItem(atPath: directory + "/ca.key")[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let stranger = try CertificateAuthority.generate(commonName: "x")
            try stranger.pem().write(toFile: directory + "/ca.crt", atomically: true, encoding: .utf8)
            #expect(throws: PlatformAuthority.Failure.self) { try PlatformAuthority.loadOrCreate(directory: directory) }
        }
    }

    @Test func whatWasIssuedBeforeARotationIsBelievedForAWhile() async throws {
        let now = Date().timeIntervalSince1970
        let old = try ClusterIdentity.generate(clusterName: "demo")
        let issued = try old.clientAuthority.issueClientCertificate(user: "jane", groups: [], lifetime: 3600)
        let rotated = try ClusterIdentity(
            record: try old.rotated(clusterName: "demo", keeping: 600, now: now).record(in: ["other": 1]))
        #expect(rotated.clientAuthority.certificate != old.clientAuthority.certificate)
        #expect(rotated.serviceAccountKeyID != old.serviceAccountKeyID)
        func believes(_ identity: ClusterIdentity, at time: Double) async throws -> Bool {
            let verdict = await ClientCertificateVerifier.verify(
                chain: [Array(Data(base64Encoded: try issued.certificate.derBase64()) ?? Data())],
                authorities: identity.trust(at: time).authorities)
            if case .valid = verdict { return true }
            return false
        }
        #expect(try await believes(rotated, at: now))
        #expect(try await believes(rotated, at: now + 599))
        #expect(try await !believes(rotated, at: now + 601))
        #expect(try await !believes(rotated.retiring(everything: true, now: now), at: now))
        #expect(try await believes(rotated.retiring(everything: false, now: now), at: now))
        #expect(rotated.accountKeys(at: now).map(\.id) == [rotated.serviceAccountKeyID, old.serviceAccountKeyID])
        #expect(rotated.accountKeys(at: now + 601).map(\.id) == [rotated.serviceAccountKeyID])
        // An open connection's verdict is for what is trusted: something else is trusted then.
        #expect(rotated.trust(at: now).id != rotated.trust(at: now + 601).id)
        #expect(old.trust(at: now).id != rotated.trust(at: now + 601).id)
        #expect(old.trustMark(now: now) == nil && rotated.retiring(everything: true, now: now).trustMark(now: now) != nil)
    }

    @Test func aRecordKeepsNoPrivateKeyOfAFormerAuthority() throws {
        let old = try ClusterIdentity.generate(clusterName: "demo")
        let record = try old.rotated(clusterName: "demo", keeping: 600, now: 1_700_000_000).record().text
        let keys = [old.clientAuthority.key.rawRepresentation, old.serviceAccountKey.rawRepresentation]
        for key in keys { #expect(!record.contains(key.base64EncodedString())) }
    }

    @Test func rotationsHaveABound() throws {
        var identity = try ClusterIdentity.generate(clusterName: "demo")
        for _ in 0..<ClusterIdentity.maximumFormer {
            identity = try identity.rotated(clusterName: "demo", keeping: 600, now: 1000)
        }
        #expect(throws: ClusterIdentity.RotationError.self) {
            try identity.rotated(clusterName: "demo", keeping: 600, now: 1000)
        }
        #expect(try identity.rotated(clusterName: "demo", keeping: 600, now: 2000).former(at: 2000).count == 1)
    }

    @Test func extensionServersAreToldOfBoth() throws {
        let old = try ClusterIdentity.generate(clusterName: "demo")
        let rotated = try old.rotated(clusterName: "demo", keeping: 600, now: Date().timeIntervalSince1970)
        let data = try FrontProxy.configMap(rotated)["data"]
        for member in FrontProxy.authorityMembers {
            #expect(data?[member]?.string?.components(separatedBy: "BEGIN CERTIFICATE").count == 3)
        }
        #expect(data?["client-ca-file"]?.string?.contains(try old.clientAuthority.pem()) == true)
        let retired = try FrontProxy.configMap(rotated.retiring(everything: true, now: 0))["data"]
        #expect(retired?["client-ca-file"]?.string == (try rotated.clientAuthority.pem()))
    }
}

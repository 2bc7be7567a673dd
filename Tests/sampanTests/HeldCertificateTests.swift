import KubeObject
import Testing

@testable import sampan

struct HeldCertificateTests {
    static let now = DiagnosisTests.now
    static let day = 86_400.0

    @Test(arguments: [
        (HeldCertificate.Renewal.byItself(margin: 25 * day), 60.0, Finding.State.ok, "renews it by itself."),
        (.byItself(margin: 25 * day), 10, .warning, "should have done so"),
        (.byItself(margin: 25 * day), -1, .failure, "ended on"),
        (.byHand("do it"), 400, .ok, "doesn't renew by itself"),
        (.byHand("do it"), 20, .warning, "do it"),
        (.byHand("do it"), -1, .failure, "do it"),
        (.none, 1, .ok, "is to end then"),
    ])
    func areJudgedByWhatBecomesOfThem(_ renewal: HeldCertificate.Renewal, _ days: Double, _ state: Finding.State, _ words: String)
    {
        let held = HeldCertificate(about: "certificate/x", what: "It", end: Self.now + days * Self.day, renewal: renewal)
        let finding = held.finding(now: Self.now)
        #expect(finding.state == state)
        #expect((finding.message + finding.hint).contains(words), "\(finding)")
    }

    @Test func clustersAreNamedWhenTheirsEndsSoon() {
        func cluster(_ name: String, _ days: Double) -> JSON {
            [
                "metadata": ["name": .string(name), "namespace": "blue"],
                "status": ["authorityExpirationTime": .string(Timestamp.format(Self.now + days * Self.day))],
            ]
        }
        #expect(Diagnosis.authorities([], now: Self.now) == [])
        let findings = Diagnosis.authorities(
            [cluster("new", 3650), cluster("old", 30), ["metadata": ["name": "fresh"]]], now: Self.now)
        #expect(findings.map(\.state) == [.ok, .warning])
        #expect(findings[0].message.contains("Of 2 clusters"))
        #expect(findings[1].about == "certificate/blue--old")
        #expect(findings[1].hint == "sampan cluster rotate-authority old --team blue")
        let many = Diagnosis.authorities((0..<30).map { cluster("c\($0)", 1) }, now: Self.now)
        #expect(many.count == 22)
        #expect(many.last?.message.hasPrefix("10 more") == true)
    }

    @Test func whatTheServerTellsIsRead() {
        let text = """
            # HELP x y
            sampan_server_certificate_expiration_timestamp_seconds \(Self.now + 10 * Self.day)
            sampan_healed_total{what="containers"} 3
            sampan_healed_total{what="rules"} 0
            """
        let findings = Diagnosis.metrics(text, now: Self.now)
        #expect(findings.map(\.state) == [.warning, .ok])
        #expect(findings[1].message.contains("containers 3."))
        #expect(Diagnosis.metrics("", now: Self.now).last?.message.contains("nothing had to be") == true)
    }
}

import Fleet
import FoundationEssentials
import KubeAPI
import KubeClient
import KubeObject

/// A certificate that an instance holds.
struct HeldCertificate: Equatable {
    /// What becomes of it when its end comes near.
    enum Renewal: Equatable {
        /// The server makes another one when less than `margin` seconds are left.
        case byItself(margin: Double)
        /// It ends, and is to end.
        case none
        /// By a command.
        case byHand(String)
    }

    var about: String
    /// `The server's certificate`.
    var what: String
    /// In seconds since 1970.
    var end: Double
    var renewal: Renewal
}

extension HeldCertificate {
    /// From when on somebody is told of a certificate that doesn't renew by itself, in seconds before its end.
    static let warning: Double = 180 * 86_400

    func finding(now: Double) -> Finding {
        let left = end - now
        let day = Timestamp.format(end).prefix(10)
        let when = left <= 0 ? "ended on \(day)" : "ends on \(day), in \(shortDuration(seconds: left))"
        switch renewal {
        case .byItself(let margin):
            let isLate = left < margin
            return Finding(
                state: left <= 0 ? .failure : isLate ? .warning : .ok, about: about,
                message: "\(what) \(when); the server renews it by itself\(isLate ? ", and should have done so" : "").",
                hint: isLate ? "Look for \"Renew\" in the server's log, and start it anew: sampan down && sampan up" : "")
        case .none:
            return Finding(state: .ok, about: about, message: "\(what) \(when), and is to end then.")
        case .byHand(let hint):
            let isNear = left < Self.warning
            return Finding(
                state: left <= 0 ? .failure : isNear ? .warning : .ok, about: about,
                message: "\(what) \(when); it doesn't renew by itself, since that changes what clients believe.",
                hint: isNear ? hint : "")
        }
    }

    /// Those in the files of an instance.
    static func inFiles(_ configuration: Configuration) throws -> [HeldCertificate] {
        var held: [HeldCertificate] = []
        for dates in try dates(configuration.pkiDirectory + "/ca.crt") {
            held.append(
                HeldCertificate(
                    about: "certificate/platform", what: "The platform's certificate authority", end: dates.end,
                    renewal: .byHand("sampan rotate-authority")))
        }
        for dates in try dates(configuration.pkiDirectory + "/bridges.crt") {
            held.append(
                HeldCertificate(
                    about: "certificate/former-platform", what: "What clients of a former authority believe the server by",
                    end: dates.end, renewal: .none))
        }
        if let kubeconfig = try Kubeconfig.load(configuration.adminKubeconfigPath),
            let text = certificate(in: kubeconfig.tree), let data = Data(base64Encoded: text),
            let dates = try CertificateDates.read(pem: String(decoding: data, as: UTF8.self)).first
        {
            held.append(
                HeldCertificate(
                    about: "certificate/administrator", what: "The administrator's client certificate", end: dates.end,
                    renewal: .byItself(margin: 200 * 86_400)))
        }
        return held
    }

    private static func certificate(in kubeconfig: JSON) -> String? {
        kubeconfig["users"]?.elements.first?[path: "user", "client-certificate-data"]?.string
    }

    private static func dates(_ path: String) throws -> [CertificateDates] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        do { return try CertificateDates.read(pem: String(decoding: data, as: UTF8.self)) } catch {
            throw CommandFailure("\(path) can't be read: \(error)", hint: "Restore it from a backup.")
        }
    }
}

extension Diagnosis {
    /// How many clusters are named whose authorities come to their end.
    private static let named = 20

    /// The clusters' own authorities: one line for all, and one for each of which the end is near.
    static func authorities(_ clusters: [JSON], now: Double) -> [Finding] {
        let held = clusters.compactMap { cluster -> HeldCertificate? in
            guard let end = (cluster[path: "status", "authorityExpirationTime"]?.string).flatMap({ Timestamp.parse($0) }) else {
                return nil
            }
            let namespace = cluster[path: "metadata", "namespace"]?.string ?? ""
            let name = cluster[path: "metadata", "name"]?.string ?? ""
            let team = namespace == ClusterName.noTeam ? "" : " --team \(namespace)"
            return HeldCertificate(
                about: "certificate/\(ClusterName.logical(namespace: namespace, name: name))",
                what: "The cluster's certificate authority, and that of its front proxy,", end: end,
                renewal: .byHand("sampan cluster rotate-authority \(name)\(team)"))
        }.sorted { ($0.end, $0.about) < ($1.end, $1.about) }
        guard let first = held.first else { return [] }
        let near = held.map { $0.finding(now: now) }.filter { $0.state != .ok }
        let day = Timestamp.format(first.end).prefix(10)
        let summary = Finding(
            state: .ok, about: "certificate/clusters",
            message:
                "Of \(held.count) clusters' certificate authorities, the first ends on \(day); keys for service accounts' tokens have no end. Neither renews by itself: sampan cluster rotate-authority"
        )
        var findings = [summary] + near.prefix(named)
        if near.count > named {
            findings.append(
                Finding(
                    state: .warning, about: "certificate/clusters",
                    message: "\(near.count - named) more clusters' certificate authorities end within half a year."))
        }
        return findings
    }

    /// What a running server tells in its metrics: its own certificate, and what it put right by itself.
    static func metrics(_ text: String, now: Double) -> [Finding] {
        var findings: [Finding] = []
        var healed: [String] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            guard parts.count == 2, let value = Double(parts[1]) else { continue }
            if parts[0] == "sampan_server_certificate_expiration_timestamp_seconds" {
                let held = HeldCertificate(
                    about: "certificate/server", what: "The server's certificate", end: value,
                    renewal: .byItself(margin: 25 * 86_400))
                findings.append(held.finding(now: now))
            } else if parts[0].hasPrefix("sampan_healed_total{what=\""), value > 0 {
                healed.append("\(parts[0].split(separator: "\"")[1]) \(Int(value))")
            }
        }
        let what = healed.isEmpty ? "nothing had to be" : healed.joined(separator: ", ")
        findings.append(
            Finding(
                state: .ok, about: "healed", message: "Put right by the server itself since its start: \(what).",
                hint: healed.isEmpty ? "" : "Each is in the server's log; docs/doctor.md says what the words mean."))
        return findings
    }
}

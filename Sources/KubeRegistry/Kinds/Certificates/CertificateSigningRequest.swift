import KubeObject

/// CertificateSigningRequest: nothing of what was asked changes later.
struct CertificateSigningRequestRules: KindRules {
    var nameRule: NameRule { .custom { _ in [] } }

    func setDefaults(_ object: inout JSON) {
        object.setDefault("status", [:])
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func prepareForUpdate(_ object: inout JSON, old: JSON) { object["spec"] = old["spec"] }

    func prepareForStatusUpdate(_ object: inout JSON, old: JSON) { Self.setTimes(&object, old: old) }

    func prepareForUpdate(_ object: inout JSON, old: JSON, subresource: String) { Self.setTimes(&object, old: old) }

    /// When each condition came about, as far as the client doesn't say.
    private static func setTimes(_ object: inout JSON, old: JSON) {
        let before = old[path: "status", "conditions"]?.elements ?? []
        let now = JSON.string(Timestamp.now())
        object.edit("status") { status in
            status.editEach("conditions") { condition in
                if !condition.has("lastUpdateTime") { condition["lastUpdateTime"] = now }
                guard !condition.has("lastTransitionTime") else { return }
                let same = before.first { $0["type"] == condition["type"] && $0["status"] == condition["status"] }
                condition["lastTransitionTime"] = same?.present("lastTransitionTime") ?? now
            }
        }
    }

    private static let usages = [
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
        "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
        "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
        "server auth", "signing", "timestamping",
    ]

    func validate(_ object: JSON, _ errors: inout FieldErrors) { validate(object, old: nil, &errors) }

    private func validate(_ object: JSON, old: JSON?, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        if let problem = PEM.problem(ofRequest: spec.text("request")) {
            errors.invalid("spec.request", spec["request"] ?? .null, problem)
        }
        if !spec.has("usages") { errors.required("spec.usages") }
        if old == nil {
            errors.each(spec["usages"], "spec.usages") { usage, path, errors in
                if !Self.usages.contains(usage.string ?? "") { errors.notSupported(path, usage, Self.usages) }
            }
            var seen: Set<JSON> = []
            errors.each(spec["usages"], "spec.usages") { usage, path, errors in
                if !seen.insert(usage).inserted { errors.duplicate(path, usage) }
            }
        }
        let signer = spec.text("signerName")
        if signer == "kubernetes.io/legacy-unknown" {
            errors.invalid("spec.signerName", .string(signer), "the legacy signerName is not allowed via this API version")
        } else {
            SignerNames.validate(signer, "spec.signerName", &errors)
        }
        if let seconds = spec["expirationSeconds"]?.int, seconds < 600 {
            errors.invalid(
                "spec.expirationSeconds", .int(seconds), "may not specify a duration less than 600 seconds (10 minutes)")
        }
        validateConditions(object, &errors)
        if object[path: "status", "certificate"] != old?[path: "status", "certificate"],
            let problem = PEM.problem(ofCertificates: object[path: "status", "certificate"]?.string ?? "")
        {
            errors.invalid("status.certificate", "<certificate data>", [problem])
        }
    }

    private func validateConditions(_ object: JSON, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        errors.each(object[path: "status", "conditions"], "status.conditions") { condition, path, errors in
            let type = condition.text("type")
            if type.isEmpty { errors.required("\(path).type") }
            let allowed = ["Approved", "Denied", "Failed"].contains(type) ? ["True"] : ["False", "True", "Unknown"]
            errors.oneOf(condition["status"], allowed, "\(path).status", isRequired: true)
            if type == "Approved" && seen.contains("Denied") || type == "Denied" && seen.contains("Approved") {
                errors.invalid(
                    "status.conditions", .string(type), "Approved and Denied conditions are mutually exclusive")
            }
            if !seen.insert(type).inserted { errors.duplicate("\(path).type", .string(type)) }
        }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, old: old, &errors)
        validateChange(object, old, maySign: false, mayApprove: false, &errors)
    }

    func validateStatusUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        validate(object, old: old, &errors)
        validateChange(object, old, maySign: true, mayApprove: false, &errors)
    }

    func validateUpdate(_ object: JSON, old: JSON, subresource: String, _ errors: inout FieldErrors) {
        validate(object, old: old, &errors)
        validateChange(object, old, maySign: false, mayApprove: true, &errors)
    }

    private func validateChange(
        _ object: JSON, _ old: JSON, maySign: Bool, mayApprove: Bool, _ errors: inout FieldErrors
    ) {
        func conditions(_ tree: JSON, _ type: String) -> [JSON] {
            (tree[path: "status", "conditions"]?.elements ?? []).filter { $0.text("type") == type }
        }
        for type in ["Approved", "Denied", "Failed"] where conditions(object, type).count < conditions(old, type).count {
            errors.forbidden("status.conditions", "updates may not remove a condition of type \(quoted(type))")
        }
        for type in mayApprove ? [] : ["Approved", "Denied"] {
            let now = conditions(object, type)
            let before = conditions(old, type)
            if now.count > before.count {
                errors.forbidden("status.conditions", "updates may not add a condition of type \(quoted(type))")
            } else if now.count == before.count, now != before {
                errors.forbidden(
                    "status.conditions",
                    "updates may not modify a condition of type \(quoted(type))\n\(Difference.text(before.first, now.first))")
            }
        }
        let certificate = old[path: "status", "certificate"]
        if !FieldErrors.isSame(object[path: "status", "certificate"], certificate) {
            if !maySign {
                errors.forbidden("status.certificate", "updates may not set certificate content")
            } else if certificate?.isEmpty == false {
                errors.forbidden("status.certificate", "updates may not modify existing certificate content")
            }
        }
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "spec.signerName" ? object.tree["spec"]?.text("signerName") ?? "" : nil
    }
}

/// Blocks of PEM (RFC 7468), as far as their envelope goes.
enum PEM {
    /// What is wrong with a certificate signing request in base64.
    static func problem(ofRequest text: String) -> String? {
        let blocks = Base64.decode(text).map { Self.blocks(in: $0) } ?? []
        return blocks.first?.label == "CERTIFICATE REQUEST" ? nil : "PEM block type must be CERTIFICATE REQUEST"
    }

    /// What is wrong with certificates in base64; nothing with none.
    static func problem(ofCertificates text: String) -> String? {
        if text.isEmpty { return nil }
        let found = Base64.decode(text).map { Self.blocks(in: $0) } ?? []
        if found.isEmpty { return "must contain at least one CERTIFICATE PEM block" }
        for block in found {
            if block.label != "CERTIFICATE" {
                return "only CERTIFICATE PEM blocks are allowed, found \(quoted(block.label))"
            }
            if block.hasHeaders { return "no PEM block headers are permitted" }
        }
        return nil
    }

    /// The first request's content, in base64.
    static func requestBody(in bytes: [UInt8]) -> String? {
        blocks(in: bytes).first { $0.label == "CERTIFICATE REQUEST" }?.body
    }

    private static func blocks(in bytes: [UInt8]) -> [(label: String, hasHeaders: Bool, body: String)] {
        var found: [(label: String, hasHeaders: Bool, body: String)] = []
        var open: (label: String, hasHeaders: Bool, body: String)?
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let line = String(line).trimming(while: \.isWhitespace)
            if line.hasPrefix("-----BEGIN "), line.hasSuffix("-----") {
                open = (String(line.dropFirst(11).dropLast(5)), false, "")
            } else if let block = open, line == "-----END \(block.label)-----" {
                if Base64.decode(block.body) != nil { found.append(block) }
                open = nil
            } else if open != nil {
                if line.contains(":") { open?.hasHeaders = true } else { open?.body += line }
            }
        }
        return found
    }
}

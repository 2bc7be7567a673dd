import KubeObject

/// What is checked of a projected volume: several sources in one directory.
enum ProjectedVolumeValidation {
    static func validate(_ volume: JSON, _ path: String, _ errors: inout FieldErrors) {
        Paths.validateMode(volume["defaultMode"], "\(path).defaultMode", &errors)
        var taken: Set<String> = []
        errors.each(volume["sources"], "\(path).sources") { source, itemPath, errors in
            func take(_ file: String, _ shown: String, _ errors: inout FieldErrors) {
                if !file.isEmpty, !taken.insert(file).inserted {
                    errors.invalid(path, .string(shown), "conflicting duplicate paths")
                }
            }
            var count = 0
            for key in ["secret", "configMap"] {
                guard let files = source.present(key) else { continue }
                count += 1
                errors.texts(files, ["name"], "\(itemPath).\(key)")
                errors.each(files["items"], "\(itemPath).\(key).items") { item, path, errors in
                    VolumeValidation.validateKeyToPath(item, path, &errors)
                    take(item.text("path"), files.text("name"), &errors)
                }
            }
            if let downward = source.present("downwardAPI") {
                count += 1
                for file in downward["items"]?.elements ?? [] {
                    VolumeValidation.validateDownwardFile(file, "\(itemPath).downwardAPI", &errors)
                    take(file.text("path"), file.text("path"), &errors)
                }
            }
            if let token = source.present("serviceAccountToken") {
                count += 1
                validateToken(token, "\(itemPath).serviceAccountToken", path, &errors)
            }
            if let bundle = source.present("clusterTrustBundle") {
                count += 1
                validateBundle(bundle, "\(itemPath).clusterTrustBundle", &errors)
                take(bundle.text("path"), bundle.text("path"), &errors)
            }
            if let certificate = source.present("podCertificate") {
                count += 1
                validateCertificate(certificate, "\(itemPath).podCertificate", &errors)
            }
            if count > 1 { errors.forbidden(itemPath, "may not specify more than 1 volume type per source") }
        }
    }

    private static func validateToken(_ token: JSON, _ path: String, _ volumePath: String, _ errors: inout FieldErrors) {
        let seconds = token["expirationSeconds"]?.int ?? 0
        if seconds < 600 {
            errors.invalid("\(path).expirationSeconds", .int(seconds), "may not specify a duration less than 10 minutes")
        }
        if seconds > 1 << 32 {
            errors.invalid("\(path).expirationSeconds", .int(seconds), "may not specify a duration larger than 2^32 seconds")
        }
        // Upstream names the volume here, and not the source.
        errors.text(token, "path", volumePath, Paths.localNonReserved)
    }

    private static func validateBundle(_ bundle: JSON, _ path: String, _ errors: inout FieldErrors) {
        let name = bundle.present("name")?.string
        let signer = bundle.present("signerName")?.string
        if name != nil, signer != nil {
            errors.invalid(path, bundle, "only one of name and signerName may be used")
        } else if let name {
            if name.isEmpty { errors.required("\(path).name", "must be a valid object name") }
            for problem in SignerNames.bundle(name) {
                errors.invalid("\(path).name", .string(name), "not a valid clustertrustbundlename: \(problem)")
            }
            if let selector = bundle.present("labelSelector") {
                errors.invalid("\(path).labelSelector", selector, "labelSelector must be unset if name is specified")
            }
        } else if let signer {
            if signer.isEmpty { errors.required("\(path).signerName", "must be a valid signer name") }
            SignerNames.validate(signer, "\(path).signerName", &errors)
            SelectorValidation.validate(bundle.present("labelSelector"), "\(path).labelSelector", &errors)
        } else {
            errors.required(path, "either name or signerName must be specified")
        }
        if !bundle.has("path") { errors.required("\(path).path") }
        errors.invalid("\(path).path", bundle.text("path"), Paths.localNonReserved(bundle.text("path")))
    }

    private static func validateCertificate(_ certificate: JSON, _ path: String, _ errors: inout FieldErrors) {
        SignerNames.validate(certificate.text("signerName"), "\(path).signerName", &errors)
        let types = ["ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072", "RSA4096"]
        if !types.contains(certificate.text("keyType")) {
            errors.notSupported("\(path).keyType", certificate["keyType"] ?? "", types)
        }
        for key in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
            errors.optionalText(certificate, key, path, Paths.localNonReserved)
        }
    }
}

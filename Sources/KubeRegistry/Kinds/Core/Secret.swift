import KubeObject

/// Secret: types with their required keys, `stringData` folded into `data`, immutable where it says so.
struct SecretRules: KindRules {
    static let maximumSize = 1024 * 1024

    func setDefaults(_ object: inout JSON) {
        object.setDefaultText("type", "Opaque")
        if let texts = object["stringData"]?.object {
            for (key, value) in texts {
                if let text = value.string { object[path: "data", key] = .string(Base64.encode(text.utf8)) }
            }
            object["stringData"] = nil
        }
    }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let data = object["data"]?.object ?? [:]
        var size = 0
        for (key, value) in data {
            errors.invalid("data[\(key)]", key, Names.configKey(key))
            size += Base64.decodedCount(value.string ?? "")
        }
        if size > Self.maximumSize { errors.add(.tooLong("data", maximum: Self.maximumSize)) }
        func requireKey(_ key: String) {
            if data[key] == nil { errors.required("data[\(key)]") }
        }
        switch object.text("type") {
        case "kubernetes.io/service-account-token":
            if object[path: "metadata", "annotations", "kubernetes.io/service-account.name"]?.isEmpty ?? true {
                errors.required("metadata.annotations[kubernetes.io/service-account.name]")
            }
        case "kubernetes.io/dockercfg": requireJSON(".dockercfg", data, &errors)
        case "kubernetes.io/dockerconfigjson": requireJSON(".dockerconfigjson", data, &errors)
        case "kubernetes.io/basic-auth":
            if data["username"] == nil, data["password"] == nil {
                errors.required("data[username]")
                errors.required("data[password]")
            }
        case "kubernetes.io/ssh-auth":
            if data["ssh-privatekey"]?.isEmpty ?? true { errors.required("data[ssh-privatekey]") }
        case "kubernetes.io/tls":
            requireKey("tls.crt")
            requireKey("tls.key")
        default: break
        }
    }

    private func requireJSON(_ key: String, _ data: JSONObject, _ errors: inout FieldErrors) {
        guard let text = data[key]?.string else { return errors.required("data[\(key)]") }
        let isJSON = Base64.decode(text).map { bytes in Result { try JSON(parsing: bytes) }.value != nil } ?? false
        if !isJSON { errors.invalid("data[\(key)]", "<secret contents redacted>", "invalid JSON document") }
    }

    func prepareForUpdate(_ object: inout JSON, old: JSON) {
        // An update may leave the type out.
        if object.text("type").isEmpty { object["type"] = old["type"] }
    }

    func validateUpdate(_ object: JSON, old: JSON, _ errors: inout FieldErrors) {
        errors.immutable(object["type"], old["type"], "type")
        ConfigMapRules.validateImmutable(object, old, ["data"], &errors)
        validate(object, &errors)
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "type" ? object.tree.text("type") : nil
    }
}

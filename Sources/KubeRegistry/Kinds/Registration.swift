import KubeObject

/// MutatingWebhookConfiguration and ValidatingWebhookConfiguration.
struct WebhookConfigurationRules: KindRules {
    var countsGeneration: Bool { true }

    func setDefaults(_ object: inout JSON) {
        let isMutating = object.text("kind") == "MutatingWebhookConfiguration"
        object.editEach("webhooks") { webhook in
            webhook.setDefaultText("failurePolicy", "Fail")
            webhook.setDefaultText("matchPolicy", "Equivalent")
            webhook.setDefault("namespaceSelector", [:])
            webhook.setDefault("objectSelector", [:])
            webhook.setDefault("timeoutSeconds", 10)
            if isMutating { webhook.setDefaultText("reinvocationPolicy", "Never") }
            webhook.editEach("rules") { $0.setDefaultText("scope", "*") }
            webhook.edit("clientConfig") { config in
                config.edit("service") { $0.setDefault("port", 443) }
            }
        }
    }
}

/// CertificateSigningRequest: nothing of what was asked changes later.
struct CertificateSigningRequestRules: KindRules {
    func setDefaults(_ object: inout JSON) {
        if object["spec"]?.has("usages") == false {
            object[path: "spec", "usages"] = ["digital signature", "key encipherment"]
        }
        object.setDefault("status", [:])
    }

    func prepareForCreate(_ object: inout JSON) { object["status"] = [:] }

    func prepareForUpdate(_ object: inout JSON, old: JSON) { object["spec"] = old["spec"] }

    func validate(_ object: JSON, _ errors: inout FieldErrors) {
        let spec = object["spec"] ?? [:]
        if !spec.has("request") { errors.required("spec.request") }
        if !spec.has("signerName") { errors.required("spec.signerName") }
    }

    func selectableField(_ path: String, of object: Object) -> String? {
        path == "spec.signerName" ? object.tree["spec"]?.text("signerName") ?? "" : nil
    }
}

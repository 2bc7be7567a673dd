extension AdmissionChain {
    /// The admission plugins of a default server, in upstream's order, and the platform's own.
    public static var builtin: AdmissionChain {
        AdmissionChain(
            mutating: [
                NamespaceLifecycle(), LimitRanger(), ServiceAccountAdmission(), NodeRestriction(), TaintNodesByCondition(),
                PriorityAdmission(), DefaultTolerationSeconds(), PodTolerationRestriction(),
                CertificateRequester(), DefaultClasses(),
                StorageProtectionAdmission(),
                RuntimeClassAdmission(), PodTopologyLabels(),
                MutatingPolicies(), MutatingWebhooks(),
            ],
            validating: [
                NamespaceLifecycle(), PodTolerationRestriction(), PodSecurityAdmission(), PlatformPodSecurity(),
                PriorityAdmission(), ClaimResize(), PodResizeAdmission(),
                CertificateAdmission(),
                RuntimeClassAdmission(), ValidatingPolicies(), ValidatingWebhooks(), ResourceQuotaAdmission(),
            ])
    }
}

import KubeObject

/// The defaults of a pod's spec, in pods and in the templates of workloads.
enum PodDefaults {
    /// What pods and templates share.
    static func setTemplateDefaults(_ template: inout JSON) {
        template.edit("spec", setSpecDefaults)
    }

    static func setSpecDefaults(_ spec: inout JSON) {
        spec.setDefaultText("dnsPolicy", "ClusterFirst")
        spec.setDefaultText("restartPolicy", "Always")
        spec.setDefault("terminationGracePeriodSeconds", 30)
        spec.setDefaultText("schedulerName", "default-scheduler")
        spec.setDefault("securityContext", [:])
        // The older name is kept in step for old clients.
        if spec.has("serviceAccountName") {
            spec["serviceAccount"] = spec["serviceAccountName"]
        } else if spec.has("serviceAccount") {
            spec["serviceAccountName"] = spec["serviceAccount"]
        }
        for key in ["initContainers", "containers", "ephemeralContainers"] { spec.editEach(key, setContainerDefaults) }
        spec.editEach("volumes", setVolumeDefaults)
    }

    /// What only pods get.
    static func setPodDefaults(_ spec: inout JSON) {
        spec.setDefault("enableServiceLinks", true)
        let usesHostNetwork = spec["hostNetwork"]?.bool == true
        for key in ["initContainers", "containers"] {
            spec.editEach(key) { container in
                if usesHostNetwork {
                    container.editEach("ports") { $0.setDefaultNumber("hostPort", $0["containerPort"]?.int ?? 0) }
                }
                fillRequests(&container)
            }
        }
        spec.edit("resources", fillRequests(from:))
    }

    /// A limit without a request is the request as well.
    private static func fillRequests(_ container: inout JSON) {
        container.edit("resources", fillRequests(from:))
    }

    private static func fillRequests(from resources: inout JSON) {
        for (name, limit) in resources["limits"]?.object ?? [:] where resources["requests"]?[name] == nil {
            resources[path: "requests", name] = limit
        }
    }

    private static func setContainerDefaults(_ container: inout JSON) {
        container.setDefaultText("imagePullPolicy", isLatest(container.text("image")) ? "Always" : "IfNotPresent")
        container.setDefaultText("terminationMessagePath", "/dev/termination-log")
        container.setDefaultText("terminationMessagePolicy", "File")
        container.setDefault("resources", [:])
        container.editEach("ports") { $0.setDefaultText("protocol", "TCP") }
        container.editEach("env") { variable in
            variable.edit("valueFrom") { source in
                source.edit("fieldRef") { $0.setDefaultText("apiVersion", "v1") }
                source.edit("resourceFieldRef") { $0.setDefault("divisor", "0") }
            }
        }
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            container.edit(key) { probe in
                probe.setDefaultNumber("timeoutSeconds", 1)
                probe.setDefaultNumber("periodSeconds", 10)
                probe.setDefaultNumber("successThreshold", 1)
                probe.setDefaultNumber("failureThreshold", 3)
                setHandlerDefaults(&probe)
            }
        }
        container.edit("lifecycle") { lifecycle in
            lifecycle.edit("postStart", setHandlerDefaults)
            lifecycle.edit("preStop", setHandlerDefaults)
        }
    }

    private static func setHandlerDefaults(_ handler: inout JSON) {
        handler.edit("httpGet") {
            $0.setDefaultText("path", "/")
            $0.setDefaultText("scheme", "HTTP")
        }
        handler.edit("grpc") { $0.setDefault("service", "") }
    }

    /// Whether an image's reference has the tag `latest` or neither tag nor digest.
    static func isLatest(_ image: String) -> Bool {
        if image.contains("@") { return false }
        guard let colon = image.lastIndex(of: ":") else { return true }
        let tag = image[image.index(after: colon)...]
        // A colon before the last slash is a registry's port.
        return tag.contains("/") || tag == "latest"
    }

    private static func setVolumeDefaults(_ volume: inout JSON) {
        let sources = (volume.object ?? [:]).filter { key, value in key != "name" && !value.isNull }
        if sources.isEmpty { volume["emptyDir"] = [:] }
        for key in ["secret", "configMap", "downwardAPI", "projected"] {
            volume.edit(key) { $0.setDefault("defaultMode", 420) }
        }
        volume.edit("downwardAPI") { $0.editEach("items", setDownwardDefaults) }
        volume.edit("projected") { projected in
            projected.editEach("sources") { source in
                source.edit("serviceAccountToken") { $0.setDefault("expirationSeconds", 3600) }
                source.edit("downwardAPI") { $0.editEach("items", setDownwardDefaults) }
            }
        }
        volume.edit("hostPath") { $0.setDefault("type", "") }
        volume.edit("iscsi") { $0.setDefaultText("iscsiInterface", "default") }
        volume.edit("rbd") {
            $0.setDefaultText("pool", "rbd")
            $0.setDefaultText("user", "admin")
            $0.setDefaultText("keyring", "/etc/ceph/keyring")
        }
        volume.edit("azureDisk") {
            $0.setDefaultText("cachingMode", "ReadWrite")
            $0.setDefaultText("kind", "Shared")
            $0.setDefaultText("fsType", "ext4")
            $0.setDefault("readOnly", false)
        }
        volume.edit("scaleIO") {
            $0.setDefaultText("storageMode", "ThinProvisioned")
            $0.setDefaultText("fsType", "xfs")
        }
        volume.edit("image") { image in
            image.setDefaultText("pullPolicy", isLatest(image.text("reference")) ? "Always" : "IfNotPresent")
        }
        volume.edit("ephemeral") { ephemeral in
            ephemeral.edit("volumeClaimTemplate") { template in
                template.edit("spec") { $0.setDefaultText("volumeMode", "Filesystem") }
            }
        }
    }

    private static func setDownwardDefaults(_ item: inout JSON) {
        item.edit("fieldRef") { $0.setDefaultText("apiVersion", "v1") }
        item.edit("resourceFieldRef") { $0.setDefault("divisor", "0") }
    }
}

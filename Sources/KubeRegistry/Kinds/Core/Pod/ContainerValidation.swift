import KubeObject

/// What is checked of a pod's containers of all three sorts.
struct ContainerValidation {
    let spec: JSON
    let path: String
    let volumes: [String: JSON]
    let isTemplate: Bool
    private let claims: Set<String>
    private let gracePeriod: Int64?
    private let hasHostUsers: Bool

    init(_ spec: JSON, volumes: [String: JSON], path: String, isTemplate: Bool) {
        self.spec = spec
        self.path = path
        self.volumes = volumes
        self.isTemplate = isTemplate
        claims = Set((spec["resourceClaims"]?.elements ?? []).map { $0.text("name") }.filter { !$0.isEmpty })
        gracePeriod = spec["terminationGracePeriodSeconds"]?.int
        hasHostUsers = spec["hostUsers"]?.bool ?? true
    }

    func validate(_ errors: inout FieldErrors) {
        let regular = spec["containers"]?.elements ?? []
        validateRegular(regular, &errors)
        let initial = spec["initContainers"]?.elements ?? []
        if !initial.isEmpty { validateInit(initial, Set(regular.map { $0.text("name") }), &errors) }
        let ephemeral = spec["ephemeralContainers"]?.elements ?? []
        if !ephemeral.isEmpty { validateEphemeral(ephemeral, Set((regular + initial).map { $0.text("name") }), &errors) }
    }

    private func validateRegular(_ containers: [JSON], _ errors: inout FieldErrors) {
        let path = "\(path).containers"
        if containers.isEmpty { return errors.required(path) }
        var names: Set<String> = []
        for (index, container) in containers.enumerated() {
            let path = "\(path)[\(index)]"
            validateCommon(container, path, &errors)
            let name = container.text("name")
            if !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            ProbeValidation.validateAll(container, gracePeriod: gracePeriod, path, &errors)
            Self.validateRestartPolicy(container, path, &errors)
        }
        Self.validateHostPorts(containers, path, &errors)
    }

    private func validateInit(_ containers: [JSON], _ known: Set<String>, _ errors: inout FieldErrors) {
        let path = "\(path).initContainers"
        var names = known
        for (index, container) in containers.enumerated() {
            let path = "\(path)[\(index)]"
            validateCommon(container, path, &errors)
            Self.validateRestartPolicy(container, path, &errors)
            let name = container.text("name")
            if !name.isEmpty, !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            // They run one after the other, so each has the host's ports for itself.
            Self.validateHostPorts([container], self.path + ".initContainers", &errors)
            if container.text("restartPolicy") == "Always" {
                ProbeValidation.validateAll(container, gracePeriod: gracePeriod, path, &errors)
                continue
            }
            for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where container.present(key) != nil {
                errors.forbidden("\(path).\(key)", "may not be set for init containers without restartPolicy=Always")
            }
        }
    }

    /// What an ephemeral container may have.
    private static let ephemeralFields: Set<String> = [
        "name", "image", "command", "args", "workingDir", "envFrom", "env", "volumeMounts", "volumeDevices",
        "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "securityContext", "stdin", "stdinOnce", "tty",
        "targetContainerName",
    ]

    private func validateEphemeral(_ containers: [JSON], _ known: Set<String>, _ errors: inout FieldErrors) {
        var names = known
        errors.each(.array(containers), "\(path).ephemeralContainers") { container, path, errors in
            validateCommon(container, path, &errors)
            Self.validateImageOfPod(container, path, &errors)
            let name = container.text("name")
            if !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            let target = container.text("targetContainerName")
            if !target.isEmpty, !known.contains(target) { errors.notFound("\(path).targetContainerName", .string(target)) }
            for (key, value) in container.object ?? [:] where !Self.ephemeralFields.contains(key) && !value.isEmpty {
                errors.forbidden("\(path).\(key)", "cannot be set for an Ephemeral Container")
            }
            errors.each(container["volumeMounts"], "\(path).volumeMounts") { mount, path, errors in
                for key in ["subPath", "subPathExpr"] where mount.has(key) {
                    errors.forbidden("\(path).\(key)", "cannot be set for an Ephemeral Container")
                }
            }
        }
    }

    private func validateCommon(_ container: JSON, _ path: String, _ errors: inout FieldErrors) {
        errors.text(container, "name", path, Names.label)
        if container.text("image").isEmpty { errors.required("\(path).image") }
        let policy = container.text("terminationMessagePolicy")
        errors.oneOf(.string(policy), ["File", "FallbackToLogsOnError"], "\(path).terminationMessagePolicy", isRequired: true)
        Self.validatePorts(container["ports"], "\(path).ports", &errors)
        EnvironmentValidation.validate(container, path, &errors)
        MountValidation.validate(container, volumes, path, &errors)
        errors.oneOf(
            container["imagePullPolicy"], ["Always", "IfNotPresent", "Never"], "\(path).imagePullPolicy", isRequired: true)
        ResourceRequirements.validate(
            container["resources"] ?? [:], "\(path).resources", claims: claims, names: ResourceNames.ofContainer, &errors)
        validateResizePolicy(container["resizePolicy"], "\(path).resizePolicy", &errors)
        SecurityContextValidation.validateContainer(
            container.present("securityContext"), hasHostUsers: hasHostUsers, "\(path).securityContext", &errors)
    }

    /// Templates may have such images: in some of them a blank stands for one that is filled in later.
    static func validateImageOfPod(_ container: JSON, _ path: String, _ errors: inout FieldErrors) {
        let image = container.text("image")
        if image.first?.isWhitespace ?? false || image.last?.isWhitespace ?? false {
            errors.invalid("\(path).image", .string(image), "must not have leading or trailing whitespace")
        }
    }

    private static func validatePorts(_ ports: JSON?, _ path: String, _ errors: inout FieldErrors) {
        var names: Set<String> = []
        errors.each(ports, path) { port, path, errors in
            let name = port.text("name")
            if !name.isEmpty {
                let problems = Names.port(name)
                errors.invalid("\(path).name", name, problems)
                if problems.isEmpty, !names.insert(name).inserted { errors.duplicate("\(path).name", .string(name)) }
            }
            let number = port["containerPort"]?.int ?? 0
            if number == 0 {
                errors.required("\(path).containerPort")
            } else {
                errors.within(1...65535, .int(number), "\(path).containerPort")
            }
            if let host = port["hostPort"]?.int, host != 0 { errors.within(1...65535, .int(host), "\(path).hostPort") }
            errors.oneOf(port["protocol"], ["SCTP", "TCP", "UDP"], "\(path).protocol", isRequired: true)
        }
    }

    private static func validateHostPorts(_ containers: [JSON], _ path: String, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        for (index, container) in containers.enumerated() {
            errors.each(container["ports"], "\(path)[\(index)].ports") { port, path, errors in
                guard let number = port["hostPort"]?.int, number != 0 else { return }
                let claim = "\(port.text("protocol"))/\(port.text("hostIP"))/\(number)"
                if !seen.insert(claim).inserted { errors.duplicate("\(path).hostPort", .string(claim)) }
            }
        }
    }

    /// On the host's network a container's port is the host's.
    func validateHostNetworkPorts(_ errors: inout FieldErrors) {
        guard spec["hostNetwork"]?.bool == true else { return }
        errors.each(spec["containers"], "\(path).containers") { container, path, errors in
            errors.each(container["ports"], "\(path).ports") { port, path, errors in
                let host = port["hostPort"]?.int ?? 0
                if !isTemplate || host != 0, host != port["containerPort"]?.int ?? 0 {
                    errors.invalid("\(path).hostPort", .int(host), "must match `containerPort` when `hostNetwork` is true")
                }
            }
        }
    }

    private func validateResizePolicy(_ policies: JSON?, _ path: String, _ errors: inout FieldErrors) {
        var seen: Set<String> = []
        errors.each(policies, path) { policy, itemPath, errors in
            let resource = policy.text("resourceName")
            if !seen.insert(resource).inserted { errors.duplicate(itemPath, .string(resource)) }
            errors.oneOf(.string(resource), ["cpu", "memory"], path, isRequired: true)
            let restart = policy.text("restartPolicy")
            errors.oneOf(.string(restart), ["NotRequired", "RestartContainer"], path, isRequired: true)
            if spec.text("restartPolicy") == "Never", restart != "NotRequired" {
                errors.invalid(path, .string(restart), "must be 'NotRequired' when `restartPolicy` is 'Never'")
            }
        }
    }

    /// A container's own restart policy, with rules for exit codes (KEP-5307).
    private static func validateRestartPolicy(_ container: JSON, _ path: String, _ errors: inout FieldErrors) {
        let rules = container["restartPolicyRules"]?.elements ?? []
        if let policy = container.present("restartPolicy")?.string {
            let policies = ["Always", "Never", "OnFailure"]
            if !policies.contains(policy) { errors.notSupported("\(path).restartPolicy", .string(policy), policies) }
        } else if !rules.isEmpty {
            errors.required("\(path).restartPolicy", "must specify restartPolicy when restart rules are used")
        }
        if rules.count > 20 { errors.tooLong("\(path).restartPolicyRules", 20) }
        errors.each(.array(rules), "\(path).restartPolicyRules") { rule, path, errors in
            errors.oneOf(rule["action"], ["Restart", "RestartAllContainers"], "\(path).action", isRequired: true)
            guard let codes = rule.present("exitCodes") else { return errors.required("\(path).exitCodes", "must be specified") }
            errors.oneOf(codes["operator"], ["In", "NotIn"], "\(path).exitCodes.operator", isRequired: true)
            if codes["values"]?.elements.count ?? 0 > 255 { errors.tooLong("\(path).exitCodes.values", 255) }
        }
    }
}

import KubeObject

/// One of the node's conditions that tell what it's short of, in kubelet's words.
public enum PressureCondition: String, Sendable, CaseIterable {
    case memory = "MemoryPressure"
    case disk = "DiskPressure"
    case processes = "PIDPressure"

    /// The reason, which is also that of the node's event, and the message.
    func words(isTrue: Bool) -> (reason: String, message: String, event: String) {
        switch (self, isTrue) {
        case (.memory, true):
            ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available", "NodeHasInsufficientMemory")
        case (.memory, false):
            ("KubeletHasSufficientMemory", "kubelet has sufficient memory available", "NodeHasSufficientMemory")
        case (.disk, true): ("KubeletHasDiskPressure", "kubelet has disk pressure", "NodeHasDiskPressure")
        case (.disk, false): ("KubeletHasNoDiskPressure", "kubelet has no disk pressure", "NodeHasNoDiskPressure")
        case (.processes, true):
            ("KubeletHasInsufficientPID", "kubelet has insufficient PID available", "NodeHasInsufficientPID")
        case (.processes, false): ("KubeletHasSufficientPID", "kubelet has sufficient PID available", "NodeHasSufficientPID")
        }
    }

    /// As it stands in a node's status.
    func tree(isTrue: Bool, time: JSON) -> JSON {
        let words = words(isTrue: isTrue)
        return [
            "type": .string(rawValue), "status": isTrue ? "True" : "False", "reason": .string(words.reason),
            "message": .string(words.message), "lastHeartbeatTime": time, "lastTransitionTime": time,
        ]
    }

    /// Brings a node's conditions to what is so now. Returns those that changed.
    static func apply(_ present: Set<PressureCondition>, to node: inout JSON, time: String) -> [PressureCondition] {
        var conditions = node[path: "status", "conditions"]?.elements ?? []
        var changed: [PressureCondition] = []
        for condition in allCases {
            let status = present.contains(condition) ? "True" : "False"
            let index = conditions.firstIndex { $0["type"]?.string == condition.rawValue }
            if let index, conditions[index]["status"]?.string == status { continue }
            changed.append(condition)
            let tree = condition.tree(isTrue: present.contains(condition), time: .string(time))
            if let index { conditions[index] = tree } else { conditions.insert(tree, at: 0) }
        }
        if !changed.isEmpty { node[path: "status", "conditions"] = .array(conditions) }
        return changed
    }

    /// Why a node that is short of something takes no more pods of this kind; nil when it does.
    /// Source: kubelet's eviction manager
    static func rejection(of pod: Pod, under present: Set<PressureCondition>) -> PodRejection? {
        guard !present.isEmpty, !pod.isCritical else { return nil }
        if present == [.memory], pod.status["qosClass"]?.string != "BestEffort" || pod.toleratesMemoryPressure { return nil }
        let names = allCases.filter(present.contains).map(\.rawValue).joined(separator: " ")
        return PodRejection(reason: "Evicted", message: "The node had condition: [\(names)]. ")
    }
}

extension Pod {
    /// Of those that hold up the node or the cluster, by their priority.
    var isCritical: Bool { priority >= 2_000_000_000 }

    var priority: Int64 { spec["priority"]?.int ?? 0 }

    fileprivate var toleratesMemoryPressure: Bool {
        (spec["tolerations"]?.elements ?? []).contains { toleration in
            let key = toleration["key"]?.string ?? ""
            let effect = toleration["effect"]?.string ?? ""
            guard effect.isEmpty || effect == "NoSchedule" else { return false }
            let exists = toleration["operator"]?.string == "Exists"
            guard key == "node.kubernetes.io/memory-pressure" || (key.isEmpty && exists) else { return false }
            return exists || (toleration["value"]?.string ?? "").isEmpty
        }
    }
}

import KubeObject

/// The pod that a job makes, with its completion index if it has one.
enum JobPodTemplate {
    private static let variable = "JOB_COMPLETION_INDEX"

    static func make(_ job: JobView, index: Int?, failures: Int) -> JSON {
        var pod = PodFromTemplate.make(job.spec["template"] ?? [:], owner: job.object)
        let finalizers = pod[path: "metadata", "finalizers"]?.strings ?? []
        pod[path: "metadata", "finalizers"] = JSON(finalizers.filter { $0 != JobView.tracking } + [JobView.tracking])
        guard let index else { return pod }

        let name = "\(job.metadata.name)-\(index)"
        pod[path: "metadata", "generateName"] = .string("\(name)-")
        pod[path: "metadata", "annotations", JobView.indexKey] = .string(String(index))
        pod[path: "metadata", "labels", JobView.indexKey] = .string(String(index))
        if job.backoffLimitPerIndex != nil {
            pod[path: "metadata", "annotations", JobView.indexFailures] = .string(String(failures))
        }
        if pod[path: "spec", "hostname"] == nil { pod[path: "spec", "hostname"] = .string(name) }
        for key in ["containers", "initContainers"] {
            guard let containers = pod[path: "spec", key]?.array else { continue }
            pod[path: "spec", key] = .array(containers.map(withVariable))
        }
        return pod
    }

    /// Containers learn their index from the environment, unless the template says something else there.
    private static func withVariable(_ container: JSON) -> JSON {
        var container = container
        let environment = container["env"]?.elements ?? []
        guard !environment.contains(where: { $0["name"]?.string == variable }) else { return container }
        let source: JSON = [
            "name": .string(variable),
            "valueFrom": ["fieldRef": ["fieldPath": .string("metadata.labels['\(JobView.indexKey)']")]],
        ]
        container["env"] = .array(environment + [source])
        return container
    }
}

import KubeObject

/// Finds out what an autoscaler's metrics say, and what size each asks for.
struct MetricProposer {
    let reader: MetricsReader
    let target: ScaleTarget
    /// The target's active pods.
    let pods: [Object]
    let tolerance: AutoscalerMetric.Tolerance
    /// What the pods use, for a metric of type Resource or ContainerResource.
    let usage: (JSON) async -> [AutoscalerMetric.Sample]

    func propose(_ metric: JSON) async throws(AutoscalerMetric.Failure) -> AutoscalerMetric.Proposal {
        switch metric["type"]?.string {
        case "Pods":
            let identifier = metric[path: "pods", "metric"] ?? [:]
            let values: [String: Int64]
            do { values = try await reader.pods(identifier, selector: target.selector) } catch {
                throw AutoscalerMetric.podsFailure("unable to get metric \(identifier.text("name")): \(error.message)")
            }
            let samples = pods.map { pod in
                AutoscalerMetric.Sample(
                    usage: values[pod.metadata.name], request: nil, isUnready: PodState(pod).phase == .pending)
            }
            return try AutoscalerMetric.proposePods(
                metric, current: target.specReplicas, samples: samples, tolerance: tolerance)
        case "Object":
            let source = metric["object"] ?? [:]
            let reference = source["describedObject"] ?? [:]
            let value: Int64
            do { value = try await reader.object(source["metric"] ?? [:], reference) } catch {
                let place = "\(reference.text("kind")) \(reader.namespace)/\(reference.text("name"))"
                throw AutoscalerMetric.objectFailure(
                    "unable to get metric \(source["metric"]?.text("name") ?? ""): \(place)/\(error.message)")
            }
            return try AutoscalerMetric.proposeObject(metric, value: value, of: facts, tolerance: tolerance)
        case "External":
            let identifier = metric[path: "external", "metric"] ?? [:]
            let name = identifier.text("name")
            let value: Int64
            do { value = try await reader.external(identifier) } catch {
                let selector = AutoscalerMetric.goText(identifier["selector"])
                throw AutoscalerMetric.externalFailure(
                    "unable to get external metric \(reader.namespace)/\(name)/\(selector): \(error.message)", name)
            }
            return try AutoscalerMetric.proposeExternal(metric, value: value, of: facts, tolerance: tolerance)
        default:
            return try AutoscalerMetric.propose(
                metric, current: target.specReplicas, samples: await usage(metric), tolerance: tolerance)
        }
    }

    private var facts: AutoscalerMetric.Target {
        AutoscalerMetric.Target(
            specReplicas: target.specReplicas, statusReplicas: target.statusReplicas,
            readyPods: pods.isEmpty
                ? nil : Int64(pods.count { PodState($0).phase == .running && PodState($0).isReady }))
    }
}

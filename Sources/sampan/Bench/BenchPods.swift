import ArgumentParser
import KubeClient
import KubeObject

/// `sampan bench pods`: from a pod's creation until its status says that it runs.
struct BenchPods: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pods", abstract: "Measure starting pods.")

    @Option(help: "Which cluster, and as whom.")
    var kubeconfig: String

    @Option(help: "An image that is there already.")
    var image: String = "sampan.dev/sample/web:1"

    @Option(help: "How many pods at each concurrency.")
    var count: Int = 20

    @Option(help: "How many pods at once.")
    var concurrency: [Int] = [1, 10]

    @Option(help: "The node to bind the pods to at once, where no scheduler does it.")
    var nodeName: String?

    private static let pods = GroupVersionResource(group: "", version: "v1", resource: "pods")

    func run() async throws {
        let configuration = try ClientConfiguration(kubeconfig: kubeconfig)
        let (image, nodeName) = (image, nodeName)
        try await KubeClient.with(configuration) { client in
            for concurrency in concurrency {
                @Sendable func path(_ index: Int) -> ResourcePath {
                    ResourcePath(Self.pods, namespace: "default", name: "bench-\(concurrency)-\(index)")
                }
                BenchCommand.print(
                    try await Measurement.take("pod until Running", count: count, concurrency: concurrency) { index in
                        try await Self.run(path(index), image, nodeName, client)
                    })
                for index in 0..<count { try await client.delete(path(index)) }
            }
        }
    }

    private static func run(
        _ path: ResourcePath, _ image: String, _ nodeName: String?, _ client: KubeClient
    ) async throws {
        let container: JSON = [
            "name": "main", "image": .string(image), "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"],
        ]
        var spec: JSON = ["terminationGracePeriodSeconds": 0, "containers": [container]]
        spec["nodeName"] = nodeName.map(JSON.string)
        let pod: JSON = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(path.name)], "spec": spec,
        ]
        let made = try await client.create(pod, at: ResourcePath(path.resource, namespace: path.namespace))
        let version = made["metadata"]?["resourceVersion"]?.string
        for try await event in try await client.watch(path, resourceVersion: version) {
            switch event.object["status"]?["phase"]?.string {
            case "Running": return
            case "Failed", "Succeeded": throw CommandFailure("The pod \(path.name) ended instead of running.")
            default: continue
            }
        }
        throw CommandFailure("The watch of pod \(path.name) ended before it ran.")
    }
}

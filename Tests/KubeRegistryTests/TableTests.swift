import KubeObject
import KubeSchema
import Testing

@testable import KubeRegistry

@Suite struct TableTests {
    private let now = 1_800_000_000.0

    private func ago(_ seconds: Double) -> JSON { .string(Timestamp.format(now - seconds)) }

    private func cells(_ tree: JSON, _ group: String, _ plural: String) throws -> [String] {
        let resource = try #require(Schema.builtin.resource(GroupResource(group: group, resource: plural)))
        let row = Table.row(try Object(tree, resourceVersion: 1), resource, include: .metadata, now: now)
        #expect(row["cells"]?.elements.count == Table.columnDefinitions(resource).elements.count)
        return (row["cells"]?.elements ?? []).map { $0.string ?? String(decoding: $0.encoded(), as: UTF8.self) }
    }

    @Test(arguments: [
        (0.0, "0s"), (119, "119s"), (120, "2m"), (150, "2m30s"), (599, "9m59s"), (600, "10m"), (10799, "179m"), (10800, "3h"),
        (11000, "3h3m"), (28800, "8h"), (172799, "47h"), (172800, "2d"), (180000, "2d2h"), (691200, "8d"), (63_072_000, "2y"),
        (-1, "<invalid>"), (-5, "<invalid>"),
    ])
    func agesReadAsUpstreams(_ seconds: Double, _ text: String) {
        if seconds == -1 {
            #expect(HumanDuration.text(seconds: -0.5) == "0s")
        } else {
            #expect(HumanDuration.text(seconds: seconds) == text)
        }
    }

    @Test func aRunningPod() throws {
        let tree: JSON = [
            "metadata": ["name": "web", "creationTimestamp": ago(300)],
            "spec": ["nodeName": "here", "containers": [["name": "a"], ["name": "b"]]],
            "status": [
                "phase": "Running", "podIP": "10.244.0.5",
                "containerStatuses": [
                    [
                        "name": "a", "ready": true, "restartCount": 2, "state": ["running": [:]],
                        "lastState": ["terminated": ["finishedAt": ago(60)]],
                    ],
                    ["name": "b", "ready": false, "restartCount": 0, "state": ["waiting": ["reason": "CrashLoopBackOff"]]],
                ],
            ],
        ]
        #expect(
            try cells(tree, "", "pods") == [
                "web", "1/2", "CrashLoopBackOff", "2 (60s ago)", "5m", "10.244.0.5", "here", "<none>", "<none>",
            ])
    }

    @Test func aPodThatStartsItsInitContainers() throws {
        let tree: JSON = [
            "metadata": ["name": "web", "creationTimestamp": ago(1)],
            "spec": ["containers": [["name": "a"]], "initContainers": [["name": "i"], ["name": "j"]]],
            "status": [
                "phase": "Pending",
                "initContainerStatuses": [
                    ["name": "i", "state": ["terminated": ["exitCode": 0]]], ["name": "j", "state": ["running": [:]]],
                ],
            ],
        ]
        #expect(try cells(tree, "", "pods").prefix(4) == ["web", "0/1", "Init:1/2", "0"])
    }

    @Test func aDeploymentAndItsService() throws {
        let deployment: JSON = [
            "metadata": ["name": "web", "creationTimestamp": ago(3600)],
            "spec": [
                "replicas": 3, "selector": ["matchLabels": ["app": "web"]],
                "template": ["spec": ["containers": [["name": "c", "image": "nginx"]]]],
            ],
            "status": ["readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2],
        ]
        #expect(
            try cells(deployment, "apps", "deployments") == ["web", "2/3", "3", "2", "60m", "c", "nginx", "app=web"])
        let service: JSON = [
            "metadata": ["name": "web", "creationTimestamp": ago(10)],
            "spec": [
                "type": "NodePort", "clusterIP": "10.96.1.2", "ports": [["port": 80, "nodePort": 30080, "protocol": "TCP"]],
                "selector": ["app": "web"],
            ],
        ]
        #expect(
            try cells(service, "", "services") == [
                "web", "NodePort", "10.96.1.2", "<none>", "80:30080/TCP", "10s", "app=web",
            ])
    }

    @Test func aKindWithoutColumnsShowsWhenItWasMade() throws {
        let tree: JSON = ["metadata": ["name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"]]
        #expect(try cells(tree, rbacGroup, "clusterroles") == ["x", "2026-01-01T00:00:00Z"])
    }

    @Test func everyRowHasAsManyCellsAsThereAreColumns() throws {
        for resource in Schema.builtin.resources where resource.isStored {
            let tree: JSON = [
                "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind), "metadata": ["name": "x"],
            ]
            let row = Table.row(try Object(tree, resourceVersion: 1), resource, include: .none, now: now)
            #expect(row["cells"]?.elements.count == Table.columnDefinitions(resource).elements.count, "\(resource.gvr)")
        }
    }

    @Test func everyColumnSaysWhatItShows() throws {
        func texts(_ group: String, _ plural: String) throws -> [String: String] {
            let resource = try #require(Schema.builtin.resource(GroupResource(group: group, resource: plural)))
            return Table.columnDefinitions(resource).elements.reduce(into: [:]) {
                $0[$1["name"]?.string ?? ""] = $1["description"]?.string ?? ""
            }
        }
        for resource in Printers.all.keys {
            for (column, text) in try texts(resource.group, resource.resource) {
                #expect(!text.isEmpty, "\(resource): \(column)")
            }
        }
        let pods = try texts("", "pods")
        #expect(pods["Ready"] == "The aggregate readiness state of this pod for accepting traffic.")
        #expect(pods["Name"]?.hasPrefix("Name must be unique within a namespace.") == true)
        #expect(pods["Node"]?.hasPrefix("NodeName indicates in which node this pod is scheduled.") == true)
        #expect(try texts("batch", "cronjobs")["Active"] == "A list of pointers to currently running jobs.")
        #expect(
            try texts("rbac.authorization.k8s.io", "roles")["Created At"]?.hasPrefix("CreationTimestamp is a timestamp") == true)
    }
}

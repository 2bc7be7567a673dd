import Foundation
import KubeObject
import Testing

@testable import KubeAPI

/// What is told of disk, network and processes, for two pods that have one claim between them.
@Suite struct NodeStatisticsTests {
    private func pod(_ name: String) throws -> Object {
        try Object(
            [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": ["name": .string(name), "namespace": "shop", "uid": .string("uid-\(name)")],
                "status": ["phase": "Running", "containerStatuses": [["name": "main", "state": ["running": [:]]]]],
            ], resourceVersion: 1)
    }

    private func statistics(_ rest: PodStatistics?) throws -> NodeStatistics {
        let usage = ResourceUsage(
            time: 1_767_225_600, window: 10,
            pods: [
                "shop": [
                    "a": [.init(name: "main", nanocores: 1, memory: 2)], "b": [.init(name: "main", nanocores: 1, memory: 2)],
                ]
            ])
        let node = try Object(["apiVersion": "v1", "kind": "Node", "metadata": ["name": "n"]], resourceVersion: 1)
        return NodeStatistics(node: node, pods: [try pod("a"), try pod("b")], usage: usage, rest: rest)
    }

    private var rest: PodStatistics {
        let space = PodStatistics.FileSystem(capacity: .init(bytes: 1000, inodes: 100), available: .init(bytes: 400, inodes: 40))
        func pod(_ bytes: Int64) -> PodStatistics.Pod {
            .init(
                containers: ["main": .init(root: .init(bytes: bytes, inodes: 2), logs: .init(bytes: 1, inodes: 1))],
                volumes: [
                    .init(name: "data", claim: "kept", used: .init(bytes: 300, inodes: 3), fileSystem: space),
                    .init(name: "scratch", claim: nil, used: .init(bytes: 5, inodes: 1), fileSystem: space),
                ], ephemeral: .init(bytes: bytes + 6, inodes: 4),
                interfaces: [.init(name: "eth0", receivedBytes: 10, receiveErrors: 1, sentBytes: 20, sendErrors: 2)], processes: 3
            )
        }
        return PodStatistics(
            time: 1_767_225_601, pods: ["uid-a": pod(7), "uid-b": pod(9)], fileSystem: space, imageBytes: 77,
            mostProcesses: 32_768)
    }

    @Test func tellsOfEachPodAndOfAllTogether() throws {
        let summary = try statistics(rest).summary
        let node = summary["node"]
        #expect(
            node?["fs"] == [
                "time": "2026-01-01T00:00:01Z", "usedBytes": 28, "inodesUsed": 8, "availableBytes": 400, "capacityBytes": 1000,
                "inodesFree": 40, "inodes": 100,
            ])
        #expect(node?[path: "network", "rxBytes"] == 20 && node?[path: "network", "txErrors"] == 4)
        #expect(node?["rlimit"] == ["time": "2026-01-01T00:00:00Z", "maxpid": 32_768, "curproc": 6])
        #expect(
            node?[path: "runtime", "imageFs"] == [
                "time": "2026-01-01T00:00:01Z", "usedBytes": 77, "availableBytes": 400, "capacityBytes": 1000, "inodesFree": 40,
                "inodes": 100,
            ])
        #expect(node?[path: "runtime", "containerFs", "usedBytes"] == 16)
        let pod = summary["pods"]?[0]
        #expect(pod?["volume"]?[0]?["pvcRef"] == ["name": "kept", "namespace": "shop"])
        #expect(pod?["volume"]?[1]?["usedBytes"] == 5 && pod?["volume"]?[1]?["pvcRef"] == nil)
        #expect(pod?[path: "ephemeral-storage", "usedBytes"] == 13)
        #expect(pod?["containers"]?[0]?[path: "rootfs", "usedBytes"] == 7)
        #expect(pod?["containers"]?[0]?[path: "logs", "usedBytes"] == 1)
        #expect(pod?[path: "network", "name"] == "eth0" && pod?[path: "process_stats", "process_count"] == 3)
    }

    @Test func whatIsNotKnownIsLeftOut() throws {
        let summary = try statistics(nil).summary
        #expect(summary[path: "node", "fs"] == nil && summary[path: "node", "network"] == nil)
        #expect(summary["pods"]?[0]?["volume"] == nil && summary["pods"]?[0]?["containers"]?[0]?["rootfs"] == nil)
        #expect(summary["pods"]?.elements.count == 2)
    }

    @Test func aClaimIsToldOfOnce() throws {
        let page = try statistics(rest).kubeletMetrics
        let line = "kubelet_volume_stats_used_bytes{namespace=\"shop\",persistentvolumeclaim=\"kept\"} 300\n"
        #expect(page.components(separatedBy: line).count == 2, "\(page)")
        #expect(page.contains("kubelet_running_pods 2\n"))
        #expect(page.contains("kubelet_running_containers{container_state=\"running\"} 2\n"))
    }
}

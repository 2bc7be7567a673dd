import Foundation
import KubeObject
import KubeRegistry
import KubeStore
import Synchronization
import Testing

@testable import KubeRuntime

extension Integration {
    struct PodFeatureTests {
        /// Signs nothing: says for whom the token would be.
        struct Issuer: TokenIssuer {
            func issue(_ claims: TokenClaims) async throws(StatusError) -> IssuedToken {
                IssuedToken(
                    token: "\(claims.namespace)/\(claims.serviceAccount)/\(claims.boundObject?.name ?? "")",
                    expirationTimestamp: Timestamp.format(Timestamp.seconds + 3600), audiences: claims.audiences)
            }
        }

        /// Never issues the same token twice, and none for long.
        final class BriefIssuer: TokenIssuer {
            private let count = Mutex(0)

            func issue(_ claims: TokenClaims) async throws(StatusError) -> IssuedToken {
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                return IssuedToken(
                    token: "token-\(number)", expirationTimestamp: Timestamp.format(Timestamp.seconds + 4),
                    audiences: claims.audiences)
            }
        }

        /// Also when nothing else happens to the pod.
        @Test func renewsTokensBeforeTheyExpire() async throws {
            try await withRuntime("tokens", subnet: "10.231.39.0/24") { node in
                node.registry.attach(tokenIssuer: BriefIssuer())
                try await node.pod(
                    "renewed",
                    """
                    for i in 1 2 3; do
                        was=$(cat /t/token); while [ "$(cat /t/token)" = "$was" ]; do sleep 0.1; done
                    done
                    """,
                    more: """
                          volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: token}}]}}]
                        """, container: "    volumeMounts: [{name: t, mountPath: /t}]")
                _ = try await node.waitForPhase("renewed", "Succeeded")
            }
        }

        @Test func sharesTheMachinesNetworkAndName() async throws {
            try await withRuntime("hostnet", subnet: "10.231.26.0/24") { node in
                try await node.pod("shared", "hostname; head -1 /etc/hosts", more: "  hostNetwork: true")
                let status = try await node.waitForPhase("shared", "Succeeded")
                #expect(status["podIP"] == status["hostIP"])
                let name = try String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
                #expect(try await node.logs("shared") == name + "# Kubernetes-managed hosts file (host network).\n")
            }
        }

        @Test func volumesFollowThePodsLabels() async throws {
            try await withRuntime("labels", subnet: "10.231.27.0/24") { node in
                try await node.pod(
                    "labelled", "until grep -q 'note=\"kept\"' /pod/labels; do sleep 0.02; done; cat /pod/labels",
                    more: """
                          volumes:
                          - {name: pod, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
                        """,
                    container: "    volumeMounts: [{name: pod, mountPath: /pod}]")
                _ = try await node.wait(
                    "labelled", "running", { $0[path: "containerStatuses"]?[0]?[path: "state", "running"] != nil })
                try await node.registry.mutate(
                    node.registry.resource("pods"), namespace: "default", name: "labelled", node.admin
                ) { $0[path: "metadata", "labels", "note"] = "kept" }
                _ = try await node.waitForPhase("labelled", "Succeeded")
                #expect(try await node.logs("labelled") == "app=\"labelled\"\nnote=\"kept\"")
            }
        }

        @Test func runsPodsByTheirRuntimeClass() async throws {
            try await withRuntime("class", subnet: "10.231.29.0/24") { node in
                for (name, handler) in [("plain", "runc"), ("odd", "nothing-of-the-kind")] {
                    let tree: JSON = [
                        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": ["name": .string(name)],
                        "handler": .string(handler),
                    ]
                    let classes = try node.registry.resource("runtimeclasses", group: "node.k8s.io")
                    _ = try await node.registry.create(tree, classes, namespace: "", CreateOptions(), node.admin)
                }
                try await node.pod("plain", "echo ran", more: "  runtimeClassName: plain")
                _ = try await node.waitForPhase("plain", "Succeeded")
                try await node.pod("odd", "echo ran", more: "  runtimeClassName: odd")
                let end = Timestamp.seconds + 60
                while !node.events("odd").contains("FailedCreatePodSandBox"), Timestamp.seconds < end {
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(node.events("odd").contains("FailedCreatePodSandBox"))
                #expect(try node.status("odd")["phase"] == "Pending")
            }
        }

        /// Kubelet looks once more at what is bound to it.
        @Test func refusesAPodThatDoesntFit() async throws {
            // One of its kind, as of those with the same port.
            let admission: PodAdmission = { pod, snapshot, isAdmitted, _ in
                let others = snapshot.list(prefix: Key.prefix(group: "core", plural: "pods"))
                return others.contains { isAdmitted($0.metadata.uid) }
                    ? PodRejection(reason: "NodePorts", message: "no port") : nil
            }
            try await withRuntime("unfit", subnet: "10.231.28.0/24", admission: admission) { node in
                try await node.pod("fit", "sleep 1")
                try await node.pod("unfit", "echo never")
                let status = try await node.waitForPhase("unfit", "Failed")
                #expect(status["reason"] == "NodePorts")
                #expect(status["message"] == "Pod was rejected: no port")
                _ = try await node.waitForPhase("fit", "Succeeded")
                #expect(node.events("unfit").contains("NodePorts"))
                #expect(!node.events("unfit").contains("Started"))
            }
        }

        @Test func mountsVolumesAndKeepsThemUpToDate() async throws {
            try await withRuntime("volumes", subnet: "10.231.11.0/24") { node in
                node.registry.attach(tokenIssuer: Issuer())
                try await node.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: first, b: other}}")
                try await node.create("{apiVersion: v1, kind: Secret, metadata: {name: hidden}, stringData: {key: s3cret}}")
                try await node.pod(
                    "files",
                    """
                    cat /config/a /secret/key /all/token /all/labels /all/b; echo; stat -L -c %a /secret/key; stat -f -c %T /secret /memory
                    echo kept > /shared/one; echo sub > /sub/x; cat /shared/part/x; cat /config/only 2>&1; cat /file
                    while [ "$(cat /config/a)" != second ]; do sleep 0.02; done; echo changed
                    """,
                    more: """
                          volumes:
                          - {name: config, configMap: {name: settings}}
                          - {name: secret, secret: {secretName: hidden, defaultMode: 256}}
                          - {name: shared, emptyDir: {}}
                          - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
                          - name: all
                            projected:
                              sources:
                              - serviceAccountToken: {path: token}
                              - configMap: {name: settings, items: [{key: b, path: b}]}
                              - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
                        """,
                    container: """
                            volumeMounts:
                            - {name: config, mountPath: /config}
                            - {name: secret, mountPath: /secret}
                            - {name: shared, mountPath: /shared}
                            - {name: shared, mountPath: /sub, subPath: part}
                            - {name: config, mountPath: /file, subPath: b}
                            - {name: memory, mountPath: /memory}
                            - {name: all, mountPath: /all}
                        """)
                _ = try await node.wait(
                    "files", "running", { $0[path: "containerStatuses"]?[0]?[path: "state", "running"] != nil })
                try await Task.sleep(for: .milliseconds(300))
                try await node.registry.mutate(
                    node.registry.resource("configmaps"), namespace: "default", name: "settings", node.admin
                ) { $0[path: "data", "a"] = "second" }
                _ = try await node.waitForPhase("files", "Succeeded")
                let text = try await node.logs("files")
                #expect(
                    text == """
                        firsts3cretdefault/default/filesapp="files"other
                        400
                        tmpfs
                        tmpfs
                        sub
                        cat: can't open '/config/only': No such file or directory
                        otherchanged

                        """)
            }
        }

        @Test func givesContainersTheirNamesAndTheirUser() async throws {
            try await withRuntime("names", subnet: "10.231.12.0/24") { node in
                try await node.pod(
                    "who",
                    """
                    id -u; id -g; id -G; hostname; echo $A; cat /etc/resolv.conf; grep -c who /etc/hosts; grep extra /etc/hosts
                    touch /x 2>&1; echo $0 $1; grep Cap /proc/self/status | head -1; pwd; cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max
                    """,
                    more: """
                          hostAliases: [{ip: 192.0.2.7, hostnames: [extra]}]
                          securityContext: {runAsUser: 1000, runAsGroup: 3000, supplementalGroups: [4000], fsGroup: 5000}
                        """,
                    container: """
                            - zero
                            - $(A)
                            workingDir: /tmp
                            env: [{name: A, value: b}]
                            resources: {limits: {memory: 64Mi, cpu: 500m}}
                            securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, seccompProfile: {type: RuntimeDefault}}
                        """)
                _ = try await node.waitForPhase("who", "Succeeded")
                let lines = try await node.logs("who").split(separator: "\n").map(String.init)
                #expect(Array(lines[0..<5]) == ["1000", "3000", "3000 4000 5000", "who", "b"])
                #expect(lines.contains("nameserver 10.96.0.10"))
                #expect(lines.contains { $0.hasPrefix("search default.svc.cluster.local svc.cluster.local cluster.local") })
                #expect(lines.contains("options ndots:5"))
                #expect(lines.contains("1") && lines.contains("192.0.2.7\textra"))
                #expect(lines.contains("touch: /x: Read-only file system"))
                #expect(lines.contains("zero b") && lines.contains("/tmp") && lines.contains("\(64 << 20)"))
            }
        }

        @Test func probesContainers() async throws {
            try await withRuntime("probes", subnet: "10.231.13.0/24") { node in
                try await node.pod(
                    "probed",
                    "touch /tmp/alive; httpd -p 8080 -h /tmp; sleep 1.5; touch /tmp/ready; sleep 3; rm /tmp/alive; sleep 60",
                    restart: "Always",
                    container: """
                            readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
                            livenessProbe: {exec: {command: [test, -f, /tmp/alive]}, periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1}
                            startupProbe: {tcpSocket: {port: 8080}, periodSeconds: 1, failureThreshold: 10}
                        """)
                let unready = try await node.wait("probed", "started") { $0["containerStatuses"]?[0]?["started"]?.bool == true }
                #expect(unready["containerStatuses"]?[0]?["ready"]?.bool == false)
                _ = try await node.wait("probed", "ready") { $0["containerStatuses"]?[0]?["ready"]?.bool == true }
                _ = try await node.wait("probed", "restarted") { $0["containerStatuses"]?[0]?["restartCount"]?.int == 1 }
                #expect(node.events("probed").contains("Unhealthy"))
                #expect(node.events("probed").contains("Killing"))
            }
        }

        @Test func runsInitContainersSidecarsAndHooks() async throws {
            try await withRuntime("hooks", subnet: "10.231.14.0/24") { node in
                try await node.pod(
                    "ordered",
                    "cat /work/order; echo main >> /work/order; trap 'cat /work/order; exit 0' TERM; while true; do sleep 0.1; done",
                    restart: "Always",
                    more: """
                          volumes: [{name: work, emptyDir: {}}]
                          initContainers:
                          - name: first
                            image: busybox:test
                            command: [/bin/sh, -c, "echo first >> /work/order"]
                            volumeMounts: [{name: work, mountPath: /work}]
                          - name: side
                            image: busybox:test
                            restartPolicy: Always
                            command: [/bin/sh, -c, "echo side >> /work/order; while true; do sleep 0.1; done"]
                            startupProbe: {exec: {command: [grep, side, /work/order]}, periodSeconds: 1}
                            volumeMounts: [{name: work, mountPath: /work}]
                        """,
                    container: """
                            volumeMounts: [{name: work, mountPath: /work}]
                            lifecycle:
                              postStart: {exec: {command: [/bin/sh, -c, "echo post >> /work/order"]}}
                              preStop: {exec: {command: [/bin/sh, -c, "echo pre >> /work/order"]}}
                        """)
                let status = try await node.wait("ordered", "ready") { $0["containerStatuses"]?[0]?["ready"]?.bool == true }
                #expect(status["initContainerStatuses"]?[0]?[path: "state", "terminated", "exitCode"]?.int == 0)
                #expect(status["initContainerStatuses"]?[1]?[path: "state", "running"] != nil)
                let follower = Task { try await node.logs("ordered", LogOptions(follow: true)) }
                try await Task.sleep(for: .milliseconds(200))
                try await node.delete("ordered")
                try await node.waitUntilGone("ordered")
                let lines = try await follower.value.split(separator: "\n")
                #expect(lines.prefix(2) == ["first", "side"])
                #expect(lines.contains("post") && lines.last == "pre")
            }
        }

        @Test func removesThePodsOfADeletedCluster() async throws {
            try await withRuntime("gone", subnet: "10.231.15.0/24") { node in
                try await node.pod("lost", "while true; do sleep 1; done")
                let ip = try await node.waitForPhase("lost", "Running")["podIP"]?.string ?? ""
                try await node.registry.store.deleteCluster("demo")
                let end = Timestamp.seconds + 15
                while node.addresses.pod(at: ip) != nil, Timestamp.seconds < end { try await Task.sleep(for: .milliseconds(50)) }
                #expect(node.addresses.pod(at: ip) == nil)
                while !File.names(in: node.runtime.engine.paths.pods).isEmpty, Timestamp.seconds < end {
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(File.names(in: node.runtime.engine.paths.pods) == [])
            }
        }
    }
}

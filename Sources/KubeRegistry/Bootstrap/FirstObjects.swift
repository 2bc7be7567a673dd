public import KubeObject
public import KubeStore

extension Bootstrap {
    /// The namespaces that every cluster has.
    static let namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"]

    /// What a new cluster owns itself, so that it's usable when its creation returns: its namespaces, their default service
    /// accounts and root certificates, and the services of the API server and of DNS.
    ///
    /// - Parameters:
    ///   - certificateAuthority: the certificate (PEM) that clients in pods verify the API server by.
    ///   - apiServer: where the API server listens, shown as the endpoint of the service `kubernetes`.
    ///   - configMaps: more of them.
    ///   - nodes: the nodes that its pods can run on.
    static func firstWrites(
        certificateAuthority: String, apiServer: (address: String, port: Int), configMaps: [JSON] = [], nodes: [JSON] = []
    ) throws(ObjectError) -> [Write] {
        let now = Timestamp.now()
        var writes: [Write] = []
        func add(
            _ plural: String, _ group: String, _ tree: JSON, by manager: String = FirstManagers.apiServer, isAlike: Bool = true
        ) throws(ObjectError) {
            var tree = tree
            FirstManagers.book(
                &tree, by: manager, time: now, ownsStatus: manager == FirstManagers.kubelet, isAlike: isAlike)
            tree[path: "metadata", "uid"] = .string(Identifiers.uid())
            tree[path: "metadata", "creationTimestamp"] = .string(now)
            let metadata = tree["metadata"] ?? [:]
            let key = Key(group: group, plural: plural, namespace: metadata.text("namespace"), name: metadata.text("name"))
            writes.append(.put(try Draft(tree), at: key, expect: .absent))
        }
        for namespace in namespaces {
            try add(
                "namespaces", "",
                [
                    "apiVersion": "v1", "kind": "Namespace",
                    "metadata": ["name": .string(namespace), "labels": [NamespaceRules.nameLabel: .string(namespace)]],
                    "spec": ["finalizers": ["kubernetes"]], "status": ["phase": "Active"],
                ])
            try add("serviceaccounts", "", serviceAccount(in: namespace), by: FirstManagers.controllerManager)
            try add(
                "configmaps", "", rootCertificate(certificateAuthority, in: namespace), by: FirstManagers.controllerManager)
        }
        for configMap in configMaps { try add("configmaps", "", configMap, isAlike: false) }
        for node in nodes { try add("nodes", "", node, by: FirstManagers.kubelet, isAlike: false) }
        let services = [
            service(
                "kubernetes", in: "default", ServiceRange.apiServer,
                labels: ["component": "apiserver", "provider": "kubernetes"],
                ports: [["name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443]]),
            service(
                "kube-dns", in: "kube-system", ServiceRange.dns,
                labels: ["k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"],
                ports: [
                    ["name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53],
                    ["name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53],
                ]),
        ]
        for service in services {
            let isOwn = service["metadata"]?.text("name") == "kubernetes"
            try add("services", "", service, by: isOwn ? FirstManagers.apiServer : FirstManagers.installer)
            let address = service[path: "spec", "clusterIP"]?.string ?? ""
            try add("ipaddresses", "networking.k8s.io", ServiceAllocation.address(address, of: service))
        }
        try add("endpoints", "", apiServerEndpoints(apiServer.address, apiServer.port))
        try add("endpointslices", "discovery.k8s.io", apiServerSlice(apiServer.address, apiServer.port))
        return writes
    }

    static func apiServerEndpoints(_ address: String, _ port: Int) -> JSON {
        [
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": [
                "name": "kubernetes", "namespace": "default", "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"],
            ],
            "subsets": [
                [
                    "addresses": [["ip": .string(address)]],
                    "ports": [["name": "https", "port": .int(Int64(port)), "protocol": "TCP"]],
                ]
            ],
        ]
    }

    static func apiServerSlice(_ address: String, _ port: Int) -> JSON {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "name": "kubernetes", "namespace": "default", "generation": 1,
                "labels": ["kubernetes.io/service-name": "kubernetes"],
            ],
            "addressType": "IPv4",
            "endpoints": [["addresses": [.string(address)], "conditions": ["ready": true]]],
            "ports": [["name": "https", "port": .int(Int64(port)), "protocol": "TCP"]],
        ]
    }

    /// The service account that pods use which name none.
    public static func serviceAccount(in namespace: String) -> JSON {
        ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default", "namespace": .string(namespace)]]
    }

    /// The config map by which pods know the API server's certificate authority.
    public static func rootCertificate(_ pem: String, in namespace: String) -> JSON {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": [
                "name": "kube-root-ca.crt", "namespace": .string(namespace),
                "annotations": [
                    "kubernetes.io/description":
                        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
                ],
            ],
            "data": ["ca.crt": .string(pem)],
        ]
    }

    private static func service(
        _ name: String, in namespace: String, _ address: String, labels: [String: String], ports: [JSON]
    ) -> JSON {
        [
            "apiVersion": "v1", "kind": "Service",
            "metadata": ["name": .string(name), "namespace": .string(namespace), "labels": JSON(labels)],
            "spec": [
                "type": "ClusterIP", "clusterIP": .string(address), "clusterIPs": [.string(address)], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
                "ports": .array(ports),
            ],
            "status": ["loadBalancer": [:]],
        ]
    }
}

extension Registry {
    /// What new clusters begin with here.
    public var base: Base { isDualStack ? Bootstrap.dualStackBase : Bootstrap.base }

    /// Creates a logical cluster that is usable when this returns: one durable commit with all that a new cluster has.
    ///
    /// - Parameters:
    ///   - uid: the cluster's own identity, unique for ever.
    ///   - record: the cluster's private record, as its keys.
    ///   - certificateAuthority: the certificate (PEM) that clients in its pods verify the API server by.
    ///   - apiServer: where the API server listens, as pods see it.
    ///   - configMaps: more of those.
    ///   - nodes: the nodes that its pods can run on, without uid and creation time.
    public func createCluster(
        _ name: String, uid: String = Identifiers.uid(), record: JSON, certificateAuthority: String,
        apiServer: (address: String, port: Int) = ("127.0.0.1", 6443), configMaps: [JSON] = [], nodes: [JSON] = []
    ) async throws -> LogicalCluster {
        let writes = try Bootstrap.firstWrites(
            certificateAuthority: certificateAuthority, apiServer: apiServer, configMaps: configMaps, nodes: nodes)
        return try await store.createCluster(name, uid: uid, record: record, base: base, writes: writes)
    }
}

import KubeObject

extension Bootstrap {
    /// Who makes volumes on this machine, as classes and volumes name it.
    public static let localPathDriver = "local-path.sampan.dev"

    /// The class that claims get which name none: a directory on the machine, made when the first pod that wants it is placed.
    static var localPath: [JSON] {
        var classMetadata = metadata("StorageClass", "local-path")
        classMetadata["annotations"] = ["storageclass.kubernetes.io/is-default-class": "true"]
        return [
            [
                "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": classMetadata,
                "provisioner": .string(localPathDriver), "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
                "allowVolumeExpansion": true,
            ],
            [
                "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": metadata("CSIDriver", localPathDriver),
                "spec": [
                    "attachRequired": false, "podInfoOnMount": false, "storageCapacity": false, "requiresRepublish": false,
                    "fsGroupPolicy": "File", "seLinuxMount": false, "volumeLifecycleModes": ["Persistent"],
                ],
            ],
        ]
    }
}

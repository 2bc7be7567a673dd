import KubeObject

extension Printers {
    /// `RWO,ROX`, in the order in which upstream names them.
    private static func modes(_ modes: JSON?) -> String {
        let present = Set(modes?.strings ?? [])
        return [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")]
            .filter { present.contains($0.0) }.map(\.1).joined(separator: ",")
    }

    /// The class, which older objects name in an annotation.
    private static func storageClass(_ row: Row) -> String {
        row.metadata["annotations"]?["volume.beta.kubernetes.io/storage-class"]?.string ?? row.spec.text("storageClassName")
    }

    static let storageOfCore: [String: Printer] = [
        "persistentvolumes": Printer([
            .name, .text("Capacity"), .text("Access Modes"), .text("Reclaim Policy"), .text("Status"), .text("Claim"),
            .text("StorageClass"), .text("VolumeAttributesClass"), .text("Reason"), .age, .text("VolumeMode", wide: true),
        ]) { row in
            let claim = row.spec["claimRef"]
            let phase = row.metadata.has("deletionTimestamp") ? "Terminating" : row.status.text("phase")
            return [
                row.name, row.spec[path: "capacity", "storage"] ?? "", .string(modes(row.spec["accessModes"])),
                .string(row.spec.text("persistentVolumeReclaimPolicy")), .string(phase),
                .string(claim.map { "\($0.text("namespace"))/\($0.text("name"))" } ?? ""), .string(storageClass(row)),
                .string(row.spec["volumeAttributesClassName"]?.string ?? "<unset>"), .string(row.status.text("reason")), row.age,
                .string(row.spec["volumeMode"]?.string ?? "<unset>"),
            ]
        },
        "persistentvolumeclaims": Printer([
            .name, .text("Status"), .text("Volume"), .text("Capacity"), .text("Access Modes"), .text("StorageClass"),
            .text("VolumeAttributesClass"), .age, .text("VolumeMode", wide: true),
        ]) { row in
            let phase = row.metadata.has("deletionTimestamp") ? "Terminating" : row.status.text("phase")
            let isBound = !row.spec.text("volumeName").isEmpty
            return [
                row.name, .string(phase), .string(row.spec.text("volumeName")),
                isBound ? row.status[path: "capacity", "storage"] ?? "" : "",
                .string(isBound ? modes(row.status["accessModes"]) : ""), .string(storageClass(row)),
                .string(row.spec["volumeAttributesClassName"]?.string ?? "<unset>"), row.age,
                .string(row.spec["volumeMode"]?.string ?? "<unset>"),
            ]
        },
    ]

    static let storage: [String: Printer] = [
        "storageclasses": Printer([
            .name, .text("Provisioner"), .text("ReclaimPolicy"), .text("VolumeBindingMode"), .text("AllowVolumeExpansion"), .age,
        ]) { row in
            let isDefault = [
                "storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
            ].contains { row.metadata["annotations"]?[$0] == "true" }
            return [
                .string(row.metadata.text("name") + (isDefault ? " (default)" : "")), .string(row.tree.text("provisioner")),
                .string(row.tree["reclaimPolicy"]?.string ?? "Delete"),
                .string(row.tree["volumeBindingMode"]?.string ?? "Immediate"),
                .bool(row.tree["allowVolumeExpansion"]?.bool ?? false), row.age,
            ]
        },
        "volumeattachments": Printer([
            .name, Column(name: "Attacher", type: "string", format: "name"), .text("PV"),
            .text("Node"), .truth("Attached"), .age,
        ]) { row in
            [
                row.name, .string(row.spec.text("attacher")), .string(row.spec["source"]?.text("persistentVolumeName") ?? ""),
                .string(row.spec.text("nodeName")), .bool(row.status["attached"]?.bool ?? false), row.age,
            ]
        },
        "csinodes": Printer([.name, .number("Drivers"), .age]) { row in
            [row.name, .int(Int64(row.spec["drivers"]?.elements.count ?? 0)), row.age]
        },
        "csidrivers": Printer([
            .name, .truth("AttachRequired"), .truth("PodInfoOnMount"), .truth("StorageCapacity"), .text("TokenRequests"),
            .truth("RequiresRepublish"), .text("Modes"), .age,
        ]) { row in
            let audiences = (row.spec["tokenRequests"]?.elements ?? []).map { $0.text("audience") }
            return [
                row.name, .bool(row.spec["attachRequired"]?.bool ?? true), .bool(row.spec["podInfoOnMount"]?.bool ?? false),
                .bool(row.spec["storageCapacity"]?.bool ?? false),
                .string(audiences.isEmpty ? "<unset>" : audiences.joined(separator: ",")),
                .bool(row.spec["requiresRepublish"]?.bool ?? false),
                .string((row.spec["volumeLifecycleModes"]?.strings ?? []).joined(separator: ",")), row.age,
            ]
        },
        "csistoragecapacities": Printer([.name, .text("StorageClassName"), .text("Capacity")]) { row in
            [row.name, .string(row.tree.text("storageClassName")), row.tree["capacity"] ?? "<unset>"]
        },
        "volumeattributesclasses": Printer([.name, .text("DriverName"), .age]) { row in
            [row.name, .string(row.tree.text("driverName")), row.age]
        },
    ]
}

import KubeObject
import KubeSchema
import Testing

@testable import KubeRegistry

/// What upstream says of wrong objects of `apps`, `batch`, `autoscaling` and `policy`.
@Suite struct WorkloadValidationTests {
    private static let template = "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x}]}}"
    private static let selected = "selector: {matchLabels: {a: b}}, \(template)"
    private static let mounting =
        "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x, volumeMounts: [{name: data, mountPath: /d}]}]}}"
    private static func claiming(_ name: String) -> String {
        "volumeClaimTemplates: [{metadata: {name: \(name)}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]"
    }
    private static let once = "template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}"
    private static let mismatch =
        "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`"
    private static let target = "scaleTargetRef: {kind: Deployment, name: d, apiVersion: apps/v1}"

    private static let refusals: [(String, [String])] = [
        ("{apiVersion: apps/v1, kind: Deployment, spec: {\(selected)}}", []),
        (
            "{apiVersion: apps/v1, kind: Deployment, spec: {\(template)}}",
            ["spec.selector: Required value", mismatch]
        ),
        ("{apiVersion: apps/v1, kind: Deployment, spec: {selector: {matchLabels: {a: c}}, \(template)}}", [mismatch]),
        (
            "{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {type: Recreate, rollingUpdate: {}}, \(selected)}}",
            [
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"
            ]
        ),
        (
            "{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}, \(selected)}}",
            [
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"
            ]
        ),
        (
            "{apiVersion: apps/v1, kind: Deployment, spec: {minReadySeconds: 600, progressDeadlineSeconds: 60, \(selected)}}",
            ["spec.progressDeadlineSeconds: Invalid value: 60: must be greater than minReadySeconds"]
        ),
        ("{apiVersion: apps/v1, kind: ReplicaSet, spec: {selector: {matchLabels: {a: c}}, \(template)}}", [mismatch]),
        ("{apiVersion: apps/v1, kind: DaemonSet, spec: {\(selected)}}", []),
        ("{apiVersion: apps/v1, kind: StatefulSet, spec: {serviceName: s, \(selected)}}", []),
        ("{apiVersion: apps/v1, kind: StatefulSet, spec: {\(claiming("data")), \(mounting)}}", []),
        (
            "{apiVersion: apps/v1, kind: StatefulSet, spec: {\(claiming("other")), \(mounting)}}",
            ["spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"data\""]
        ),
        (
            "{apiVersion: apps/v1, kind: StatefulSet, spec: {podManagementPolicy: Odd, \(selected)}}",
            [
                "spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'"
            ]
        ),
        // Jobs.
        ("{apiVersion: batch/v1, kind: Job, spec: {\(once)}}", []),
        (
            "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {completionMode: Indexed, completions: 4, backoffLimitPerIndex: 1, maxFailedIndexes: 2, successPolicy: {rules: [{succeededIndexes: '0,2-3', succeededCount: 1}]}, podFailurePolicy: {rules: [{action: FailIndex, onExitCodes: {operator: In, values: [1, 2]}}]}, \(once)}}",
            []
        ),
        (
            "{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {containers: [{name: a, image: x}]}}}}",
            [
                "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""
            ]
        ),
        (
            "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {completionMode: Indexed, parallelism: 2, \(once)}}",
            ["spec.completions: Required value: when completion mode is Indexed"]
        ),
        (
            "{apiVersion: batch/v1, kind: Job, spec: {parallelism: -1, ttlSecondsAfterFinished: -1, \(once)}}",
            [
                "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
                "spec.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or equal to 0",
            ]
        ),
        (
            "{apiVersion: batch/v1, kind: CronJob, spec: {schedule: '*/5 * * * *', timeZone: Europe/Berlin, jobTemplate: {spec: {\(once)}}}}",
            []
        ),
        ("{apiVersion: batch/v1, kind: CronJob, spec: {schedule: '@hourly', jobTemplate: {spec: {\(once)}}}}", []),
        (
            "{apiVersion: batch/v1, kind: CronJob, spec: {schedule: '* * * *', jobTemplate: {spec: {\(once)}}}}",
            ["spec.schedule: Invalid value: \"* * * *\": expected exactly 5 fields, found 4: [* * * *]"]
        ),
        (
            "{apiVersion: batch/v1, kind: CronJob, spec: {schedule: '0 0 * * *', timeZone: Nowhere/At, jobTemplate: {spec: {\(once)}}}}",
            ["spec.timeZone: Invalid value: \"Nowhere/At\": unknown time zone Nowhere/At"]
        ),
        (
            "{apiVersion: batch/v1, kind: CronJob, spec: {schedule: 'TZ=UTC 0 0 * * *', jobTemplate: {spec: {\(once)}}}}",
            [
                "spec.schedule: Invalid value: \"TZ=UTC 0 0 * * *\": cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            ]
        ),
        // Autoscaling and budgets.
        ("{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, spec: {maxReplicas: 3, \(target)}}", []),
        ("{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, spec: {maxReplicas: 3, \(target)}}", []),
        (
            "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, spec: {minReplicas: 5, maxReplicas: 3, \(target)}}",
            ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"]
        ),
        (
            "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, spec: {maxReplicas: 0, scaleTargetRef: {kind: Deployment}}}",
            [
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
                "spec.scaleTargetRef.name: Required value",
            ]
        ),
        ("{apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {minAvailable: 50%, selector: {}}}", []),
        (
            "{apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {minAvailable: 1, maxUnavailable: 1}}",
            [
                "spec: Invalid value: {\"maxUnavailable\":1,\"minAvailable\":1}: minAvailable and maxUnavailable cannot be both set"
            ]
        ),
        (
            "{apiVersion: policy/v1, kind: PodDisruptionBudget, spec: {minAvailable: 150%}}",
            ["spec.minAvailable: Invalid value: \"150%\": must not be greater than 100%"]
        ),
    ]

    @Test(arguments: refusals)
    func creations(_ yaml: String, _ expected: [String]) throws {
        let causes = try Asked.create(yaml)
        #expect(causes == expected)
    }

    private static let forbidden: [(String, String, [String])] = [
        (
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {\(selected)}}",
            "{spec: {selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: c}}}}}",
            ["spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"c\"}}: field is immutable"]
        ),
        (
            "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}, spec: {serviceName: s, \(selected)}}",
            "{spec: {serviceName: t}}",
            [
                "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
            ]
        ),
        (
            "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {\(once)}}", "{spec: {parallelism: 2, suspend: true}}",
            []
        ),
        (
            "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {completions: 1, \(once)}}", "{spec: {completions: 2}}",
            ["spec.completions: Invalid value: 2: field is immutable"]
        ),
    ]

    @Test(arguments: forbidden)
    func changes(_ yaml: String, _ patch: String, _ expected: [String]) throws {
        let causes = try Asked.update(yaml, patch)
        #expect(causes == expected)
    }

    /// When a job's template may change: (the job's `suspend`, its status, whether it may). Source: KEP-5440.
    private static let waiting: [(Bool, String, Bool)] = [
        (true, "{}", true),
        (false, "{}", false),
        (true, "{startTime: 2026-01-01T00:00:00Z}", false),
        (true, "{startTime: 2026-01-01T00:00:00Z, conditions: [{type: Suspended, status: 'True'}]}", true),
        (true, "{startTime: 2026-01-01T00:00:00Z, conditions: [{type: Suspended, status: 'False'}]}", false),
        (true, "{active: 1, conditions: [{type: Suspended, status: 'True'}]}", false),
        (true, "{terminating: 1, conditions: [{type: Suspended, status: 'True'}]}", true),
    ]

    @Test(arguments: waiting)
    func templatesOfWaitingJobs(_ isSuspended: Bool, _ status: String, _ mayChange: Bool) throws {
        var (old, resource) = try Asked.object(
            "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {suspend: \(isSuspended), \(Self.once)}}")
        resource.rules.prepareForCreate(&old)
        old["status"] = try parse(status)
        for change in ["{nodeSelector: {zone: a}}", "{containers: [{name: a, image: x, resources: {requests: {cpu: 1}}}]}"] {
            var new = old
            new[path: "spec", "template", "spec"] = try MergePatch.apply(
                try parse(change), to: old[path: "spec", "template", "spec"] ?? [:])
            resource.rules.setDefaults(&new)
            var errors = FieldErrors()
            resource.rules.validateUpdate(new, old: old, &errors)
            #expect(errors.list.isEmpty == mayChange, "\(change): \(errors.list)")
        }
    }
}

import KubeObject
import Synchronization

/// What was made from objects, by the objects' identity: a changed object is another one.
///
/// Concurrency: any task may ask. Nothing is locked while a value is made. The objects are kept, so that their identities stay their
/// own; when there are too many, all are forgotten and made again by whoever still needs them.
final class CompiledObjects<Value: Sendable>: Sendable {
    private let known = Mutex<[ObjectIdentifier: (object: Object, value: Value)]>([:])
    private let capacity: Int

    init(capacity: Int = 1024) { self.capacity = capacity }

    func value(of object: Object, _ make: (Object) -> Value) -> Value {
        let identity = ObjectIdentifier(object)
        if let known = known.withLock({ $0[identity] }) { return known.value }
        let value = make(object)
        known.withLock { known in
            if known.count >= capacity { known.removeAll() }
            known[identity] = (object, value)
        }
        return value
    }
}

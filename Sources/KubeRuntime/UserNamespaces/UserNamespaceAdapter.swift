/// How containerd's shim for runc makes containers in a user namespace, which containerd 1.6 knows nothing of: a script in runc's place that
/// has this program prepare the container's bundle, and then calls runc.
enum UserNamespaceAdapter {
    /// The engine's name for it. A pod that gets it by its RuntimeClass doesn't start: only the sandbox's annotation gives a range of IDs.
    static let handler = "userns"
    /// The hidden command of this program.
    static let command = "user-namespace-runtime"

    /// - Parameters:
    ///   - program: this one.
    ///   - runc: the program.
    ///   - place: an empty directory for mounts of a container that is being made; others don't see them.
    static func script(program: String, runc: String, place: String) -> String {
        """
        #!/bin/sh
        # Written by sampan at every start. Changes here are lost.
        # Called by containerd-shim-runc-v2 in the place of runc, for pods with hostUsers: false.
        for word; do
            if [ "$word" = create ]; then exec \(Program.quoted(program)) \(command) \(Program.quoted(runc)) \(Program.quoted(place)) "$@"; fi
        done
        exec \(Program.quoted(runc)) "$@"

        """
    }
}

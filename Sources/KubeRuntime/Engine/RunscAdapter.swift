/// gVisor's `runsc` as containerd's shim for runc calls its runtime: a script between the two.
///
/// Debian has no shim for gVisor, and runc's expects of a runtime what runsc does otherwise. Of a sandbox there is one process, whichever of
/// its containers runs, so nobody is told that one has ended; and a container's input and output are those of `start`, which the shim gives to
/// `create`. So each container has a process of its own: it keeps the container's files from `create` until `start`, and its process ID is
/// what the shim is told; then it waits for the container and ends with its exit status.
enum RunscAdapter {
    /// What pods ask for by the handler of their RuntimeClass.
    static let handler = "runsc"

    /// - Parameters:
    ///   - runsc: the program.
    ///   - pending: a directory for what is between `create` and `start`.
    static func script(runsc: String, pending: String) -> String {
        """
        #!/bin/sh
        # Written by sampan at every start. Changes here are lost.
        # Called by containerd-shim-runc-v2 in the place of runc; calls gVisor's runsc.
        runsc=\(Program.quoted(runsc))
        pending=\(Program.quoted(pending))

        verb= id= root= bundle= pid_file= terminal= expected=
        for word; do
            case $expected in
            '')
                case $word in
                --root|--bundle|--pid-file) expected=$word ;;
                --console-socket) terminal=yes expected=other ;;
                --log|--log-format|--process) expected=other ;;
                -*) ;;
                *) if [ -z "$verb" ]; then verb=$word; elif [ -z "$id" ]; then id=$word; fi ;;
                esac
                continue ;;
            --root) root=$word ;;
            --bundle) bundle=$word ;;
            --pid-file) pid_file=$word ;;
            esac
            expected=
        done

        # The sandbox uses the network of its namespace, which is the pod's; gVisor's own network stack doesn't start on newer kernels.
        call() { "$runsc" --network=host "$@"; }

        # Waits for the start of a container, then for its end, and ends as it did.
        monitor() {
            read -r word < "$pending/$id"
            rm -f "$pending/$id"
            exec < /dev/null > /dev/null 2>&1
            status=$("$runsc" --root "$root" wait "$id" | sed -n 's/.*"exitStatus": *\\([0-9]*\\).*/\\1/p')
            exit "${status:-255}"
        }

        case $verb in
        create)
            call "$@" || exit
            # A sandbox is a process itself.
            grep -q '"io.kubernetes.cri.container-type":"container"' "$bundle/config.json" || exit 0
            mkfifo "$pending/$id" || exit
            # A terminal goes by its socket, and who holds the others is waited for.
            if [ "$terminal" ]; then exec < /dev/null > /dev/null 2>&1; fi
            # What runs in the background has no input of its own but what it is given by another name.
            exec 3<&0
            monitor <&3 3<&- &
            printf %s $! > "$pid_file"
            printf %s $! > "$pending/$id.pid" ;;
        start)
            [ -p "$pending/$id" ] || { call "$@"; exit; }
            holder=/proc/$(cat "$pending/$id.pid")/fd
            call "$@" < "$holder/0" > "$holder/1" 2> "$holder/2" || { status=$?; kill -KILL "$(cat "$pending/$id.pid")"; exit $status; }
            echo started > "$pending/$id" ;;
        kill)
            text=$(call "$@" 2>&1)
            status=$?
            if [ -p "$pending/$id" ]; then kill -KILL "$(cat "$pending/$id.pid")"; fi
            # The words by which the shim knows that there is nothing left to do.
            case $text in *"is not running"*) text="container not running" ;; esac
            if [ "$text" ]; then printf '%s\\n' "$text" >&2; fi
            exit $status ;;
        delete)
            call "$@"
            status=$?
            rm -f "$pending/$id" "$pending/$id.pid"
            exit $status ;;
        *) call "$@" ;;
        esac

        """
    }
}

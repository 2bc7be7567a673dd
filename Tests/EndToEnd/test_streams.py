"""exec, logs, attach, cp and watches, by kubectl and by the Python client."""

import fcntl
import glob
import os
import pty
import select
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

import kubernetes
from kubernetes.stream import stream

from harness import shared
from harness.cluster import pod
from harness.waiting import until


def with_terminal(command, keys, timeout=30, size=None):
    """Runs `command` on a terminal of its own (of `size` lines and columns), types `keys`, and returns its exit code and all that it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        if size:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        os.execvp(command[0], command)
    shown, deadline, typed = b"", time.monotonic() + timeout, False
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        if not typed and b"#" in shown:
            os.write(terminal, keys)
            typed = True
    else:
        os.kill(pid, 9)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = shared.instance().cluster("streams")
        cls.cluster.shell("box")

    def test_exec_prints_and_passes_the_exit_code(self):
        self.assertEqual(self.cluster.exec("box", "echo", "hello"), "hello\n")
        result = self.cluster.exec("box", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
        self.assertEqual((result.stdout, result.returncode), ("out\n", 7))
        self.assertIn("err\n", result.stderr)

    def test_exec_of_a_missing_program_fails(self):
        result = self.cluster.exec("box", "no-such-program", check=False)
        self.assertNotEqual(result.returncode, 0)

    def test_exec_reads_standard_input_to_its_end(self):
        text = "".join(f"line {i}\n" for i in range(20000))
        self.assertEqual(self.cluster.exec("box", "cat", input=text), text)
        self.assertEqual(self.cluster.exec("box", "wc", "-l", input=text).strip(), "20000")

    def test_exec_with_a_terminal(self):
        code, shown = with_terminal(
            self.cluster.command("exec", "-it", "box", "--", "sh"), b"tty; echo $((6*7))\nexit 9\n")
        self.assertEqual(code, 9, shown)
        self.assertIn("/dev/pts/", shown)
        self.assertIn("42", shown)

    def test_exec_in_a_pod_that_is_not_there(self):
        result = self.cluster.exec("nobody", "true", check=False)
        self.assertIn('pods "nobody" not found', result.stderr)

    def test_logs_follow_until_the_end(self):
        self.cluster.apply(pod("counter", ["sh", "-c", "for i in 1 2 3 4 5; do echo count $i; sleep 0.5; done"], restartPolicy="Never"))
        until(lambda: self.cluster.get("pod/counter")["status"]["phase"] in ("Running", "Succeeded"), "the pod runs")
        followed = subprocess.run(self.cluster.command("logs", "-f", "counter"), capture_output=True, text=True, timeout=60)
        self.assertEqual(followed.stdout.splitlines(), [f"count {i}" for i in range(1, 6)], followed.stderr)
        self.assertEqual(self.cluster.kubectl("logs", "counter", "--tail=2").splitlines(), ["count 4", "count 5"])
        self.assertRegex(self.cluster.kubectl("logs", "counter", "--timestamps", "--tail=1"), r"^\d{4}-\d\d-\d\dT\S+Z count 5")
        self.assertEqual(self.cluster.kubectl("logs", "counter", "--limit-bytes=5"), "count")

    def test_logs_come_while_they_are_written(self):
        self.cluster.apply(pod("ticker", ["sh", "-c", "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.2; done"]))
        self.cluster.ready("ticker")
        process = subprocess.Popen(self.cluster.command("logs", "-f", "--tail=1", "ticker"), stdout=subprocess.PIPE, text=True)
        try:
            lines = [process.stdout.readline() for _ in range(5)]
        finally:
            process.kill()
            process.wait()
        numbers = [int(line.split()[1]) for line in lines]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 5)))
        self.cluster.kubectl("delete", "pod/ticker", "--wait=false")

    def test_logs_of_a_time_and_in_parts(self):
        script = "echo early 1; echo early 2; until [ -f /tmp/go ]; do sleep 0.1; done; echo late 1; sleep 0.3; echo late 2 >&2; sleep 3600"
        self.cluster.apply(pod("timed", ["sh", "-c", script]))
        self.addCleanup(self.cluster.kubectl, "delete", "pod/timed", "--now", "--wait=false")
        self.cluster.ready("timed")
        until(lambda: len(self.cluster.kubectl("logs", "timed").splitlines()) == 2, "it has spoken")
        time.sleep(2.1)
        self.cluster.exec("timed", "touch", "/tmp/go")
        until(lambda: len(self.cluster.kubectl("logs", "timed").splitlines()) == 4, "it has spoken again")

        def logs(*options):
            return self.cluster.kubectl("logs", "timed", *options).splitlines()
        stamped = [line.split(" ", 1) for line in logs("--timestamps")]
        self.assertEqual([text for _, text in stamped], ["early 1", "early 2", "late 1", "late 2"])
        self.assertEqual(sorted(stamp for stamp, _ in stamped), [stamp for stamp, _ in stamped])
        # From a moment on, which has no fractions.
        late = stamped[2][0]
        self.assertEqual(logs("--since-time", late.split(".")[0] + "Z"), ["late 1", "late 2"])
        self.assertEqual(logs("--since-time", stamped[0][0].split(".")[0] + "Z"), [text for _, text in stamped])
        self.assertEqual(logs("--since", "1h"), [text for _, text in stamped])
        self.assertEqual(until(lambda: (found := logs("--since", "2s")) != [text for _, text in stamped] and [found], "what is early is left out")[0][:1] in (
            ["late 1"], ["late 2"], []), True)
        for options, lines in ((("--tail=0",), []), (("--tail=1",), ["late 2"]), (("--tail=100",), [text for _, text in stamped]),
                               (("--tail=3", "--limit-bytes=10"), ["early 2", "la"]), (("--since", "1h", "--tail=2"), ["late 1", "late 2"])):
            self.assertEqual(logs(*options), lines, options)
        refused = self.cluster.kubectl("logs", "timed", "--previous", check=False)
        self.assertIn('previous terminated container "main" in pod "timed" not found', refused.stderr)

    def test_following_goes_on_when_a_log_is_rotated(self):
        """Files are looked at every ten seconds, and one of more than 10 MiB is set aside."""
        line = "x" * 110
        script = f"i=0; while [ $i -lt 110000 ]; do i=$((i+1)); echo $i {line}; done; while :; do i=$((i+1)); echo $i; sleep 0.05; done"
        self.cluster.apply(pod("talker", ["sh", "-c", script]))
        self.addCleanup(self.cluster.kubectl, "delete", "pod/talker", "--now", "--wait=false")
        self.cluster.ready("talker")
        uid = self.cluster.get("pod/talker")["metadata"]["uid"]
        process = subprocess.Popen(self.cluster.command("logs", "-f", "talker"), stdout=subprocess.PIPE, text=True)
        numbers, rotated = [], None
        try:
            for text in process.stdout:
                numbers.append(int(text.split()[0]))
                if rotated is None and numbers[-1] > 110000:
                    aside = glob.glob(os.path.join(shared.instance().directory, "**", f"*{uid}", "main", "0.log.*"), recursive=True)
                    rotated = numbers[-1] if aside else None
                if rotated and numbers[-1] > rotated + 20:
                    break
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        self.assertEqual(numbers, list(range(1, numbers[-1] + 1)), "nothing is lost, nothing is told twice")
        # What is set aside is still there to be read.
        self.assertEqual(self.cluster.kubectl("logs", "talker", "--limit-bytes=2"), "1 ")

    def test_copies_both_ways(self):
        with tempfile.TemporaryDirectory() as folder:
            content = os.urandom(1 << 20)
            there, back = os.path.join(folder, "there"), os.path.join(folder, "back")
            os.makedirs(os.path.join(there, "deep"))
            with open(os.path.join(there, "deep", "file"), "wb") as file:
                file.write(content)
            self.cluster.kubectl("cp", there, "box:/tmp/copied")
            self.assertEqual(self.cluster.exec("box", "wc", "-c", "/tmp/copied/deep/file").split()[0], str(len(content)))
            self.cluster.kubectl("cp", "box:/tmp/copied", back)
            with open(os.path.join(back, "deep", "file"), "rb") as file:
                self.assertEqual(file.read(), content)

    def test_attaches(self):
        body = pod("echoer", ["sh", "-c", "while read line; do echo got $line; done"], restartPolicy="Never")
        body["spec"]["containers"][0].update(stdin=True, stdinOnce=True)
        self.cluster.apply(body)
        self.cluster.ready("echoer")
        result = self.cluster.kubectl("attach", "-i", "echoer", input="one\ntwo\n", check=False)
        self.assertIn("got one\ngot two\n", result.stdout, result.stderr)

    def test_attaching_ends_with_the_input_where_the_process_keeps_its_own(self):
        body = pod("listener", ["sh", "-c", "while read line; do echo got $line; done"], restartPolicy="Never")
        body["spec"]["containers"][0].update(stdin=True)
        self.cluster.apply(body)
        self.cluster.ready("listener")
        for word in ("one", "two"):
            self.assertEqual(self.cluster.kubectl("attach", "-i", "listener", input=word + "\n", check=False).returncode, 0)
        until(lambda: "got one\ngot two\n" in self.cluster.kubectl("logs", "listener"), "both lines have come")
        self.assertEqual(self.cluster.get("pod/listener")["status"]["phase"], "Running")

    def test_python_client_execs(self):
        core = self.cluster.core()
        answer = stream(core.connect_get_namespaced_pod_exec, "box", "default", command=["sh", "-c", "echo out; echo err >&2"],
                        stdout=True, stderr=True, stdin=False, tty=False)
        self.assertEqual(sorted(answer.split()), ["err", "out"])

    def test_python_client_talks_to_a_running_exec(self):
        core = self.cluster.core()
        shell = stream(core.connect_get_namespaced_pod_exec, "box", "default", command=["sh"], stdout=True, stderr=True, stdin=True,
                       tty=False, _preload_content=False)
        shell.write_stdin("echo $((20+3))\n")
        shell.update(timeout=10)
        self.assertEqual(shell.readline_stdout(timeout=10), "23")
        shell.write_stdin("exit 5\n")
        shell.run_forever(timeout=10)
        self.assertEqual(shell.returncode, 5)
        shell.close()

    def test_python_client_watches(self):
        core, seen = self.cluster.core(), []
        watching = kubernetes.watch.Watch()
        version = core.list_namespaced_config_map("default").metadata.resource_version

        def watch():
            for event in watching.stream(core.list_namespaced_config_map, "default", resource_version=version, timeout_seconds=30):
                if event["object"].metadata.name == "watched":
                    seen.append(event["type"])
                    if event["type"] == "DELETED":
                        watching.stop()

        thread = threading.Thread(target=watch)
        thread.start()
        other = self.cluster.core()
        body = kubernetes.client.V1ConfigMap(metadata=kubernetes.client.V1ObjectMeta(name="watched"), data={"a": "1"})
        other.create_namespaced_config_map("default", body)
        other.patch_namespaced_config_map("watched", "default", {"data": {"a": "2"}})
        other.delete_namespaced_config_map("watched", "default")
        thread.join(40)
        self.assertEqual(seen, ["ADDED", "MODIFIED", "DELETED"])

    def test_python_client_reads_logs(self):
        self.cluster.apply(pod("speaker", ["echo", "spoken"], restartPolicy="Never"))
        self.cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/speaker", "--timeout=60s")
        self.assertEqual(self.cluster.core().read_namespaced_pod_log("speaker", "default"), "spoken\n")

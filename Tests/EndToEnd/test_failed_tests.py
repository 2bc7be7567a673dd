"""scripts/failed-tests names what failed, out of logs as `swift test` and Tests/EndToEnd/run write them."""

import os
import subprocess
import tempfile
import unittest

from harness import settings

UNIT = """\
◇ Test run started.
◇ Test each(_:) started.
◇ Test case passing 1 argument x → 2 to each(_:) started.
✘ Test each(_:) recorded an issue with 1 argument x → 2 at Things.swift:7:55: Expectation failed: (x → 2) != 2
◇ Test adds() started.
✘ Test adds() recorded an issue at Things.swift:5:25: Expectation failed: ([1, 2].count → 2) == 3
↳ sizes
◇ Test "a named one" started.
✘ Test each(_:) with 3 test cases failed after 0.001 seconds with 1 issue.
✘ Test adds() failed after 0.001 seconds with 1 issue.
✔ Test "a named one" passed after 0.001 seconds.
✘ Suite Things failed after 0.001 seconds with 3 issues.
✘ Test run with 3 tests in 1 suite failed after 0.001 seconds with 3 issues.
"""

CRASH = """\
◇ Test run started.
◇ Test dies() started.
◇ Test fine() started.
✔ Test fine() passed after 0.001 seconds.
Things/Things.swift:9: Fatal error: no way
*** Program crashed: Illegal instruction at 0x00007effb30f9361 ***
"""

END_TO_END = """\
ok      test_demo.Demo.test_runs (2.0 s)
FAILED  test_streams.Streams.test_logs (6.5 s)
Traceback (most recent call last):
  File "/work/main/Tests/EndToEnd/test_streams.py", line 40, in test_logs
    until(lambda: self.ready())
  File "/work/main/Tests/EndToEnd/harness/waiting.py", line 20, in until
    raise AssertionError("nothing came within 60 s")
AssertionError: nothing came within 60 s

ok      test_restart.Restart.test_adopts (1.0 s)
FAILED  setUpClass (test_down.Down) (0.0 s)
Traceback (most recent call last):
  File "/work/main/Tests/EndToEnd/test_down.py", line 12, in setUpClass
    run("up")
subprocess.CalledProcessError: Command 'up' returned non-zero exit status 1.

--- the end of the log of main (/var/tmp/x)
ok then
skipped test_streams.Streams.test_forwards: no
1 skipped
2 passed, 2 failed
"""


def failed(kind, log):
    with tempfile.NamedTemporaryFile("w", suffix=".log") as file:
        file.write(log)
        file.flush()
        script = os.path.join(settings.repository, "scripts", "failed-tests")
        return subprocess.run([script, kind, file.name], capture_output=True, text=True, check=True).stdout


class FailedTests(unittest.TestCase):
    maxDiff = None

    def test_unit_tests_that_failed(self):
        self.assertEqual(failed("unit", UNIT), """\
  each(_:)
      with 1 argument x → 2 at Things.swift:7:55: Expectation failed: (x → 2) != 2
  adds()
      Things.swift:5:25: Expectation failed: ([1, 2].count → 2) == 3
      ↳ sizes
""")

    def test_unit_tests_that_crashed(self):
        self.assertEqual(failed("unit", CRASH), """\
  the test process
      Things/Things.swift:9: Fatal error: no way
      *** Program crashed: Illegal instruction at 0x00007effb30f9361 ***
  dies()
      started, and neither passed nor failed
""")

    def test_end_to_end_tests_that_failed(self):
        self.assertEqual(failed("end-to-end", END_TO_END), """\
  test_streams.Streams.test_logs
      AssertionError: nothing came within 60 s
      File "/work/main/Tests/EndToEnd/test_streams.py", line 40, in test_logs
  setUpClass (test_down.Down)
      subprocess.CalledProcessError: Command 'up' returned non-zero exit status 1.
      File "/work/main/Tests/EndToEnd/test_down.py", line 12, in setUpClass
""")

    def test_a_run_that_ended_early(self):
        log = END_TO_END[:END_TO_END.index("AssertionError: nothing came")] + "Terminated\n"
        self.assertIn("the test run, which ended without its counts", failed("end-to-end", log))

    def test_a_part_that_failed(self):
        self.assertEqual(failed("part", "compiling\nA.swift:1:2: error: no such thing\n"), "      A.swift:1:2: error: no such thing\n")
        self.assertEqual(failed("part", "one\n\ntwo\n"), "      one\n      two\n")

    def test_nothing_failed(self):
        self.assertEqual(failed("unit", "✔ Test fine() passed after 0.001 seconds.\n"), "")
        self.assertEqual(failed("end-to-end", "ok      test_demo.Demo.test_runs (2.0 s)\n1 passed, 0 failed\n"), "")

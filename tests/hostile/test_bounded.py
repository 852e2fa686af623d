import signal

from hostile.bounded import run_python


def test_an_ending_tells_code_output_and_peak_memory() -> None:
    ending = run_python("import sys; x = bytearray(100 << 20); print(sys.argv[1]); sys.exit(3)", "word")
    assert (ending.code, ending.killed, ending.stdout) == (3, False, "word\n")
    assert ending.peak > 100 << 20


def test_a_process_that_does_not_end_is_killed_with_its_children() -> None:
    ending = run_python("import os, time; os.fork(); time.sleep(60)", seconds=0.5)
    assert (ending.code, ending.killed) == (-signal.SIGKILL, True)
    assert ending.seconds < 10


def test_a_process_that_dies_of_a_signal_is_told_apart() -> None:
    assert run_python("import os; os.abort()").code == -signal.SIGABRT

"""Processes as /proc shows them, and ending one of them for certain and no other."""
import os
import signal
from pathlib import Path

TICKS_PER_SECOND = os.sysconf('SC_CLK_TCK')


def parent_of(pid):
    """None where there is no such process, or it has ended and is not yet waited for."""
    try:
        # The name before it, in brackets, may hold anything.
        state, parent = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == 'Z' else int(parent)


def command_of(pid):
    try:
        return Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='replace').split('\0')
    except (FileNotFoundError, ProcessLookupError):
        return []


def all_processes():
    return [int(entry) for entry in os.listdir('/proc') if entry.isdigit()]


def workers_of(studio):
    """Process ids of its `kinora worker` children."""
    return [pid for pid in all_processes()
            if parent_of(pid) == studio and command_of(pid)[1:2] == ['worker']]


def kill_child(pid, parent):
    """False: it is no child of that process (any more). Its number cannot go to another meanwhile."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if parent_of(pid) != parent:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def _status_number(pid, field):
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        name, _, value = line.partition(':')
        if name == field:
            return int(value.split()[0])
    return 0


def resident_bytes(pid):
    """0 where it has ended."""
    try:
        return _status_number(pid, 'VmRSS') * 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0


def cpu_seconds(pid):
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def wake_ups(pid):
    """Times that its threads went to sleep so far; each time something woke them again."""
    return sum(_status_number(f'{pid}/task/{thread}', 'voluntary_ctxt_switches')
               for thread in os.listdir(f'/proc/{pid}/task'))

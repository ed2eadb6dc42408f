"""What a studio and its workers do while there is nothing to do."""
import time

import processes
from studio import Failed, Job

SETTLE_SECONDS = 4
MOST_CPU_SHARE = 0.03  # of one core, each process: a busy machine tells three times what a quiet one does
# A second. gRPC's timers look several times, and once more in the studio for each connection.
MOST_WAKE_UPS = 12  # 6 to 7 of a worker where nothing else runs, 8.2 was seen on a busy machine
MORE_WAKE_UPS_FOR_EACH_WORKER = 1.5


def measure(place, seconds):
    """[(name, share of a core, wake-ups a second)] of a studio that waits at an empty queue, with
    workers that have worked: they start with the first job."""
    first = max(picture.job for picture in place.history()) + 1
    place.add([Job(first + number, 2, 1) for number in range(place.workers)], lambda *_: None)
    run = place.start('--wait')
    try:
        deadline = time.monotonic() + 60
        while len(run.workers()) < place.workers or set(place.jobs_by_state()) != {'finished'}:
            time.sleep(0.1)
            if time.monotonic() > deadline:
                raise Failed('workers do not start, or do not work: see ' + str(run.errors))
        time.sleep(SETTLE_SECONDS)
        names = {run.pid: 'studio'}
        names |= {pid: f'worker {pid}' for pid in run.workers()}
        before = {pid: (processes.cpu_seconds(pid), processes.wake_ups(pid)) for pid in names}
        began = time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - began
        return [(name, (processes.cpu_seconds(pid) - before[pid][0]) / passed,
                 (processes.wake_ups(pid) - before[pid][1]) / passed)
                for pid, name in names.items()]
    finally:
        run.stop()


def told(figures):
    return '; '.join(f'{name}: {share:.2%} of a core, {wakes:.1f} wake-ups a second'
                     for name, share, wakes in figures)


def breaches(figures):
    workers = len(figures) - 1
    most = {name: MOST_WAKE_UPS + (workers * MORE_WAKE_UPS_FOR_EACH_WORKER if name == 'studio' else 0)
            for name, _, _ in figures}
    found = [f'an idle {name} takes {share:.2%} of a core'
             for name, share, _ in figures if share > MOST_CPU_SHARE]
    return found + [f'an idle {name} wakes up {wakes:.1f} times a second'
                    for name, _, wakes in figures if wakes > most[name]]

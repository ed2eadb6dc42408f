"""Whether memory stays flat while a queue is worked through."""
import statistics
import threading

import processes

SAMPLE_SECONDS = 0.5
MEBIBYTE = 1 << 20
# Below this many jobs what a process takes at its start hides what it keeps.
FEWEST_JOBS = 1000
MOST_GROWTH_BYTES = 4 * MEBIBYTE


class MemoryWatch:
    """Samples studio and workers until it is told to stop."""

    def __init__(self, run, pictures_done):
        self.samples = []  # (pictures done, studio's bytes, the largest worker's bytes)
        self._run, self._pictures_done = run, pictures_done
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def _sample(self):
        while not self._stop.wait(SAMPLE_SECONDS):
            workers = [processes.resident_bytes(pid) for pid in self._run.workers()]
            studio = processes.resident_bytes(self._run.pid)
            if studio and workers:
                self.samples.append((self._pictures_done(), studio, max(workers)))

    def stop(self):
        self._stop.set()
        self._thread.join()

    def growth(self, pictures):
        """(name, bytes early, bytes late): medians of the second and the last tenth; empty where
        there are too few samples."""
        early = [s for s in self.samples if 0.1 <= s[0] / pictures < 0.2]
        late = [s for s in self.samples if s[0] / pictures >= 0.9]
        if not early or not late:
            return []
        return [(name, statistics.median(s[index] for s in early),
                 statistics.median(s[index] for s in late))
                for name, index in (('studio', 1), ('largest worker', 2))]


def told(growth):
    return ', '.join(f'{name} {early / MEBIBYTE:.1f} to {late / MEBIBYTE:.1f} MiB'
                     for name, early, late in growth)


def breaches(growth, jobs):
    if jobs < FEWEST_JOBS:
        return []
    if not growth:
        return ['memory was not measured often enough']
    return [f'{name} grew from {early / MEBIBYTE:.1f} to {late / MEBIBYTE:.1f} MiB'
            for name, early, late in growth if late - early > MOST_GROWTH_BYTES]

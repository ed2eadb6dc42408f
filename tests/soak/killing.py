"""A queue that is worked through while its workers and its studio are killed at random."""
import time
from dataclasses import dataclass, field

import processes
from studio import Failed

POLL_SECONDS = 0.05
LAST_KILL = 0.9  # of the pictures are done at the most; after that nobody disturbs


@dataclass
class Outcome:
    worker_kills: int = 0
    studio_kills: int = 0  # of these, some in the moment of starting
    studio_kills_at_start: int = 0
    set_aside: int = 0
    resumed: int = 0
    seconds: float = 0
    announced: list = field(default_factory=list)  # files, by all studios together
    seen: dict = field(default_factory=dict)  # file -> (inode, time) when it was first seen done


class Killer:
    """Works through the queue of `place`. Moments are drawn as numbers of pictures that are done,
    so that all kills take place however fast the machine is."""

    def __init__(self, place, pictures, worker_kills, studio_kills, random, tell):
        self.place, self.pictures, self.random, self.tell = place, pictures, random, tell
        at_start = studio_kills // 3
        self.at_start = at_start
        self.worker_moments = self._moments(worker_kills)
        self.studio_moments = self._moments(studio_kills - at_start)
        self.outcome = Outcome()

    def _moments(self, count):
        most = int(self.pictures * LAST_KILL)
        return sorted(self.random.randrange(most) for _ in range(count))

    def work(self):
        began = time.monotonic()
        while True:
            run = self.place.start()
            killed = self._disturb_start(run) or self._disturb(run)
            code = run.end()
            self.outcome.announced += run.files
            self.outcome.resumed += run.resumed
            if killed:
                continue
            if code == 0:
                break
            self._after_failures(code)
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _disturb_start(self, run):
        """True: the studio was killed before it did much, or anything."""
        # Before the last of the other kills there is a start for each of these, and work left after it.
        moments = len(self.studio_moments)
        if self.at_start == 0 or self.random.random() * moments >= self.at_start:
            return False
        self.at_start -= 1
        time.sleep(self.random.uniform(0, 1.5))
        if not run.running():
            raise Failed('the studio ended before the queue was empty: see ' + str(run.errors))
        run.kill()
        self.outcome.studio_kills += 1
        self.outcome.studio_kills_at_start += 1
        return True

    def _disturb(self, run):
        """True: the studio was killed. False: it ended by itself."""
        while run.running():
            time.sleep(POLL_SECONDS)
            done = self._pictures_done()
            self.tell('Killing', done, self.pictures,
                      f'{self.outcome.worker_kills} workers and {self.outcome.studio_kills} '
                      'studios were killed')
            if self.worker_moments and done >= self.worker_moments[0]:
                time.sleep(self.random.uniform(0, 0.3))
                if self._kill_a_worker(run):
                    self.worker_moments.pop(0)
            if self.studio_moments and done >= self.studio_moments[0]:
                time.sleep(self.random.uniform(0, 0.3))
                self._note_what_is_done()
                if run.running():
                    run.kill()
                    self.studio_moments.pop(0)
                    self.outcome.studio_kills += 1
                    return True
        return False

    def _pictures_done(self):
        return self.place.pictures_done()

    def _kill_a_worker(self, run):
        workers = run.workers()
        if not workers or not processes.kill_child(self.random.choice(workers), run.pid):
            return False
        self.outcome.worker_kills += 1
        return True

    def _note_what_is_done(self):
        for picture in self.place.history():
            if picture.state == 'done' and picture.path not in self.outcome.seen:
                status = picture.path.stat()
                self.outcome.seen[picture.path] = (status.st_ino, status.st_mtime_ns)

    def _after_failures(self, code):
        """Two workers lost with one job at the same place: by design it is set aside. Random kills
        may do that to a job of few steps; more often than they can would be wrong."""
        states = self.place.jobs_by_state()
        set_aside = states.get('set-aside', 0)
        if set_aside == 0 or states.get('failed', 0) > 0:
            raise Failed(f'the studio ended with {code}, jobs: {states}')
        self.outcome.set_aside += set_aside
        if 2 * self.outcome.set_aside > self.outcome.worker_kills:
            raise Failed(f'{self.outcome.set_aside} jobs were set aside by '
                         f'{self.outcome.worker_kills} kills of workers')
        self.place.call('queue', 'retry')

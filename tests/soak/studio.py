"""The real program with a queue of its own: jobs are added, worked through, and looked at."""
import json
import os
import shutil
import sqlite3
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import processes


@dataclass(frozen=True)
class Picture:
    """As the queue's history has it."""
    job: int
    state: str
    path: Path
    file_hash: str
    pixel_hash: str


@dataclass(frozen=True)
class Job:
    number: int
    steps: int
    pictures: int


class Failed(Exception):
    """The program did what it must not do; the text says what."""


class Place:
    """A folder with a data folder, a folder for pictures and one for sockets."""

    def __init__(self, program, folder, model, workers):
        self.program, self.folder, self.workers = program, folder, workers
        self.data, self.pictures = folder / 'data', folder / 'pictures'
        self.models = folder / 'models'
        self.model = self.models / model.name
        runtime = folder / 'run'
        runtime.mkdir(mode=0o700)
        self.pictures.mkdir()
        shutil.copytree(model, self.model)
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=str(runtime))

    def command(self, *words):
        return [str(self.program), *words, '--data', str(self.data)]

    def call(self, *words):
        """Its output; raises Failed where it fails."""
        done = subprocess.run(self.command(*words), env=self.environment, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise Failed(f'kinora {" ".join(words)} ended with {done.returncode}: {done.stderr}')
        return done.stdout

    def add(self, jobs, tell):
        def add_one(job):
            self.call('queue', 'add', '--quiet', '--model', str(self.model),
                      '--prompt', f'a fox, number {job.number}', '--seed', str(job.number),
                      '--width', '16', '--height', '16', '--steps', str(job.steps),
                      '--count', str(job.pictures),
                      '--output', str(self.pictures / f'{job.number}.png'))

        with ThreadPoolExecutor(2) as pool:
            for number, _ in enumerate(pool.map(add_one, jobs), 1):
                tell('Adding jobs', number, len(jobs))

    def start(self, *options):
        return Run(self, *options)

    def _rows(self, sql):
        database = sqlite3.connect(f'file:{self.data}/queue/queue.db?mode=ro', uri=True, timeout=20)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def pictures_done(self):
        return self._rows("SELECT count(*) FROM items WHERE state = 'done'")[0][0]

    def history(self):
        return [Picture(job, state, Path(path), file_hash, pixel_hash)
                for job, state, path, file_hash, pixel_hash in self._rows(
                    'SELECT job, state, path, file_hash, pixel_hash FROM items')]

    def jobs_by_state(self):
        return dict(self._rows('SELECT state, count(*) FROM jobs GROUP BY state'))

    def interruptions(self):
        """How attempts ended that did not finish, by reason."""
        return dict(self._rows("SELECT why, count(*) FROM attempts WHERE outcome <> 'finished' "
                               'GROUP BY why ORDER BY count(*) DESC'))

    def left_over(self):
        """Files that no finished queue has: temporary ones, checkpoints."""
        kept = list((self.data / 'queue' / 'checkpoints').iterdir())
        return kept + list(self.pictures.glob('.*'))

    def processes(self):
        """Of this place, studios and workers alike."""
        return [pid for pid in processes.all_processes()
                if str(self.data) in processes.command_of(pid)]


class Run:
    """One `kinora queue run`, from its start to its end."""

    def __init__(self, place, *options):
        self.files, self.resumed, self.lost = [], 0, []
        self.errors = place.folder / 'studio-errors.txt'
        with self.errors.open('ab') as errors:
            self.process = subprocess.Popen(
                place.command('queue', 'run', '--json', '--workers', str(place.workers),
                              '--threads', str(place.workers), *options),
                env=place.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=errors, text=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:  # the last line of a studio that was killed
                continue
            if event['event'] == 'result':
                self.files.append(event['file'])
            elif event['event'] == 'resumed':
                self.resumed += 1

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def workers(self):
        return processes.workers_of(self.pid)

    def kill(self):
        self.process.kill()
        return self.end()

    def stop(self):
        self.process.terminate()
        return self.end()

    def end(self):
        """Waits; its exit code."""
        code = self.process.wait()
        self._reader.join()
        self.process.stdout.close()
        return code

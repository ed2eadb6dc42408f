"""What must be true of a queue that was worked through, whatever happened meanwhile."""
import hashlib
import subprocess


def breaches(place, jobs, expected, outcome):
    """Texts; empty where all is well. expected: file -> hash of its pixels."""
    found = []
    states = place.jobs_by_state()
    if states != {'finished': len(jobs)}:
        found.append(f'not all of {len(jobs)} jobs are finished: {states}')
    history = place.history()
    found += _of_files(place, history, expected)
    found += _of_what_was_seen(outcome)
    twice = len(outcome.announced) - len(set(outcome.announced))
    if twice:
        found.append(f'{twice} files were announced twice')
    if unknown := set(outcome.announced) - {str(picture.path) for picture in history}:
        found.append(f'announced, but not in the history: {sorted(unknown)[:3]}')
    found += [f'left over: {path}' for path in place.left_over()]
    return found


def _of_files(place, history, expected):
    found = []
    named = {picture.path for picture in history}
    there = set(place.pictures.iterdir())
    found += [f'{path} is there and in no history' for path in sorted(there - named)]
    if len(named) != len(history) or named != set(expected):
        found.append('the history names other files than the run without kills')
    for picture in history:
        if picture.state != 'done' or picture.path not in there:
            found.append(f'{picture.path} is missing ({picture.state})')
        elif hashlib.sha256(picture.path.read_bytes()).hexdigest() != picture.file_hash:
            found.append(f'{picture.path} is not the file of the history')
        elif picture.pixel_hash != expected.get(picture.path):
            found.append(f'{picture.path} shows another picture than the run without kills')
    return found


def _of_what_was_seen(outcome):
    found = []
    for path, seen in outcome.seen.items():
        status = path.stat() if path.exists() else None
        if not status or (status.st_ino, status.st_mtime_ns) != seen:
            found.append(f'{path} was finished, and was lost or written anew')
    return found


def breaches_of_pixels(place, history):
    """Makes these pictures once more and compares the pixels in their files."""
    found = []
    for picture in history:
        done = subprocess.run(place.command('verify', str(picture.path), '--threads', '1',
                                            '--models', str(place.models)),
                              env=place.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            found.append(f'{picture.path}: verify says {done.stdout}{done.stderr}')
    return found

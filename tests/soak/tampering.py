"""Sees the verdict fail: what is wrong on purpose must be noticed."""
import contextlib
import copy

import verdict


@contextlib.contextmanager
def _changed(path, change):
    before = path.read_bytes()
    change(path)
    try:
        yield
    finally:
        path.write_bytes(before)


@contextlib.contextmanager
def _added(path, content):
    path.write_bytes(content)
    try:
        yield
    finally:
        path.unlink()


def unnoticed(place, jobs, expected, outcome):
    """Texts; empty where the verdict on a queue in which all is well changes with each of these."""
    picture = place.history()[0]
    path, content = picture.path, picture.path.read_bytes()
    status = path.stat()
    twice, seen = copy.deepcopy(outcome), copy.deepcopy(outcome)
    twice.announced += [str(path)] * 2
    seen.seen[path] = (status.st_ino, status.st_mtime_ns - 1)
    another = expected | {path: expected[path][:-1] + '?'}
    nothing = contextlib.nullcontext
    cases = (
        ('a bit of a file that is another', lambda: _changed(
            path, lambda file: file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))),
         jobs, expected, outcome),
        ('a file that went', lambda: _changed(path, lambda file: file.unlink()),
         jobs, expected, outcome),
        ('a second copy', lambda: _added(path.with_stem(path.stem + '-2'), content),
         jobs, expected, outcome),
        ('a temporary file', lambda: _added(path.parent / '.kinora-left.tmp', b''),
         jobs, expected, outcome),
        ('a checkpoint', lambda: _added(place.data / 'queue/checkpoints/1-0.checkpoint', b''),
         jobs, expected, outcome),
        ('a job that is missing', nothing, [*jobs, None], expected, outcome),
        ('other pixels', nothing, jobs, another, outcome),
        ('a picture told twice', nothing, jobs, expected, twice),
        ('a picture written anew', nothing, jobs, expected, seen),
    )
    found = []
    for name, change, jobs_then, expected_then, outcome_then in cases:
        with change():
            if not verdict.breaches(place, jobs_then, expected_then, outcome_then):
                found.append(f'the verdict does not notice {name}')
    return found

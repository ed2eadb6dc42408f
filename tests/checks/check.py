#!/usr/bin/env python3
"""Checks of the sources: check.py NAME [--root FOLDER]. Prints each breach and exits 1 where any.

    layering      includes follow the layers; no circle between folders or headers
    third-party   libraries are used in their place only
    tests         every source file has a test or a stated reason (untested.txt)
    registered    every source and test is built: some CMakeLists.txt names it
    size          no file over 800 lines, no function over 80, nothing left to do later
    format        clang-format agrees

Each is a function from the tree's folder to a list of breaches; check_test.py sees each one fail.
"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

import rules

SOURCE_ENDINGS = {'.h', '.cpp', '.cu', '.cuh'}
INCLUDE = re.compile(r'^\s*#\s*include(?:_next)?\s*([<"])([^>"]+)[>"]', re.MULTILINE)
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 80


def source_files(root, tops):
    for top in tops:
        yield from sorted(p for p in (root / top).rglob('*')
                          if p.suffix in SOURCE_ENDINGS and p.is_file())


def folder_of(path):
    """'pipelines/vae/decoder.cpp' -> 'pipelines/vae'; 'app/context.h' -> 'app'."""
    parts = Path(path).parts
    return '/'.join(parts[:2]) if len(parts) > 2 else parts[0]


def in_folders(folder, allowed):
    return folder in allowed or folder.split('/')[0] + '/*' in allowed


def includes_of(root, tops):
    """Yields (file, line, bracket, included), the file relative to the root."""
    for path in source_files(root, tops):
        text = path.read_text(encoding='utf8')
        for match in INCLUDE.finditer(text):
            line = text.count('\n', 0, match.start(1)) + 1
            yield str(path.relative_to(root)), line, match.group(1), match.group(2)


def find_circle(graph):
    """A list of nodes that leads back to its first, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for following in sorted(graph.get(node, ())):
            circle = visit(following)
            if circle:
                return circle
        path.pop()
        done.add(node)
        return None

    for start in sorted(graph):
        circle = visit(start)
        if circle:
            return circle
    return None


def made_from(root, included):
    """Whether the header is there, or what the build makes it from."""
    proto = re.sub(r'(\.grpc)?\.pb\.h$', '.proto', included)
    return any((root / name).is_file() for name in (included, included + '.in', proto))


def check_layering(root):
    breaches, folders, files = [], {}, {}
    for file, line, bracket, included in includes_of(root, rules.LAYERS):
        if bracket == '<':
            continue
        where = f'{file}:{line}'
        if included.endswith('.moc'):
            continue
        if included.split('/')[0] not in rules.LAYERS:
            breaches.append(f'{where}: "{included}" is not a path from the top of the tree')
            continue
        if not made_from(root, included):
            breaches.append(f'{where}: "{included}" does not exist')
        here, there = folder_of(file), folder_of(included)
        files.setdefault(file, set()).add(included)
        if here == there:
            continue
        folders.setdefault(here, set()).add(there)
        if (file, included) in rules.EXCEPTIONS:
            continue
        if here not in rules.MAY_INCLUDE:
            breaches.append(f'{where}: rules.py says nothing about the folder {here}')
        elif not in_folders(there, rules.MAY_INCLUDE[here]):
            breaches.append(f'{where}: {here} may not include {there} ("{included}")')
    for graph, what in ((folders, 'folders'), (files, 'files')):
        circle = find_circle(graph)
        if circle:
            breaches.append(f'circle of {what}: ' + ' -> '.join(circle))
    return breaches


def qt_module(header, qt_headers):
    """'QLabel', 'QtWidgets/QLabel' or 'QtWidgets' -> 'QtWidgets'; None where it is not Qt's."""
    first = header.split('/')[0]
    if first in qt_headers:
        return first
    for module, names in qt_headers.items():
        if header in names:
            return module
    return None


def installed_qt_headers():
    """Module -> header names, from where the Qt headers lie on this machine."""
    modules = {}
    for folder in [*Path('/usr/include').glob('*/qt6'), Path('/usr/include/qt6')]:
        for module in folder.glob('Qt*'):
            if module.is_dir():
                modules[module.name] = {p.name for p in module.iterdir()}
    return modules


def allowed_third_party(included):
    for pattern, folders in rules.THIRD_PARTY.items():
        if pattern.endswith('*') and included.startswith(pattern[:-1]) or included == pattern:
            return folders
    return None


def check_third_party(root, qt_headers=None):
    qt_headers = installed_qt_headers() if qt_headers is None else qt_headers
    if 'QtCore' not in qt_headers:
        return ["Qt's headers were not found, so its places cannot be checked"]
    breaches = []
    for file, line, bracket, included in includes_of(root, rules.LAYERS):
        if bracket == '"':
            continue
        where, here = f'{file}:{line}', folder_of(file)
        if (file.endswith('.h') and included.startswith(rules.NOT_IN_HEADERS)
                and file not in rules.SLOW_HEADER_EXCEPTIONS):
            breaches.append(f'{where}: <{included}> is too slow for a header')
        if included in rules.STANDARD or included in rules.SYSTEM:
            continue
        allowed = allowed_third_party(included)
        if allowed is None:
            module = qt_module(included, qt_headers)
            allowed = rules.QT_MODULES.get(module)
        if allowed is None:
            breaches.append(f'{where}: rules.py does not say where <{included}> belongs')
        elif not in_folders(here, allowed):
            breaches.append(f'{where}: <{included}> is not used in {here}, '
                            f'only in {", ".join(sorted(allowed))}')
    return breaches


def check_tests(root):
    """untested.txt: one `path: reason` a line; the reason "tested by PATH" must name a test."""
    breaches, reasons = [], {}
    listed = root / 'tests/checks/untested.txt'
    for number, line in enumerate(listed.read_text(encoding='utf8').splitlines(), 1):
        if not line.strip() or line.startswith('#'):
            continue
        path, _, reason = (part.strip() for part in line.partition(':'))
        where = f'untested.txt:{number}'
        if not reason:
            breaches.append(f'{where}: no reason for {path}')
        if not (root / path).is_file():
            breaches.append(f'{where}: there is no {path}')
        if reason.startswith('tested by '):
            for test in re.split(r'[,\s]+', reason.removeprefix('tested by ')):
                if not (root / test).is_file():
                    breaches.append(f'{where}: there is no test {test}')
        reasons[path] = where
    for path in source_files(root, rules.LAYERS):
        if path.suffix not in ('.cpp', '.cu'):
            continue
        name = path.relative_to(root)
        test = Path('tests') / name.with_name(name.stem + '_test.cpp')
        if (root / test).is_file():
            if str(name) in reasons:
                breaches.append(f'{reasons[str(name)]}: {name} has a test now: take the line out')
        elif str(name) not in reasons:
            breaches.append(f'{name}: has neither {test} nor a line in untested.txt')
    return breaches


FOREACH = re.compile(r'foreach\((\w+)\s+([^)]*)\)(.*?)endforeach\(\)', re.DOTALL)


def expand_loops(cmake):
    """foreach(name a b) ${name}.cpp endforeach() -> a.cpp b.cpp"""
    return FOREACH.sub(lambda loop: '\n'.join(loop[3].replace('${' + loop[1] + '}', item)
                                              for item in loop[2].split()), cmake)


def check_registered(root):
    breaches = []
    lists = {p.parent: expand_loops(p.read_text(encoding='utf8')) for top in (*rules.LAYERS, 'tests')
             for p in (root / top).rglob('CMakeLists.txt')}
    for path in source_files(root, (*rules.LAYERS, 'tests')):
        if path.suffix not in ('.cpp', '.cu'):
            continue
        named = any(
            re.search(r'(?<![\w./-])(?:\$\{CMAKE_CURRENT_SOURCE_DIR\}/)?'
                      + re.escape(str(path.relative_to(folder))) + r'(?![\w.-])', lists[folder])
            for folder in path.parents if folder in lists)
        if not named:
            breaches.append(f'{path.relative_to(root)}: no CMakeLists.txt names it: never built')
    return breaches


FUNCTION_END = re.compile(r'^\}')
NOT_A_FUNCTION = re.compile(r'^(namespace|struct|class|enum|union|extern|HWY_|#|using|\}|//)')
LEFT_OVER = re.compile(r'\b(?:TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK)\b')


def check_size(root):
    breaches = []
    for path in source_files(root, (*rules.LAYERS, 'tests')):
        name, lines = path.relative_to(root), path.read_text(encoding='utf8').splitlines()
        if len(lines) > MAX_FILE_LINES:
            breaches.append(f'{name}: {len(lines)} lines; at most {MAX_FILE_LINES}')
        opened = None
        for number, line in enumerate(lines, 1):
            if LEFT_OVER.search(line):
                breaches.append(f'{name}:{number}: something is left to do: {line.strip()}')
            # clang-format puts the braces of functions in namespaces into the first column.
            if opened is None and line.endswith('{') and line[:1].strip() \
                    and not NOT_A_FUNCTION.match(line) and '= {' not in line:
                opened = number
            elif opened is not None and FUNCTION_END.match(line):
                if number - opened - 1 > MAX_FUNCTION_LINES and line == '}':
                    breaches.append(f'{name}:{opened}: a function of {number - opened - 1} lines; '
                                    f'at most {MAX_FUNCTION_LINES}')
                opened = None
    return breaches


def check_format(root):
    files = [str(p) for p in source_files(root, (*rules.LAYERS, 'tests'))]
    if not files:
        return []
    result = subprocess.run(['clang-format-19', '--dry-run', '-Werror', *files], cwd=root,
                            capture_output=True, text=True)
    if result.returncode == 0:
        return []
    lines = [line for line in result.stderr.splitlines() if 'error:' in line]
    return lines or [result.stderr.strip() or 'clang-format-19 failed']


CHECKS = {
    'layering': check_layering,
    'third-party': check_third_party,
    'tests': check_tests,
    'registered': check_registered,
    'size': check_size,
    'format': check_format,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('check', choices=CHECKS)
    parser.add_argument('--root', type=Path, default=Path(__file__).resolve().parents[2])
    arguments = parser.parse_args()
    breaches = CHECKS[arguments.check](arguments.root)
    for breach in breaches:
        print(breach)
    if breaches:
        print(f'{arguments.check}: {len(breaches)} to mend')
    sys.exit(1 if breaches else 0)


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""Sees each check pass on a clean tree and fail on a tree with one breach."""
import shutil
import tempfile
import unittest
from pathlib import Path

import check
import rules

QT = {'QtCore': {'QString', 'QObject'}, 'QtGui': {'QImage'}, 'QtWidgets': {'QLabel'},
      'QtNetwork': {'QTcpSocket'}}


class Checks(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.write('tests/checks/untested.txt', '')
        self.write('kernels/base/error.h', '#pragma once\n#include <string>\n')
        self.write('kernels/base/error.cpp', '#include "kernels/base/error.h"\n')
        self.write('kernels/base/CMakeLists.txt', 'kinora_library(a SOURCES error.cpp)\n')
        self.write('tests/kernels/base/error_test.cpp', '#include "kernels/base/error.h"\n')
        self.write('tests/kernels/CMakeLists.txt', 'kinora_test(a SOURCES base/error_test.cpp)\n')

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding='utf8')

    def third_party(self):
        return check.check_third_party(self.root, QT)

    def assert_one(self, breaches, part):
        self.assertEqual(len(breaches), 1, breaches)
        self.assertIn(part, breaches[0])

    def test_a_clean_tree_passes_all(self):
        for name, run in check.CHECKS.items():
            found = self.third_party() if name == 'third-party' else run(self.root)
            self.assertEqual(found, [], name)

    # Layering

    def test_an_include_upward_fails(self):
        self.write('pipelines/vae/vae.h', '')
        self.write('kernels/base/error.cpp', '#include "pipelines/vae/vae.h"\n')
        self.assert_one(check.check_layering(self.root), 'kernels/base may not include')

    def test_siblings_may_not_include_each_other(self):
        self.write('pipelines/vae/vae.h', '')
        self.write('pipelines/text/text.h', '#include "pipelines/vae/vae.h"\n')
        self.assert_one(check.check_layering(self.root), 'pipelines/text may not include')

    def test_nobody_includes_a_back_end(self):
        self.write('kernels/cpu/cpu.h', '')
        self.write('kernels/ops/conv.cpp', '#include "kernels/cpu/cpu.h"\n')
        self.assert_one(check.check_layering(self.root), 'kernels/ops may not include')

    def test_app_sees_of_the_pipelines_the_request_alone(self):
        self.write('pipelines/request/request.h', '')
        self.write('pipelines/vae/vae.h', '')
        self.write('app/cli/image.cpp', '#include "pipelines/request/request.h"\n'
                                        '#include "pipelines/vae/vae.h"\n')
        self.assert_one(check.check_layering(self.root), 'image.cpp:2: app/cli may not include')

    def test_a_circle_of_folders_fails(self):
        self.write('core/media/a.h', '#include "core/library/b.h"\n')
        self.write('core/library/b.h', '')
        self.write('core/library/c.h', '#include "core/media/d.h"\n')
        self.write('core/media/d.h', '')
        self.assert_one(check.check_layering(self.root),
                        'circle of folders: core/library -> core/media -> core/library')

    def test_a_circle_of_headers_fails(self):
        self.write('core/media/a.h', '#include "core/media/b.h"\n')
        self.write('core/media/b.h', '#include "core/media/a.h"\n')
        self.assert_one(check.check_layering(self.root), 'circle of files')

    def test_an_include_beside_the_file_fails(self):
        self.write('kernels/base/error.cpp', '#include "error.h"\n')
        self.assert_one(check.check_layering(self.root), 'not a path from the top')

    def test_a_header_that_does_not_exist_fails(self):
        self.write('kernels/base/error.cpp', '#include "kernels/base/gone.h"\n')
        self.assert_one(check.check_layering(self.root), 'does not exist')

    def test_a_header_that_is_made_from_a_file_may_be_included(self):
        self.write('core/engine/talk.proto', '')
        self.write('core/engine/a.cpp', '#include "core/engine/talk.pb.h"\n'
                                        '#include "core/engine/talk.grpc.pb.h"\n'
                                        '#include "core/engine/walk.pb.h"\n')
        self.assert_one(check.check_layering(self.root), 'walk.pb.h" does not exist')

    def test_an_unknown_folder_fails(self):
        self.write('kernels/new/a.h', '#include "kernels/base/error.h"\n')
        self.assert_one(check.check_layering(self.root), 'says nothing about the folder')

    # Libraries

    def test_each_library_fails_outside_its_place(self):
        for pattern, folders in rules.THIRD_PARTY.items():
            outside = 'kernels/base' if 'kernels/base' not in folders else 'core/media'
            header = pattern.replace('*', 'x.h')
            with self.subTest(header):
                self.write(f'{outside}/error.cpp', f'#include <{header}>\n')
                self.assert_one(self.third_party(), f'<{header}> is not used in {outside}')

    def test_each_library_passes_in_its_place(self):
        for pattern, folders in rules.THIRD_PARTY.items():
            for folder in folders:
                folder = folder.replace('*', 'x')
                self.write(f'{folder}/a.cpp', f'#include <{pattern.replace("*", "x.h")}>\n')
                self.assertEqual(self.third_party(), [])
                (self.root / folder / 'a.cpp').unlink()

    def test_pipelines_know_no_qt(self):
        self.write('pipelines/vae/vae.cpp', '#include <QString>\n')
        self.assert_one(self.third_party(), '<QString> is not used in pipelines/vae')

    def test_core_knows_no_widgets_and_no_gui(self):
        for header in ('QLabel', 'QtWidgets/QLabel', 'QtWidgets', 'QImage'):
            with self.subTest(header):
                self.write('core/media/a.cpp', f'#include <QString>\n#include <{header}>\n')
                self.assert_one(self.third_party(), f'a.cpp:2: <{header}> is not used in core')

    def test_an_unknown_library_fails(self):
        for header in ('boost/any.hpp', 'QTcpSocket'):
            with self.subTest(header):
                self.write('core/media/a.cpp', f'#include <{header}>\n')
                self.assert_one(self.third_party(), 'does not say where')

    def test_a_slow_header_in_a_header_fails(self):
        self.write('core/media/a.h', '#include <nlohmann/json.hpp>\n')
        self.assert_one(self.third_party(), 'too slow for a header')

    def test_missing_qt_headers_are_no_pass(self):
        self.assert_one(check.check_third_party(self.root, {}), 'cannot be checked')

    # Tests

    def test_a_source_without_a_test_fails(self):
        self.write('kernels/base/log.cpp', '')
        self.assert_one(check.check_tests(self.root), 'kernels/base/log.cpp: has neither')

    def test_a_stated_reason_passes(self):
        self.write('kernels/base/log.cpp', '')
        self.write('tests/checks/untested.txt', '# why\nkernels/base/log.cpp: prints only\n')
        self.assertEqual(check.check_tests(self.root), [])

    def test_a_line_without_a_reason_fails(self):
        self.write('kernels/base/log.cpp', '')
        self.write('tests/checks/untested.txt', 'kernels/base/log.cpp:\n')
        self.assert_one(check.check_tests(self.root), 'no reason')

    def test_a_stale_line_fails(self):
        self.write('tests/checks/untested.txt', 'kernels/base/gone.cpp: prints only\n')
        self.assert_one(check.check_tests(self.root), 'there is no kernels/base/gone.cpp')

    def test_a_line_for_a_tested_file_fails(self):
        self.write('tests/checks/untested.txt', 'kernels/base/error.cpp: prints only\n')
        self.assert_one(check.check_tests(self.root), 'has a test now')

    def test_a_line_that_names_a_missing_test_fails(self):
        self.write('kernels/base/log.cpp', '')
        self.write('tests/checks/untested.txt',
                   'kernels/base/log.cpp: tested by tests/kernels/gone_test.cpp\n')
        self.assert_one(check.check_tests(self.root), 'there is no test')

    # Built, short, formatted

    def test_a_source_that_is_not_built_fails(self):
        self.write('kernels/base/log.cpp', '')
        self.assert_one(check.check_registered(self.root), 'kernels/base/log.cpp')

    def test_a_test_that_is_not_registered_fails(self):
        self.write('tests/kernels/base/log_test.cpp', '')
        self.assert_one(check.check_registered(self.root), 'tests/kernels/base/log_test.cpp')

    def test_a_loop_registers_what_it_names(self):
        self.write('tests/core/CMakeLists.txt',
                   'foreach(name a b)\n    kinora_qt_test(x_${name} ${name}_test.cpp)\nendforeach()\n')
        self.write('tests/core/b_test.cpp', '')
        self.assertEqual(check.check_registered(self.root), [])
        self.write('tests/core/c_test.cpp', '')
        self.assert_one(check.check_registered(self.root), 'tests/core/c_test.cpp')

    def test_a_name_that_ends_alike_is_not_registered(self):
        self.write('kernels/base/or.cpp', '')
        self.assert_one(check.check_registered(self.root), 'kernels/base/or.cpp')

    def test_a_long_file_fails(self):
        self.write('kernels/base/error.cpp', '\n' * 801)
        self.assert_one(check.check_size(self.root), '801 lines')

    def test_a_long_function_fails(self):
        self.write('kernels/base/error.cpp', 'void f() {\n' + '    g();\n' * 81 + '}\n')
        self.assert_one(check.check_size(self.root), 'error.cpp:1: a function of 81 lines')

    def test_two_short_functions_pass(self):
        self.write('kernels/base/error.cpp', ('void f() {\n' + '    g();\n' * 60 + '}\n') * 2)
        self.assertEqual(check.check_size(self.root), [])

    def test_left_over_work_fails(self):
        for word in ('TO' 'DO', 'FIX' 'ME'):
            with self.subTest(word):
                self.write('kernels/base/error.cpp', f'// {word}: later\n')
                self.assert_one(check.check_size(self.root), 'left to do')

    def test_wrong_format_fails(self):
        self.write('kernels/base/error.cpp', 'int   x;\n')
        breaches = check.check_format(self.root)
        self.assertTrue(breaches)
        self.assertIn('error.cpp:1', breaches[0])


if __name__ == '__main__':
    unittest.main()

# One way to declare each kind of target. Sources are explicit, links private, warnings errors.

add_library(kinora_options INTERFACE)
target_compile_options(kinora_options INTERFACE -Wall -Wextra -Wpedantic -Werror
                       $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>
                       -ffp-contract=off # the same bytes whatever the compiler fuses
                       # gcc 12 finds overlaps in std::string that are not there (its bug 105651)
                       $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
if(KINORA_SANITIZE)
    # The tests themselves are left out: instrumenting their many checks takes longer than all the
    # code that they test. ThreadSanitizer has to see both sides of what they share with it.
    set(instrument -fsanitize=${KINORA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    if(KINORA_SANITIZE STREQUAL thread)
        target_compile_options(kinora_options INTERFACE ${instrument})
    else()
        target_compile_options(kinora_options INTERFACE
            "$<$<NOT:$<BOOL:$<TARGET_PROPERTY:KINORA_TEST>>>:${instrument}>")
    endif()
    target_link_options(kinora_options INTERFACE -fsanitize=${KINORA_SANITIZE})
endif()
if(KINORA_FUZZ)
    target_compile_options(kinora_options INTERFACE -fsanitize=fuzzer-no-link
                           -Wno-error) # the warnings that count are gcc's
endif()

find_program(KINORA_MOLD mold)
if(KINORA_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_link_options(-fuse-ld=mold)
endif()
find_program(KINORA_CCACHE ccache)
if(KINORA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${KINORA_CCACHE})
endif()

# Static libraries made here, by layer: libkinora.so is linked from them.
define_property(GLOBAL PROPERTY KINORA_PARTS)

# kinora_library(kinora_kernels_base SOURCES a.cpp b.cpp LINKS kinora_x Qt6::Core)
# One per source folder: a static library whose headers are included by their path from the root.
function(kinora_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE kinora_options ${arg_LINKS})
    set_property(GLOBAL APPEND PROPERTY KINORA_PARTS ${name})
endfunction()

# kinora_test(kernels_tensor SOURCES arena_test.cpp LINKS kinora_kernels_tensor [LABELS gpu])
# A doctest program for kernels and pipelines (main comes from tests/support).
function(kinora_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS;LABELS" ${ARGN})
    add_executable(test_${name} ${arg_SOURCES})
    set_target_properties(test_${name} PROPERTIES KINORA_TEST ON)
    target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_definitions(test_${name} PRIVATE
        KINORA_SOURCE_DIR="${PROJECT_SOURCE_DIR}" KINORA_BINARY_DIR="${CMAKE_BINARY_DIR}")
    target_link_libraries(test_${name} PRIVATE kinora_options kinora_test_main ${arg_LINKS})
    add_test(NAME ${name} COMMAND test_${name})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
endfunction()

# What the preset tsan builds and runs: tests of threads that are ours, label "threads".
add_custom_target(kinora_thread_tests)

# kinora_qt_test(core_media_png_text png_text_test.cpp LINKS kinora Qt6::Test [LABELS threads])
# One Qt Test class per program; runs without a display.
function(kinora_qt_test name source)
    cmake_parse_arguments(arg "" "" "LINKS;LABELS" ${ARGN})
    add_executable(test_${name} ${source})
    set_target_properties(test_${name} PROPERTIES AUTOMOC ON KINORA_TEST ON)
    target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_definitions(test_${name} PRIVATE
        KINORA_SOURCE_DIR="${PROJECT_SOURCE_DIR}" KINORA_BINARY_DIR="${CMAKE_BINARY_DIR}")
    target_link_libraries(test_${name} PRIVATE kinora_options ${arg_LINKS})
    add_test(NAME ${name} COMMAND test_${name} -silent) # what failed, and the totals
    # ThreadSanitizer does not know what gRPC, Qt and OpenMP agree on, which are not built with it.
    set(tsan ignore_noninstrumented_modules=1)
    set(environment QT_QPA_PLATFORM=offscreen)
    if(threads IN_LIST arg_LABELS)
        add_dependencies(kinora_thread_tests test_${name})
        if(KINORA_SANITIZE STREQUAL thread)
            list(APPEND environment
                 OMP_NUM_THREADS=1 # that team's barriers are not seen
                 DNNL_MAX_CPU_ISA=AVX512_CORE_BF16) # as in packaging/test: oneDNN 2.6 crashes
            # A worker says it, too, on the same output; how it ends, not every test looks at.
            set_tests_properties(${name} PROPERTIES
                FAIL_REGULAR_EXPRESSION "WARNING: ThreadSanitizer")
        endif()
    else()
        # A child of fork that starts threads is seen half, so is a process that used QProcess
        # (clone(CLONE_VM), taken for a fork of itself). No test of threads may be one of these:
        # there ThreadSanitizer ends it.
        string(APPEND tsan :die_after_fork=0)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}"
        ENVIRONMENT "${environment};TSAN_OPTIONS=${tsan}")
endfunction()

#include "kernels/cpu/idle_team.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>

namespace kinora::kernels::test {

namespace {

double processSeconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

} // namespace

TEST_CASE("OpenMP's threads sleep soon after their work, though there is one per processor") {
    const cpu::IdleTeam idle;
    const int threads = omp_get_num_procs();
    constexpr int kRegions = 20;
    std::atomic<int> present = 0;
    const double before = processSeconds();
    for (int region = 0; region < kRegions; ++region) {
#pragma omp parallel num_threads(threads)
        present.fetch_add(1);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const double spun = processSeconds() - before;
    CHECK(present == kRegions * threads);
    // Without the idle team each thread but one spins for some 7 ms after each region.
    CHECK(spun < 0.0015 * kRegions * threads);
}

TEST_CASE("idle teams come and go") {
    for (int round = 0; round < 3; ++round) {
        const auto first = std::make_unique<cpu::IdleTeam>();
        const auto second = std::make_unique<cpu::IdleTeam>();
    }
}

} // namespace kinora::kernels::test

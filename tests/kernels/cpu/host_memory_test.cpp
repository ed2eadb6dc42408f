#include "kernels/cpu/host_memory.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace kinora::kernels::test {

TEST_CASE("host memory is aligned, writable to its last byte, and refused when absurd") {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{4096}, size_t{256} << 10,
                              (size_t{3} << 20) + 5}) {
        const cpu::HostBlock block(size);
        CHECK(reinterpret_cast<uintptr_t>(block.data()) % 64 == 0);
        if (size) std::memset(block.data(), 0x5a, size);
    }
    CHECK(cpu::allocateHost(SIZE_MAX) == nullptr);
    CHECK(cpu::allocateHost(size_t{1} << 60) == nullptr);
    CHECK_THROWS_AS(cpu::HostBlock(size_t{1} << 60), std::bad_alloc);
}

TEST_CASE("a block moves with its memory") {
    cpu::HostBlock first(1000);
    void* memory = first.data();
    cpu::HostBlock second(std::move(first));
    CHECK(second.data() == memory);
    CHECK(second.sizeBytes() == 1000);
    CHECK(first.data() == nullptr); // NOLINT: what a moved block holds is the question
}

} // namespace kinora::kernels::test

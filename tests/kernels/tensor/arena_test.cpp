#include "kernels/base/error.h"
#include "kernels/tensor/arena.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <random>
#include <vector>

using namespace kinora;
using namespace kinora::kernels;

namespace {

constexpr size_t kMiB = size_t{1} << 20;

// Addresses that nobody touches, so that a test may place segments where it likes.
struct FakeSource {
    std::vector<uintptr_t> places; // where the next segments go
    size_t memoryBytes = SIZE_MAX;
    std::map<uintptr_t, size_t> live;

    size_t liveBytes() const {
        size_t sum = 0;
        for (const auto& [address, size] : live) sum += size;
        return sum;
    }

    MemorySource source() {
        return {[this](size_t size) -> void* {
                    if (liveBytes() + size > memoryBytes) return nullptr;
                    uintptr_t address = m_next;
                    if (!places.empty()) {
                        address = places.front();
                        places.erase(places.begin());
                    } else
                        m_next += size;
                    live[address] = size;
                    return reinterpret_cast<void*>(address);
                },
                [this](void* memory, size_t size) {
                    const auto found = live.find(reinterpret_cast<uintptr_t>(memory));
                    REQUIRE(found != live.end());
                    CHECK(found->second == size);
                    live.erase(found);
                }};
    }

  private:
    uintptr_t m_next = uintptr_t{1} << 44;
};

ptrdiff_t distance(void* from, void* to) {
    return static_cast<char*>(to) - static_cast<char*>(from);
}

} // namespace

TEST_CASE("pieces are aligned, apart from each other, and counted") {
    FakeSource fake;
    Arena arena(fake.source());
    void* a = arena.allocate(1);
    void* b = arena.allocate(100);
    void* c = arena.allocate(0);
    for (void* piece : {a, b, c}) CHECK(reinterpret_cast<uintptr_t>(piece) % 64 == 0);
    CHECK(distance(a, b) == 64);
    CHECK(distance(b, c) == 128);
    CHECK(arena.stats().usedBytes == 64 + 128 + 64);
    CHECK(arena.stats().reservedBytes == 8 * kMiB);
    arena.release(b);
    CHECK(arena.stats().usedBytes == 128);
    CHECK(arena.stats().peakUsedBytes == 256);
    arena.resetPeaks();
    CHECK(arena.stats().peakUsedBytes == 128);
}

TEST_CASE("the smallest free piece that is large enough is taken") {
    FakeSource fake;
    Arena arena(fake.source());
    void* large = arena.allocate(3 * kMiB);
    void* wallA = arena.allocate(64);
    void* small = arena.allocate(kMiB);
    void* wallB = arena.allocate(64);
    arena.release(large);
    arena.release(small);
    CHECK(arena.allocate(kMiB - 5000) == small);
    CHECK(arena.allocate(kMiB + 64) == large);
    CHECK(wallA != wallB);
}

TEST_CASE("freed neighbours merge, in whichever order they are freed") {
    for (const std::vector<int>& order :
         {std::vector{0, 1, 2}, std::vector{2, 1, 0}, std::vector{0, 2, 1}, std::vector{1, 0, 2}}) {
        FakeSource fake;
        Arena arena(fake.source());
        void* pieces[3];
        for (void*& piece : pieces) piece = arena.allocate(2 * kMiB);
        void* wall = arena.allocate(2 * kMiB); // the segment is full
        for (const int i : order) arena.release(pieces[i]);
        CHECK(arena.allocate(6 * kMiB) == pieces[0]);
        CHECK(arena.stats().reservedBytes == 8 * kMiB);
        arena.release(wall);
    }
}

TEST_CASE("segments that happen to touch do not merge") {
    FakeSource fake;
    fake.places = {uintptr_t{1} << 40, (uintptr_t{1} << 40) + 8 * kMiB};
    Arena arena(fake.source());
    void* a = arena.allocate(8 * kMiB);
    void* b = arena.allocate(8 * kMiB);
    CHECK(distance(a, b) == static_cast<ptrdiff_t>(8 * kMiB));
    arena.release(a);
    arena.release(b);
    arena.allocate(16 * kMiB);
    CHECK(arena.stats().reservedBytes == 32 * kMiB);
}

TEST_CASE("the second round of the same requests gets the same addresses") {
    FakeSource fake;
    Arena arena(fake.source());
    const auto round = [&] {
        std::mt19937 random(7);
        std::vector<void*> live, taken;
        for (int i = 0; i < 2000; ++i) {
            if (live.size() > 40 || (live.size() > 3 && random() % 2)) {
                const size_t victim = random() % live.size();
                arena.release(live[victim]);
                live[victim] = live.back();
                live.pop_back();
                continue;
            }
            live.push_back(arena.allocate(random() % (3 * kMiB)));
            taken.push_back(live.back());
        }
        for (void* piece : live) arena.release(piece);
        return taken;
    };
    round();
    const size_t reserved = arena.stats().reservedBytes;
    const std::vector<void*> second = round();
    CHECK(round() == second);
    CHECK(arena.stats().reservedBytes == reserved);
    CHECK(arena.stats().usedBytes == 0);
}

TEST_CASE("of pieces of one size the one of the older segment is taken") {
    for (const bool ascending : {true, false}) {
        FakeSource fake;
        fake.places = {uintptr_t{ascending ? 1u : 2u} << 40, uintptr_t{ascending ? 2u : 1u} << 40};
        Arena arena(fake.source());
        void* older = arena.allocate(8 * kMiB);
        void* newer = arena.allocate(8 * kMiB);
        arena.release(newer);
        arena.release(older);
        CHECK(arena.allocate(8 * kMiB) == older);
    }
}

TEST_CASE("the choice does not depend on where the source puts segments") {
    const auto peak = [](bool ascending) {
        FakeSource fake;
        const uintptr_t base = uintptr_t{1} << 40;
        for (uintptr_t i = 0; i < 64; ++i)
            fake.places.push_back(base + (ascending ? i : 64 - i) * (uintptr_t{1} << 32));
        Arena arena(fake.source());
        std::mt19937 random(3);
        std::vector<void*> live;
        for (int i = 0; i < 4000; ++i) {
            if (live.size() > 12) {
                const size_t victim = random() % live.size();
                arena.release(live[victim]);
                live.erase(live.begin() + static_cast<ptrdiff_t>(victim));
            }
            // Sizes that come again, so that free pieces of one size compete.
            live.push_back(arena.allocate((1 + random() % 4) * kMiB));
        }
        return std::pair(arena.stats().peakUsedBytes, arena.stats().peakReservedBytes);
    };
    CHECK(peak(true) == peak(false));
}

TEST_CASE("the limit holds, after the cache was given back") {
    FakeSource fake;
    Arena arena(fake.source(), 24 * kMiB);
    void* a = arena.allocate(8 * kMiB);
    void* b = arena.allocate(8 * kMiB);
    CHECK_THROWS_AS(arena.allocate(16 * kMiB), Error);
    arena.release(a);
    void* c = arena.allocate(16 * kMiB); // fits once a's segment has gone
    CHECK(c != nullptr);
    CHECK(arena.stats().reservedBytes == 24 * kMiB);
    CHECK(fake.liveBytes() == 24 * kMiB);
    try {
        arena.allocate(32 * kMiB);
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::OutOfMemory);
        CHECK(error.message().find("32 MiB more") != std::string::npos);
        CHECK_FALSE(error.advice().empty());
    }
    arena.release(b);
    arena.release(c);
}

TEST_CASE("no memory from the source is an error, and so is an absurd request") {
    FakeSource fake;
    fake.memoryBytes = 10 * kMiB;
    Arena arena(fake.source());
    CHECK_THROWS_AS(arena.allocate(11 * kMiB), Error);
    CHECK_THROWS_AS(arena.allocate(SIZE_MAX), Error);
    CHECK_THROWS_AS(arena.allocate(SIZE_MAX - 63), Error);
    CHECK(arena.stats().usedBytes == 0);
    CHECK(arena.allocate(5) != nullptr);
}

TEST_CASE("trimming gives back segments without a live piece, and nothing else") {
    FakeSource fake;
    {
        Arena arena(fake.source());
        void* a = arena.allocate(20 * kMiB);
        void* b = arena.allocate(10 * kMiB);
        arena.release(a);
        arena.trim();
        CHECK(fake.liveBytes() == 10 * kMiB);
        CHECK(arena.stats().reservedBytes == 10 * kMiB);
        CHECK(arena.stats().peakReservedBytes == 30 * kMiB);
        arena.release(b);
        arena.release(b);       // twice: no harm
        arena.release(nullptr); // not its own: no harm
    }
    CHECK(fake.live.empty()); // the arena returned what it had left
}

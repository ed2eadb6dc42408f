#pragma once
// MT19937, the engine under torch.Generator("cpu"): std::mt19937's numbers, and its state can be
// taken out and put back. Source: Matsumoto and Nishimura 1998, with the seeding of 2002.

#include <array>
#include <cstddef>
#include <cstdint>

namespace kinora::pipelines {

class MersenneTwister {
  public:
    static constexpr size_t kWords = 624;
    struct State {
        std::array<uint32_t, kWords> words{};
        uint32_t next = kWords; // the word that is given out next; kWords: all of them are used up
    };

    explicit MersenneTwister(uint32_t seed);
    uint32_t operator()();

    const State& state() const { return m_state; }
    void restore(const State& state) { m_state = state; } // its `next` at most kWords

  private:
    void refill();

    State m_state;
};

} // namespace kinora::pipelines

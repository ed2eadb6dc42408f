#pragma once
// How far a job is over all its passes and pictures: a number of steps that only grows. A step is a
// call of the denoiser for a batch, or a tile of an enlargement.

#include "core/engine/passes/pass.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kinora::core {

struct PassPlace {
    int64_t round = 0;
    size_t pass = 0;
    int64_t first = 0; // picture of the batch, in this round
    int64_t calls = 0; // of the batch that are done
    int64_t tiles = 0; // of the batch's pictures that are done
};

class PassProgress {
  public:
    explicit PassProgress(const JobPasses& passes);

    struct Amount {
        int64_t steps = 0;
        double seconds = 0; // as the plan has them, without loading, encoding and decoding
    };
    Amount done(const PassPlace& place) const;
    Amount all() const;

    // The same for one picture: its steps over all passes, and how many of them a place is at.
    int64_t stepsOfPicture() const;
    int64_t stepOfPicture(const PassPlace& place) const;
    // Pictures of the job, from 0: the first of the batch, or the one whose tiles are computed.
    int64_t pictureAt(const PassPlace& place) const;
    // What the plan gives a step like the one before the place.
    double secondsOfStep(const PassPlace& place) const;

  private:
    struct Cost { // of a pass
        int64_t calls = 0, tiles = 0, count = 0, batch = 1;
        double callSeconds = 0, tileSeconds = 0;
        Amount before(int64_t picture) const; // of the pass, up to that picture
    };
    Amount ofPassesBefore(size_t pass) const;

    std::vector<Cost> m_costs;
    int64_t m_rounds;
};

} // namespace kinora::core

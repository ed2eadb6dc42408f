#include "core/engine/passes/pass_progress.h"

#include "kernels/base/rounding.h"

#include <algorithm>

namespace kinora::core {
namespace {

PassProgress::Amount operator+(PassProgress::Amount one, PassProgress::Amount other) {
    return {one.steps + other.steps, one.seconds + other.seconds};
}

PassProgress::Amount times(int64_t count, PassProgress::Amount one) {
    return {count * one.steps, static_cast<double>(count) * one.seconds};
}

} // namespace

PassProgress::PassProgress(const JobPasses& passes) : m_rounds(passes.rounds) {
    for (const Pass& pass : passes.list) {
        Cost cost;
        cost.calls = pass.calls;
        cost.count = pass.request.count;
        cost.batch = std::clamp<int64_t>(pass.request.batch, 1, std::max<int64_t>(cost.count, 1));
        // The plan counts steps, of which some samplers make two calls.
        cost.callSeconds = pass.plan.secondsPerStep * static_cast<double>(pass.plan.steps) /
                           static_cast<double>(std::max<int64_t>(pass.calls, 1));
        if (pass.enlarge) {
            cost.tiles = pass.enlarge->plan.tiles;
            cost.tileSeconds = pass.enlarge->plan.secondsPerTile;
        }
        m_costs.push_back(cost);
    }
}

PassProgress::Amount PassProgress::Cost::before(int64_t picture) const {
    const int64_t batches = ceilDiv(picture, batch);
    return times(batches, {calls, static_cast<double>(calls) * callSeconds}) +
           times(picture, {tiles, static_cast<double>(tiles) * tileSeconds});
}

PassProgress::Amount PassProgress::ofPassesBefore(size_t pass) const {
    Amount sum;
    for (size_t i = 0; i < pass; ++i) sum = sum + m_costs[i].before(m_costs[i].count);
    return sum;
}

PassProgress::Amount PassProgress::done(const PassPlace& place) const {
    const Cost& cost = m_costs[place.pass];
    return times(place.round, ofPassesBefore(m_costs.size())) + ofPassesBefore(place.pass) +
           cost.before(place.first) + times(place.calls, {1, cost.callSeconds}) +
           times(place.tiles, {1, cost.tileSeconds});
}

PassProgress::Amount PassProgress::all() const {
    return times(m_rounds, ofPassesBefore(m_costs.size()));
}

int64_t PassProgress::stepsOfPicture() const {
    int64_t steps = 0;
    for (const Cost& cost : m_costs) steps += cost.calls + cost.tiles;
    return steps;
}

int64_t PassProgress::stepOfPicture(const PassPlace& place) const {
    int64_t steps = place.calls;
    for (size_t i = 0; i < place.pass; ++i) steps += m_costs[i].calls + m_costs[i].tiles;
    if (const int64_t tiles = m_costs[place.pass].tiles; place.tiles > 0)
        steps += (place.tiles - 1) % tiles + 1;
    return steps;
}

int64_t PassProgress::pictureAt(const PassPlace& place) const {
    const int64_t tiles = m_costs[place.pass].tiles;
    return place.round + place.first + (place.tiles > 0 ? (place.tiles - 1) / tiles : 0);
}

double PassProgress::secondsOfStep(const PassPlace& place) const {
    const Cost& cost = m_costs[place.pass];
    return place.tiles > 0 ? cost.tileSeconds : cost.callSeconds;
}

} // namespace kinora::core
